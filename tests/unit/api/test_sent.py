"""What was sent is shown as a person reads it, and what no answer holds is cut, with a word that says so."""

import json

import pytest

from drumbeat.api.response import ANSWER_BYTES, weight
from drumbeat.api.sent import CUT, CUT_CHARACTERS, PART_CHARACTERS, Part, Sent, part, sent
from drumbeat.core.errors import Invalid
from drumbeat.core.request import Request
from drumbeat.delivery.requests import freeze
from drumbeat.planning.render_limits import LONGEST_OUTPUT

LARGEST = "\x01"  # a character that takes seven bytes of an answer
JSON = {"Content-Type": "application/json"}


def frozen(body: object, headers: dict[str, str] = JSON) -> tuple[bytes, bytes]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return freeze(Request("POST", "https://x.example", headers, raw))


def whole(body: bytes, hash: bytes) -> str:
    """Return all parts, put together."""
    text, cursor = "", None
    while True:
        shown = part(body, hash, cursor)
        assert shown is not None
        text += shown.text
        if (cursor := shown.next) is None:
            assert shown.characters == len(text)
            return text


def test_a_mail_has_a_subject_and_texts_and_any_other_request_a_body() -> None:
    mail = {"to": ["ada@example.com"], "subject": "Hello", "text": "Glad", "html": "<p>Glad</p>"}

    assert sent(*frozen(mail)) == Sent("POST", "Hello", "Glad", "<p>Glad</p>", None)
    assert sent(*frozen({"plan": "trial"})) == Sent("POST", None, None, None, {"plan": "trial"})
    assert sent(*frozen(b"plan=trial", {"content-type": "application/x-www-form-urlencoded"})) == Sent(
        "POST", None, None, None, {"plan": "trial"}
    )
    assert sent(*frozen(b"")) == Sent("POST", None, None, None, None)
    assert (sent(b"other", b"hash"), part(b"other", b"hash", None)) == (None, None)


def test_the_longest_mail_of_ordinary_text_is_shown_whole() -> None:
    mail = {"subject": "Hello", "text": 'She said "yes".\n' * (LONGEST_OUTPUT // 16), "html": "é" * LONGEST_OUTPUT}

    shown = sent(*frozen(mail))

    assert shown is not None
    assert (shown.text, shown.html, shown.cut) == (mail["text"], mail["html"], None)


@pytest.mark.parametrize(
    "body",
    [
        {"subject": "Hello", "text": LARGEST * LONGEST_OUTPUT, "html": LARGEST * LONGEST_OUTPUT},
        {"properties": {str(n): LARGEST * LONGEST_OUTPUT for n in range(4)}},
        (LARGEST * LONGEST_OUTPUT).encode(),
    ],
)
def test_what_no_answer_holds_is_cut_and_all_of_it_is_read_in_parts(body: object) -> None:
    kept = frozen(body)

    shown = sent(*kept)

    assert shown is not None
    assert (shown.cut, weight(shown) <= ANSWER_BYTES) == (CUT, True)
    assert {len(str(text)) for text in (shown.text, shown.html, shown.body) if text} == {CUT_CHARACTERS}
    assert whole(*kept) == (body.decode() if isinstance(body, bytes) else json.dumps(body))


def test_the_largest_part_fits_into_an_answer() -> None:
    shown = part(*frozen((LARGEST * (PART_CHARACTERS + 1)).encode()), None)

    assert shown is not None
    assert (shown.next, weight(shown) <= ANSWER_BYTES) == (str(PART_CHARACTERS), True)


def test_a_part_beyond_the_end_is_empty_and_a_cursor_that_is_no_number_is_refused() -> None:
    kept = frozen({"a": 1})

    assert part(*kept, "99") == Part("POST", "application/json", 8, "", None)
    for cursor in ("x", "-1", "1.5", "9" * 10, "\u0661"):
        with pytest.raises(Invalid, match="cursor"):
            part(*kept, cursor)
