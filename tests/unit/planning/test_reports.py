"""What a delivery is recorded as, where its source speaks for an account."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from drumbeat.core import fingerprint, ids
from drumbeat.core.configuration import Source
from drumbeat.core.events import Arrival, EventType
from drumbeat.core.feedback import Kind
from drumbeat.planning.facts import MOST_FACTS
from drumbeat.planning.reports import reported, speaks

KEY = "0b8f2d6e-93a1-5c77-8d1e-3f1f6f0f9a11-1"
OWN = Source(
    "told", "webhook", "hmac", EventType.FEEDBACK, ("env:A",), 300.0, {}, {}, speaks_for="office", words="http"
)
SNS = replace(OWN, scheme="sns", speaks_for="courier", words="ses")


def delivered(body: object, source: Source = OWN, **changes: Any) -> Arrival:
    raw = json.dumps(body).encode()
    values: dict[str, Any] = {
        "id": ids.event_id(source.name, "d-1"),
        "source": source.name,
        "key": "d-1",
        "type": EventType.FEEDBACK,
        "door": "webhook",
        "fingerprint": fingerprint.of_raw(raw),
        "scheduled_at": None,
        "received_at": datetime(2026, 3, 1, tzinfo=UTC),
        "body": raw,
    }
    return Arrival(**values | changes)


def said(kind: str, number: int = 1) -> dict[str, object]:
    return {"id": f"r-{number}", "kind": kind, "key": KEY, "at": "2026-02-28T12:00:00Z"}


def ses(event: str, number: int) -> dict[str, object]:
    mail = {"messageId": f"m-{number}", "destination": ["ada@example.com"], "tags": {"effect-id": [KEY]}}
    return {"eventType": event, "mail": mail, event.lower(): {"timestamp": "2026-02-28T12:00:00Z"}}


def kinds(arrivals: list[Arrival]) -> list[Kind | None]:
    return [one.reported.report.kind if one.reported else None for one in arrivals]


def test_one_report_is_the_delivery_itself() -> None:
    arrival = delivered(said("bounced"))

    [one] = reported(arrival, OWN)

    assert (one.id, one.body) == (arrival.id, arrival.body)
    assert one.reported is not None
    assert (one.reported.account, one.reported.report.kind) == ("office", Kind.BOUNCED)


def test_a_list_is_an_event_for_each_report_the_same_in_whatever_delivery() -> None:
    first = reported(delivered([said("delivered", 1), said("opened", 2)]), OWN)
    again = reported(delivered([said("clicked", 3), said("opened", 2)], key="d-2"), OWN)

    assert kinds(first) == [Kind.DELIVERED, Kind.OPENED]
    assert first[1].id == again[1].id
    assert len({one.id for one in (*first, *again)}) == 3


@pytest.mark.parametrize(
    ("source", "body"),
    [
        (OWN, [said("bounced", 1), said("opened", 2)]),
        (SNS, {"Type": "Notification", "Message": json.dumps([ses("Bounce", 1), ses("Open", 2)])}),
    ],
    ids=["the user's own", "in an envelope"],
)
def test_what_waited_reports_the_same_when_it_is_read_again(source: Source, body: object) -> None:
    now = reported(delivered(body, source), source)

    later = [again for one in now for again in reported(replace(one, reported=None), source)]

    assert None not in kinds(now)
    assert later == now


@pytest.mark.parametrize(
    "body",
    [{"no": "report"}, [], "text", 7, None, [said("opened")] * (MOST_FACTS + 1)],
    ids=["no kind", "empty", "text", "number", "null", "too many"],
)
def test_what_is_no_report_is_one_event_that_reports_nothing(body: object) -> None:
    assert kinds(reported(delivered(body), OWN)) == [None]


def test_one_element_that_is_no_report_costs_its_neighbours_nothing() -> None:
    assert kinds(reported(delivered([said("opened", 1), {"no": "report"}, said("clicked", 2)]), OWN)) == [
        Kind.OPENED,
        None,
        Kind.CLICKED,
    ]


def test_only_a_door_that_verifies_its_sender_reports() -> None:
    arrival = delivered(said("bounced"))

    assert speaks(OWN, arrival)
    assert not speaks(OWN, replace(arrival, door="api"))
    assert not speaks(OWN, replace(arrival, type=EventType.LEAD_CAPTURE))
    assert not speaks(replace(OWN, speaks_for=None), arrival)
    assert not speaks(None, arrival)
