"""Both readings of an address: what each takes, what each refuses, and that neither does more work for more text."""

import hashlib
import hmac
import unicodedata
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumbeat.core import first_reading
from drumbeat.core.address import (
    LONGEST_TEXT,
    Mailbox,
    contact_key,
    deliverable,
    former_address,
    keys_of,
    mailbox,
    normalise,
)
from drumbeat.core.compatibility import SEMANTICS
from drumbeat.core.errors import InvalidAddress

READINGS = (1, SEMANTICS)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (" Ada@EXAMPLE.com\n", "Ada@example.com"),
        ("ada+news@mail.example.co.uk", "ada+news@mail.example.co.uk"),
        ("ada@BÜCHER.example", "ada@xn--bcher-kva.example"),
        ("o'neil@example.com", "o'neil@example.com"),
        ("jo\u0065\u0301@example.com", "joé@example.com"),
    ],
)
@pytest.mark.parametrize("semantics", READINGS)
def test_an_address_has_one_spelling(given: str, expected: str, semantics: int) -> None:
    assert normalise(given, semantics) == expected


@pytest.mark.parametrize(
    ("given", "first", "today"),
    [
        ("user@faß.de", "user@fass.de", "user@xn--fa-hia.de"),
        ("info@βόλος.com", "info@xn--nxasmq6b.com", "info@xn--nxasmm1c.com"),
        ("user@FAẞ.de", "user@fass.de", "user@xn--fa-hia.de"),
    ],
)
def test_a_domain_is_the_one_that_registries_and_browsers_mean(given: str, first: str, today: str) -> None:
    assert (normalise(given, 1), normalise(given, 2)) == (first, today)


@pytest.mark.parametrize(
    "text",
    [
        "Grace Hopper <grace@example.com>",
        '"Hopper, Grace" <grace@example.com>',
        '"grace@example.com" <grace@example.com>',
        "<grace@example.com>",
        "Grace\u200d Hopper <grace@EXAMPLE.com>",
        "mailto:grace@example.com",
        "MAILTO:grace@example.com",
        "<mailto:grace@example.com>",
        "\tgrace@example.com\r\n",
    ],
)
def test_what_people_type_around_an_address_is_taken_off(text: str) -> None:
    assert normalise(text, 2) == "grace@example.com"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "ada",
        "@",
        "@example.com",
        "ada@",
        "ada@example",
        "ada@-example.com",
        "ada@example..com",
        "ada@[127.0.0.1]",
        "ada@example.com.",
        "ada@example.com,",
        "ada@example.com;",
        "ada@example.com, eve@example.com",
        "ada@example.com;eve@example.com",
        "ada@example.com eve@example.com",
        "ada@eve@example.com",
        "ada@example.com\nBcc: eve@example.com",
        "ada\r\nBcc:eve@example.com",
        "ada eve@example.com",
        '"ada lovelace"@example.com',
        '"ada@home"@example.com',
        '""@example.com',
        "..@example.com",
        "ada\x00@example.com",
        "ada\ud800@example.com",
        f"{'a' * 65}@example.com",
        f"ada@{'a' * 64}.com",
        f"ada@{'a.' * 126}com",
        "ada@exa_mple.com",
    ],
)
@pytest.mark.parametrize("semantics", READINGS)
def test_what_is_not_one_address_is_refused_without_being_quoted(text: str, semantics: int) -> None:
    with pytest.raises(InvalidAddress) as refused:
        normalise(text, semantics)

    assert "ada" not in str(refused.value)


@pytest.mark.parametrize("local", ["a..b", ".ada", "ada.", "a...b."])
def test_an_odd_local_part_that_carriers_gave_out_is_one_address_and_sent_in_quotes(local: str) -> None:
    read = normalise(f'Ada <"{local}"@Example.com>', 4)

    assert read == normalise(f"{local}@example.com", 4) == f"{local}@example.com"
    assert deliverable(read) == f'"{local}"@example.com'
    assert str(mailbox(f"Ada <{local}@example.com>")) == f'Ada <"{local}"@example.com>'


@pytest.mark.parametrize("text", ["a..b@example.com", '"ada"@example.com'])
@pytest.mark.parametrize("semantics", [1, 2, 3])
def test_by_earlier_rules_it_is_none(text: str, semantics: int) -> None:
    with pytest.raises(InvalidAddress):
        normalise(text, semantics)


