"""The form of reports for senders of the user's own."""

from datetime import UTC, datetime

import pytest

from drumbeat.core.feedback import Kind, Report
from drumbeat.providers.words import registry
from tests.unit.providers.words.payloads import KEY

WORDS = registry.of("http")
FULL = {
    "id": "7c2e",
    "kind": "bounced",
    "key": KEY,
    "at": "2026-03-01T13:00:00+01:00",
    "reference": "m-81",
    "email": "Ada <ada@example.com>",
    "said": "550 5.1.1 <ada@example.com>: no such user",
}


def test_every_field_is_read() -> None:
    assert WORDS.read(FULL) == Report(
        name="7c2e",
        kind=Kind.BOUNCED,
        word="bounced",
        at=datetime(2026, 3, 1, 12, tzinfo=UTC),
        key=KEY,
        reference="m-81",
        address="Ada <ada@example.com>",
        said="550 5.1.1 <[address]>: no such user",
    )


def test_a_click_names_its_link_and_a_machine() -> None:
    report = WORDS.read({"kind": "clicked", "key": KEY, "link": "https://example.com/a", "machine": True})

    assert (report.kind, report.link, report.machine) == (Kind.CLICKED, "https://example.com/a", True)


@pytest.mark.parametrize("kind", list(Kind))
def test_each_kind_is_its_own_word(kind: Kind) -> None:
    assert WORDS.read({"kind": kind.value}).kind is kind


def test_a_kind_that_is_not_known_is_kept_and_decides_nothing() -> None:
    report = WORDS.read({"kind": "deferred by ada@example.com"})

    assert (report.kind, report.word) == (Kind.OTHER, "deferred by [address]")


def test_without_an_id_the_content_is_the_name() -> None:
    nameless = {name: value for name, value in FULL.items() if name != "id"}

    names = {WORDS.read({**nameless, **change}).name for change in ({}, {"kind": "opened"}, {"at": 1}, {"link": "x"})}

    assert len(names) == 4
    assert WORDS.read(dict(reversed(nameless.items()))).name == WORDS.read(nameless).name


def test_two_people_whom_only_the_address_tells_apart_are_two_reports() -> None:
    ada, bob = ({"kind": "unsubscribed", "email": email} for email in ("ada@example.com", "bob@example.com"))

    assert WORDS.read(ada).name != WORDS.read(bob).name


def test_a_key_that_is_not_ours_is_left_out() -> None:
    assert WORDS.read({"kind": "opened", "key": "theirs"}).key is None


@pytest.mark.parametrize("fact", [None, [], "bounced", {}, {"kind": None}, {"kind": 3}])
def test_what_says_no_kind_is_not_in_the_form(fact: object) -> None:
    with pytest.raises(ValueError, match="`kind`"):
        WORDS.read(fact)


def test_a_provider_without_words_of_its_own_has_the_generic_form() -> None:
    assert registry.of("courier") is WORDS
