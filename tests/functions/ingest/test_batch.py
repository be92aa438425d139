"""Many events over the API: `POST /v1/events/batch`."""

import json

import pytest

from drumbeat.core import ids
from tests.functions.doors import Doors, lead


def test_every_event_has_its_result_in_order(doors: Doors) -> None:
    doors.post("/v1/events", lead("old", payload={"n": 1}))

    answer = doors.post(
        "/v1/events/batch",
        {
            "events": [
                lead("new"),
                lead("old", payload={"n": 1}),
                lead("old", payload={"n": 2}),
                lead("bad", type="NONSENSE"),
                lead("new"),
                lead("new", payload={"n": 3}),
            ]
        },
    )

    results = answer.body["results"]
    assert answer.status == 207
    assert [result["status"] for result in results] == [202, 200, 422, 400, 200, 422]
    assert [result.get("eventId") for result in results] == [
        str(ids.event_id("crm", key)) if key else None for key in ("new", "old", "", "", "new", "")
    ]
    assert results[2]["problem"]["eventId"] == str(ids.event_id("crm", "old"))
    assert results[3]["problem"]["type"] == "urn:drumbeat:problem:invalid-request"
    assert len(doors.events()) == 2


def test_a_batch_is_one_query_and_workers_are_notified_of_new_events_only(doors: Doors) -> None:
    doors.post("/v1/events", lead("old"))
    doors.notified()
    before = doors.services.db.round_trips

    doors.post("/v1/events/batch", {"events": [lead("old"), *(lead(f"new-{n}") for n in range(30))]})

    assert doors.services.db.round_trips == before + 1
    assert set(doors.notified()) == {ids.event_id("crm", f"new-{n}") for n in range(30)}


def test_of_two_events_of_a_batch_the_later_is_the_newer(doors: Doors) -> None:
    doors.post("/v1/events/batch", {"events": [lead(key) for key in "cab"]})

    times = {row["key"]: row["received_at"] for row in doors.events()}
    assert sorted(times, key=lambda key: times[key]) == ["c", "a", "b"]
    assert len(set(times.values())) == 3


def test_an_element_is_kept_as_a_whole_event(doors: Doors) -> None:
    event = lead("one", payload={"name": "Ödön", "n": 1.5}, scheduledAt="2030-01-01T00:00:00Z")

    doors.post("/v1/events/batch", {"events": [event]})

    (row,) = doors.events()
    assert json.loads(row["body"]) == event


def test_an_event_is_the_same_through_either_door(doors: Doors) -> None:
    doors.post("/v1/events", lead("one"))

    answer = doors.post("/v1/events/batch", {"events": [lead("one")]})

    assert answer.body["results"][0]["status"] == 200


@pytest.mark.point(1)
@pytest.mark.parametrize(
    "bad",
    [
        "7",
        "null",
        '{"payload":{"a":1,"a":2}}',
        '{"a":"\\u0000"}',
        '{"a":"\\ud800"}',
        '{"a":9007199254740993}',
        "[" * 70 + "]" * 70,
        json.dumps(lead("large", payload={"x": "x" * 262_144})),
        json.dumps({**lead(), "idempotencyKey": None}),
    ],
)
def test_a_bad_event_does_not_hurt_its_neighbours(doors: Doors, bad: str) -> None:
    body = f'{{"events":[{json.dumps(lead("one"))},{bad},{json.dumps(lead("two"))}]}}'.encode()

    results = doors.post("/v1/events/batch", body).body["results"]

    assert [result["status"] for result in results] in ([202, 400, 202], [202, 413, 202])
    assert {row["key"] for row in doors.events()} == {"one", "two"}


@pytest.mark.point(1)
@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[]", 400),
        (b'{"events": {}}', 400),
        (b'{"events": [], "more": 1}', 400),
        (b'{"events": [], "events": []}', 400),
        (json.dumps({"events": [1] * 501}).encode(), 413),
        (b'{"events": ["' + b"x" * 4 * 1024 * 1024 + b'"]}', 413),
    ],
)
def test_a_batch_that_is_none_is_refused_as_a_whole(doors: Doors, body: bytes, status: int) -> None:
    assert doors.post("/v1/events/batch", body).status == status


def test_an_empty_batch_is_an_empty_answer(doors: Doors) -> None:
    assert doors.post("/v1/events/batch", {"events": []}).body == {"results": []}


def test_a_full_batch_is_recorded(doors: Doors) -> None:
    answer = doors.post("/v1/events/batch", {"events": [lead(f"{n}") for n in range(500)]})

    assert {result["status"] for result in answer.body["results"]} == {202}
    assert len(doors.events()) == 500