def test_quotes_that_are_not_needed_are_not_sent() -> None:
    assert deliverable(normalise('"ada"@example.com', 4)) == "ada@example.com"


@pytest.mark.parametrize(
    "text",
    [
        "Ada <ada@example.com",
        "ada@example.com>",
        "Ada <ada@example.com> x",
        "Lovelace, Ada <ada@example.com>",
        "Support: EU <ada@example.com>",
        "Ada (home) <ada@example.com>",
        'Ada "the first" <ada@example.com>',
        '"Ada <ada@example.com>',
        "eve@example.com <ada@example.com>",
        "Eve <eve@example.com>, Ada <ada@example.com>",
        "Ada ada@example.com",
        "<<ada@example.com>>",
        "Ada <>",
        "mailto:ada@example.com?cc=eve@example.com",
        "mailto:ada%40example.com",
        "mailto:mailto:ada@example.com",
        "ada@☃.example",
        "ada@\u0301a.example",
        "x" * LONGEST_TEXT + "ada@example.com",
    ],
)
def test_what_only_looks_like_one_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidAddress) as refused:
        mailbox(text)

    assert "ada" not in str(refused.value)


INVISIBLE = (
    "\u00a0\u00ad\u034f\u061c\u115f\u180e\u200b\u200c\u200d\u200e\u202e\u2028"
    "\u2060\u2066\u3164\ufe0f\ufeff\uffa0\x07\x7f\U000e0001"
)


@pytest.mark.parametrize("character", INVISIBLE, ids=lambda character: f"U+{ord(character):04X}")
@pytest.mark.parametrize("place", ["{}ada@example.com", "a{}da@example.com", "ada@exam{}ple.com", "ada@example.com{}"])
def test_an_invisible_character_is_refused_and_named(character: str, place: str) -> None:
    with pytest.raises(InvalidAddress, match=rf"U\+{ord(character):04X}"):
        mailbox(place.format(character))


def test_a_name_may_have_the_joiners_that_scripts_and_emoji_need_and_nothing_that_turns_text_around() -> None:
    assert mailbox("\u2600\ufe0f Fernwood <ada@example.com>").name == "\u2600\ufe0f Fernwood"

    with pytest.raises(InvalidAddress, match=r"U\+202E"):
        mailbox("moc.elpmaxe\u202e <ada@example.com>")


# ---------------------------------------------------------------- what holds for any text

ALPHABET = st.sampled_from('aé\u0301ßς.@<>"\\,;: \t-_xn\u200b\u00a0мç日\U0001f600A1')
TEXTS = st.one_of(st.text(max_size=80), st.text(ALPHABET, max_size=40), st.emails())


@given(TEXTS, st.sampled_from(READINGS))
def test_a_reading_is_stable_and_never_lets_a_line_break_through(text: str, semantics: int) -> None:
    try:
        once = normalise(text, semantics)
    except InvalidAddress:
        return
    assert normalise(once, semantics) == once
    assert once.isprintable()
    assert once.count("@") == 1
    assert once.rpartition("@")[2].isascii()


@given(TEXTS)
def test_what_the_first_reading_took_for_ascii_is_the_same_address_today(text: str) -> None:
    """No plain address changed its meaning, and so no contact its key."""
    try:
        first = normalise(text, 1)
    except InvalidAddress:
        return
    if text.strip().isascii():
        assert normalise(text, 2) == first


@given(st.text(st.characters(exclude_categories=["C", "Z", "M"]), min_size=1, max_size=40).map(str.strip), st.emails())
def test_a_mailbox_is_read_back_from_what_was_written(name: str, address: str) -> None:
    try:
        written = Mailbox(name, normalise(address, 2))
        once = mailbox(str(written))
    except InvalidAddress:
        return
    assert once == written


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Ada", "Ada <a@b.example>"),
        ("Ada Lovelace", "Ada Lovelace <a@b.example>"),
        ("Müller", "Müller <a@b.example>"),
        ("Fernwood, Inc.", '"Fernwood, Inc." <a@b.example>'),
        ("Support: EU", '"Support: EU" <a@b.example>'),
        ("Ada (home)", '"Ada (home)" <a@b.example>'),
        ('the "first" \\', '"the \\"first\\" \\\\" <a@b.example>'),
        ("", "a@b.example"),
    ],
)
def test_a_name_is_quoted_where_the_standard_wants_it(name: str, written: str) -> None:
    assert str(Mailbox(name, "a@b.example")) == written
    assert mailbox(written) == Mailbox(name, "a@b.example")


