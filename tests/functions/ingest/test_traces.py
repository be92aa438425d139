"""The trace that a request says it belongs to: kept with its events, whatever way they take."""

import pytest

from tests.conftest import TestDatabase
from tests.functions.doors import Doors, lead, make_unreachable
from tests.functions.ingest.test_outages import drained
from tests.functions.ingest.test_webhooks import code, deliver

__all__ = ["code"]

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
HEADERS = {"traceparent": f"00-{TRACE}-{SPAN}-01"}
STORED = bytes.fromhex(f"{TRACE}{SPAN}01")


def traces(ledger: TestDatabase) -> set[bytes | None]:
    return {row["trace"] for row in ledger.run("SELECT trace FROM events")}


def test_an_event_keeps_the_trace_of_its_request(doors: Doors) -> None:
    doors.post("/v1/events", lead(), headers=HEADERS)

    assert traces(doors.ledger) == {STORED}


def test_so_do_all_events_of_a_batch(doors: Doors) -> None:
    doors.post("/v1/events/batch", {"events": [lead("one"), lead("two")]}, headers=HEADERS)

    assert traces(doors.ledger) == {STORED}


@pytest.mark.usefixtures("code")
def test_so_does_a_delivery_of_a_webhook(doors: Doors) -> None:
    deliver(doors, headers=HEADERS)

    assert traces(doors.ledger) == {STORED}


def test_so_does_one_that_waited_in_the_buffer(doors: Doors) -> None:
    doors.post("/v1/events", lead("before"))
    make_unreachable(doors.services)
    doors.post("/v1/events", lead("one"), headers=HEADERS)
    doors.post("/v1/events", lead("two"))

    assert drained(doors) == 2
    assert traces(doors.ledger) == {STORED, None}


@pytest.mark.parametrize("header", ["", "00-0-0-01", "\N{SNOWMAN}"])
def test_a_header_that_is_none_changes_nothing(doors: Doors, header: str) -> None:
    assert doors.post("/v1/events", lead(), headers={"traceparent": header}).status == 202
    assert traces(doors.ledger) == {None}


def test_a_repeat_in_another_trace_is_a_repeat(doors: Doors) -> None:
    doors.post("/v1/events", lead("one"), headers=HEADERS)
    doors.redis.flushall()

    again = doors.post("/v1/events", lead("one"))

    assert (again.status, again.headers["idempotent-replayed"]) == (200, "true")
    assert traces(doors.ledger) == {STORED}
