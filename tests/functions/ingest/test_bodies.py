"""Bodies that cannot be read or stored, and those at the edge of what can: refused with a reason, nothing stored."""

import gzip
import json

import pytest

from tests.functions.doors import Doors, lead


@pytest.mark.point(1)
@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[]", "the event"),
        (b'"x"', "the event"),
        (b"\x1f\x8b\x08\x00\x00\x00\x00\x00", "not UTF-8"),
        (b'{"type":"LEAD_CAPTURE\xff"}', "not UTF-8"),
        (b'{"a":' * 40_000 + b"1" + b"}" * 40_000, "nested too deeply"),
        (b'{"payload":' + b"[" * 65 + b"]" * 65 + b"}", "nested too deeply"),
        (json.dumps(lead(payload={"a": "x\0y"})).encode(), "NUL"),
        (json.dumps(lead(source="x\0y")).encode(), "NUL"),
        (json.dumps(lead(payload={"x\0y": 1})).encode(), "NUL"),
        (json.dumps(lead(payload={"a": "\ud800"})).encode(), "surrogate"),
        (json.dumps(lead(payload={"\udc00": 1})).encode(), "surrogate"),
        (b'{"payload":{"a":1,"a":2}}', "twice"),
        (json.dumps(lead(payload={"a": 2**53})).encode(), "2^53"),
        (json.dumps(lead(payload={"a": [-(2**53)]})).encode(), "2^53"),
        (json.dumps(lead(payload={"a": 1e400})).encode(), "Infinity"),
        (json.dumps(lead()).encode().replace(b'"ada@example.com"', b"1e999"), "2^53"),
        (json.dumps(lead()).encode().replace(b'"ada@example.com"', b"9" * 5000), "2^53"),
        (json.dumps(lead()).encode().replace(b'"ada@example.com"', b"-1.5e-400"), "so small that it would be 0"),
        (json.dumps(lead(payload={"a": float("nan")})).encode(), "NaN"),
        (json.dumps(lead(payload=[])).encode(), "payload"),
        (json.dumps(lead(payload=None)).encode(), "payload"),
        (json.dumps(lead(type="LEAD")).encode(), "type"),
        (json.dumps(lead(source="")).encode(), "source"),
        (json.dumps(lead(source=7)).encode(), "source"),
        (json.dumps(lead(idempotencyKey="x" * 256)).encode(), "idempotencyKey"),
        (json.dumps(lead(idempotencyKey="line\nbreak")).encode(), "printable"),
        (json.dumps(lead(extra=1)).encode(), "extra"),
        (json.dumps(lead(scheduledAt="tomorrow")).encode(), "RFC 3339"),
        (json.dumps(lead(scheduledAt="2030-01-01T00:00:00")).encode(), "RFC 3339"),
        (json.dumps(lead(scheduledAt="2030-02-30T00:00:00Z")).encode(), "scheduledAt"),
        (json.dumps(lead(scheduledAt="0001-01-01T00:00:00+14:00")).encode(), "years"),
        (json.dumps(lead(scheduledAt=1893456000)).encode(), "scheduledAt"),
        (json.dumps(lead(scheduledAt="2030-01-01T00:00:00+99:00")).encode(), "an offset that does not exist"),
    ],
)
def test_what_is_not_understood_is_refused_and_not_stored(doors: Doors, body: bytes, said: str) -> None:
    answer = doors.post("/v1/events", body, encoded=True)

    assert answer.status == 400
    assert said in answer.body["detail"]
    assert answer.body["requestId"] == "request-1"
    assert doors.events() == []


@pytest.mark.point(1)
def test_bytes_that_api_gateway_could_not_hand_on_are_not_stored(doors: Doors) -> None:
    sent = json.dumps(lead(payload={"name": "Zo?"})).encode().replace(b"?", b"\xeb")
    handed_on = sent.decode("utf-8", "replace").encode()

    lost = doors.post("/v1/events", handed_on, headers={"Content-Length": str(len(sent))})
    typed = doors.post("/v1/events", handed_on, headers={"Content-Length": str(len(handed_on))})

    assert (lost.status, "not UTF-8" in lost.body["detail"]) == (400, True)
    assert typed.status == 202  # who sends U+FFFD means it


@pytest.mark.point(1)
def test_a_compressed_body_is_refused_plainly(doors: Doors) -> None:
    answer = doors.post(
        "/v1/events", gzip.compress(json.dumps(lead()).encode()), headers={"Content-Encoding": "gzip"}, encoded=True
    )

    assert (answer.status, answer.body["type"]) == (415, "urn:drumbeat:problem:unsupported-encoding")
    assert doors.events() == []


def test_numbers_and_text_at_the_edge_are_welcome(doors: Doors) -> None:
    payload = {"n": 2**53 - 1, "f": 0.1, "emoji": "\U0001f600", "escaped": "\\u0000", "deep": [[[[[[[[1]]]]]]]]}

    assert doors.post("/v1/events", lead(payload=payload)).status == 202


@pytest.mark.point(1)
def test_an_event_may_have_256_kib_and_not_a_byte_more(doors: Doors) -> None:
    def sized(size: int) -> bytes:
        empty = json.dumps(lead("k", payload={"x": ""})).encode()
        return json.dumps(lead("k", payload={"x": "x" * (size - len(empty))})).encode()

    answers = [doors.post("/v1/events", sized(size)).status for size in (262_145, 262_144)]

    assert answers == [413, 202]