# ---------------------------------------------------------------- work in proportion to the text


LONG = [
    "\u0301",  # sorted among its neighbours when composed
    "\u0315\u0301",
    "\u00ad",
    "a",
    "a.",
    "@",
    "<",
    ">",
    '"',
    "\\",
    " ",
    "ß",
    "\u1e9b\u0323",
]


@pytest.mark.parametrize("piece", LONG, ids=ascii)
@pytest.mark.parametrize(
    "around", ["{}", "{}@example.com", "ada@{}", "ada@{}.com", "{} <ada@example.com>", '"{}" <a@b.c>']
)
@pytest.mark.parametrize("semantics", READINGS)
def test_only_a_short_text_is_ever_composed(
    piece: str, around: str, semantics: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Composing is the one step whose work grows faster than its text, so it must never see a long one."""
    composed: list[int] = []
    really = unicodedata.normalize

    def normalize(form: Any, text: str) -> str:
        composed.append(sum(not _dropped(character) for character in text))
        return really(form, text)

    monkeypatch.setattr(unicodedata, "normalize", normalize)
    text = around.format(piece * 100_000)

    with suppress(InvalidAddress):  # blanks around an address are taken off
        normalise(text, semantics)

    assert max(composed, default=0) <= max(LONGEST_TEXT, first_reading.LONGEST_DOMAIN)


def _dropped(character: str) -> bool:
    return character == "\u00ad"


@pytest.mark.parametrize("local", ["\u0041\u030a" * 32, "\u1f82"[:1] * 21, unicodedata.normalize("NFD", "ᾂ") * 21])
def test_the_bound_refuses_nothing_that_the_first_reading_took(local: str) -> None:
    assert normalise(f"{local}@example.com", 1) == f"{unicodedata.normalize('NFC', local)}@example.com"


def test_what_the_first_reading_dropped_does_not_count_as_length() -> None:
    assert normalise(f"ada@exam{'\u00ad' * 5000}ple.com", 1) == "ada@example.com"


# ---------------------------------------------------------------- keys


def test_letter_case_does_not_make_another_person() -> None:
    assert contact_key(b"secret", "ADA@Example.com ") == contact_key(b"secret", "ada@example.com")


def test_another_address_or_secret_gives_another_key() -> None:
    keys = {
        contact_key(b"one", "ada@example.com"),
        contact_key(b"two", "ada@example.com"),
        contact_key(b"one", "eve@x.y"),
    }

    assert len(keys) == 3
    assert all(len(key) == 32 for key in keys)


@given(st.binary(min_size=1), st.text())
def test_any_text_has_a_key(secret: bytes, text: str) -> None:
    assert {len(key) for key in keys_of(secret, text).known} == {32}


@pytest.mark.parametrize("spelling", ["user@faß.de", "user@xn--fa-hia.de", "User <user@FASS.de>"])
def test_a_key_of_then_is_known_by_any_spelling_of_the_address(spelling: str) -> None:
    read = normalise(spelling, SEMANTICS)

    assert former_address(read) == ("user@fass.de" if "xn--" in read else None)


def test_the_former_key_is_the_one_that_the_release_before_kept() -> None:
    kept = hmac.digest(b"secret", b"user@fass.de", hashlib.sha256)

    today, former = keys_of(b"secret", normalise("user@faß.de", SEMANTICS))

    assert former == contact_key(b"secret", normalise("user@faß.de", 1)) == kept != today


def test_what_the_first_reading_read_has_one_key() -> None:
    assert keys_of(b"secret", "user@xn--fa-hia.de", 1) == (contact_key(b"secret", "user@xn--fa-hia.de"), None)


@pytest.mark.parametrize("address", ["ada@example.com", "ada@xn--bcher-kva.example", "ada@xn--.example", "no address"])
def test_most_addresses_never_had_another_key(address: str) -> None:
    assert keys_of(b"secret", address).known == (contact_key(b"secret", address),)
