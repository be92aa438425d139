"""An id is named by its beginning wherever one is taken, if that means one alone."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from redis import Redis

from drumbeat.delivery import plans_sql
from drumbeat.local.servers import Valkey
from tests.conftest import TestDatabase
from tests.functions.api.test_api import applied, held
from tests.functions.api.test_parked import park
from tests.functions.console import Console, build_services, close
from tests.store.rows import LEASE, configured, new_effect, status, waiting


@pytest.fixture
def console(
    database: TestDatabase, redis: Redis, valkey: Valkey, sqs_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Console]:
    services = build_services(database, valkey.url, sqs_endpoint, monkeypatch)
    yield Console(services)
    close(services)


def alike(db: TestDatabase, number: int) -> UUID:
    """Return an effect whose id begins like that of the others, and belongs to an event that does."""
    event = UUID(f"abcd{number:04}-0000-0000-0000-000000000000")
    db.run(
        "INSERT INTO events (id, source, key, type, door, fingerprint, received_at)"
        " VALUES (%s, 'test', %s, 'LEAD_CAPTURE', 'api', '', drumbeat_now())",
        (event, str(number)),
    )
    effect = new_effect(event, id=UUID(f"abcd{number:04}-0000-0000-0000-00000000000e"))
    plans_sql.record(db, [plans_sql.NewPlan(event, configured(db), b"hash", {})], [effect], LEASE)
    return effect.id


def test_what_begins_so_is_shown_and_decided(console: Console, database: TestDatabase) -> None:
    effect = held(database)
    event = str(effect.event.id)
    short = str(effect.id)[:8]

    shown = console.call("GET", f"/v1/events/{event[:8].upper()}")
    listed = console.call("GET", "/v1/effects", event=event[:13], order="newest")
    of_id = console.call("GET", "/v1/effects", id=short)
    groups = console.call("GET", "/v1/effects/groups", status="held", event=event[:6])
    said = {"decision": "drop", "reason": "old", "version": of_id[1]["items"][0]["version"]}
    decided = console.call("POST", f"/v1/effects/{short}/resolve", said)

    assert shown[1]["eventId"] == event
    assert [item["effectId"] for item in listed[1]["items"]] == [str(effect.id)]
    assert groups[1]["total"] == 1
    assert (decided[0], status(database, effect.id)) == (200, "cancelled")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/v1/events/ABCD", None),
        ("GET", "/v1/effects/abcd/request", None),
        ("POST", "/v1/events/abcd0/dismiss", {"reason": "x"}),
        ("POST", "/v1/effects/abcd/cancel", {"reason": "x", "version": 1}),
        ("POST", "/v1/effects/abcd-/redrive", {"reason": "x", "version": 1}),
        ("POST", "/v1/effects/cancel", {"reason": "x", "seenAt": "2100-01-01T00:00:00Z", "event": "abcd"}),
    ],
)
def test_a_beginning_of_several_is_answered_with_them_and_changes_nothing(
    console: Console, database: TestDatabase, method: str, path: str, body: Any
) -> None:
    effects = [alike(database, number) for number in range(7)]

    code, problem, _ = console.call(method, path, body)

    assert (code, problem["type"]) == (409, "urn:drumbeat:problem:ambiguous-id")
    assert [each[:8] for each in problem["candidates"]] == [f"abcd{number:04}" for number in range(5)]
    assert "and more" in problem["detail"] and "nothing was changed" in problem["detail"]
    assert {status(database, effect) for effect in effects} == {"waiting"}


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/v1/events/abcd", 404),
        ("/v1/events/abc", 400),
        ("/v1/events/abcg", 400),
        ("/v1/events/----", 400),
        (f"/v1/events/{'a' * 33}", 400),
        ("/v1/runs/abcd", 404),
        ("/v1/runs/abcd/recipients", 404),
        ("/v1/effects/abcd/request", 404),
    ],
)
def test_what_begins_no_id_is_not_found_and_what_cannot_is_refused(console: Console, path: str, code: int) -> None:
    assert console.call("GET", path)[0] == code


def test_a_filter_that_names_no_effect_lists_none_and_one_that_names_no_event_says_so(console: Console) -> None:
    assert console.call("GET", "/v1/effects", id="abcd")[1] == {"items": [], "next": None}
    assert console.call("GET", "/v1/effects", event="abcd")[0] == 404


def test_the_beginning_of_an_effects_id_leads_to_its_event(console: Console, database: TestDatabase) -> None:
    effect = waiting(database)

    code, problem, _ = console.call("GET", f"/v1/events/{str(effect)[:8]}")

    assert code == 404
    assert "is the id of an effect" in problem["detail"]


def test_a_parked_event_is_named_by_its_beginning(console: Console, database: TestDatabase) -> None:
    applied(database)
    (parked,) = park(console.services, "one")
    begins = parked[:8]

    assert "is parked" in console.call("GET", f"/v1/events/{begins}")[1]["detail"]
    decision = {"decision": "discard", "reason": "no", "events": [begins]}
    assert console.call("POST", "/v1/parked", decision)[1] == {"decided": 1, "left": 0}


def test_the_journal_is_followed_by_its_cursor(console: Console, database: TestDatabase) -> None:
    first = console.call("GET", "/v1/journal")[1]
    effect = waiting(database)
    second = console.call("GET", "/v1/journal", after=first["next"], account="mail")[1]

    assert first["items"] == []
    assert [(each["effectId"], each["toStatus"]) for each in second["items"]] == [(str(effect), "waiting")]
    assert console.call("GET", "/v1/journal", after=second["next"])[1]["items"] == []
    assert console.call("GET", "/v1/journal", after="x")[0] == 400
    assert console.call("GET", "/v1/journal", after=second["next"], since="2026-01-01")[0] == 400
    assert console.call("GET", "/v1/journal", every="yes")[0] == 400
