"""Whatever the door took can be shown, as JSON that every parser reads alike or as what it is."""

import base64
import json

import pytest

from drumbeat.api.response import wire, written
from drumbeat.core.consent import document, evidence, noted
from drumbeat.views.bodies import MAX_BYTES, MAX_DEPTH, Shown, consent, shown

DEEP = b"[" * 5_000 + b"]" * 5_000


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"a": [1, -0.5, null]}', Shown({"a": [1, -0.5, None]}, "json")),
        (b'"\\u00e9\\ud83d\\ude00"', Shown("\u00e9\U0001f600", "json")),
        (b'{"id": 12345678901234567890}', Shown({"id": 12345678901234567890}, "json")),
        (b'"\\u0000"', Shown("\0", "json")),
        (b"plain", Shown("plain", "text")),
        (b"\0", Shown("\0", "text")),
        (b"", Shown("", "text")),
        (b'{"note": "cut \\ud83d"}', Shown('{"note": "cut \\ud83d"}', "text")),
        (b'{"\\udc00": 1}', Shown('{"\\udc00": 1}', "text")),
        (b'{"total": 1e400}', Shown('{"total": 1e400}', "text")),
        (b"[-1e999]", Shown("[-1e999]", "text")),
        (b"[NaN, Infinity]", Shown("[NaN, Infinity]", "text")),
        (b'{"a": 1, "a": 2}', Shown('{"a": 1, "a": 2}', "text")),
        (b"9" * 5_000, Shown("9" * 5_000, "text")),
        (DEEP, Shown(DEEP.decode(), "text")),
        (b"[" * 200_000, Shown("[" * 200_000, "text")),
        (b"\xff\xfe", Shown("//4=", "base64")),
        (b'"\xed\xa0\xbd"', Shown("Iu2gvSI=", "base64")),
        (b"\xef\xbb\xbf{}", Shown("\ufeff{}", "text")),
    ],
)
def test_a_body_is_shown_as_what_it_is(body: bytes, expected: Shown) -> None:
    made = shown(body, "webhook")

    assert made == expected
    assert json.loads(written(wire(made.value)).encode(), parse_constant=pytest.fail) == expected.value


def test_the_deepest_body_that_is_shown_as_json_has_the_depth_that_the_api_takes() -> None:
    at, over = (b"[" * depth + b"]" * depth for depth in (MAX_DEPTH, MAX_DEPTH + 1))

    assert (shown(at, "webhook").form, shown(over, "webhook").form) == ("json", "text")


def test_of_a_large_body_the_beginning_is_shown() -> None:
    body = b"\0" * (MAX_BYTES + 1)

    assert shown(body[1:], "webhook").form == "text"
    assert shown(body, "webhook") == Shown(base64.b64encode(body[1:]).decode(), "beginning")
    assert len(written(shown(body[1:], "webhook").value)) < 6_000_000  # what Lambda can answer


def test_an_events_payload_is_shown_without_its_envelope() -> None:
    assert shown(b'{"type": "LEAD_CAPTURE", "payload": {"a": 1}}', "api") == Shown({"a": 1}, "json")


def test_whatever_an_answer_holds_it_is_json_in_utf_8() -> None:
    value = {"half \ud83d": "\udc00", "whole": "\U0001f600", "not": [float("nan"), float("inf"), -1.5]}

    text = written(wire(value)).encode()

    assert json.loads(text, parse_constant=pytest.fail) == {
        "half \ufffd": "\ufffd",
        "whole": "\U0001f600",
        "not": [None, None, -1.5],
    }


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"consent": [{"list": "news", "text": "yes"}]}', [{"list": "news", "kind": "given"}]),
        (b'{"consent": [{"list": null, "kind": "withdrawn"}]}', [{"list": None, "kind": "withdrawn"}]),
        (b'{"consent": "news"}', []),
        (b'{"consent": ["news", 7]}', []),
        (b'["consent"]', []),
        (b"no JSON", []),
    ],
)
def test_what_an_event_says_of_lists_is_shown(body: bytes, said: list[object]) -> None:
    assert consent(body, "api") == said
    assert consent(body, "webhook") == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"evidence": {"form": "page"}}', {"form": "page"}),
        (b'{"evidence": {}}', None),
        (b'{"evidence": "page"}', None),
        (b'["evidence"]', None),
        (b"no JSON", None),
        (DEEP, None),
    ],
)
def test_what_a_door_noted_is_shown(body: bytes, expected: object) -> None:
    assert (noted(document(body), "form") or None) == expected
    assert not noted(document(body), "webhook")


def test_consent_is_proved_by_the_words_about_its_list_and_by_what_the_door_noted() -> None:
    body = {"consent": [{"list": "news", "text": "yes", "kind": "given"}, 7], "evidence": {"ip": "192.0.2.0"}}

    assert evidence(body, "api", "news") == {"text": "yes", "ip": "192.0.2.0"}
    assert evidence(body, "api", "offers") == {"ip": "192.0.2.0"}
    assert evidence({}, "api", "news") == {}
