"""What was buffered for a revoked key, over the API."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from redis import Redis

from drumbeat.access.keys import ApiKey
from drumbeat.core.events import Arrival
from drumbeat.ingest import parking
from drumbeat.local.servers import Valkey
from drumbeat.services import Services
from tests.conftest import TestDatabase
from tests.functions.console import Console, build_services, close


@pytest.fixture
def services(
    database: TestDatabase, redis: Redis, valkey: Valkey, sqs_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Services]:
    services = build_services(database, valkey.url, sqs_endpoint, monkeypatch)
    yield services
    close(services)


@pytest.fixture
def console(services: Services) -> Console:
    return Console(services)


def park(services: Services, *keys: str) -> list[str]:
    """Park events of one caller; return their ids."""
    arrivals = [
        Arrival(uuid4(), "crm", key, "LEAD_CAPTURE", "api", key.encode(), None, services.clock.now(), b"{}")
        for key in keys
    ]
    parking.park(arrivals, ApiKey("shop", frozenset()), services.db)
    return [str(arrival.id) for arrival in arrivals]


def test_they_are_listed_page_by_page_and_decided_about(console: Console, services: Services) -> None:
    parked = sorted(park(services, "one", "two", "three"))

    _, first, _ = console.call("GET", "/v1/parked", limit="2")
    _, rest, _ = console.call("GET", "/v1/parked", limit="2", cursor=first["next"])
    _, released, _ = console.call("POST", "/v1/parked", {"decision": "release", "reason": "ours", "events": parked[:1]})
    _, discarded, _ = console.call("POST", "/v1/parked", {"decision": "discard", "reason": "stolen", "caller": "shop"})

    assert [each["eventId"] for each in first["items"] + rest["items"]] == parked
    assert rest["next"] is None
    assert "body" not in first["items"][0]
    assert (released, discarded) == ({"decided": 1, "left": 0}, {"decided": 2, "left": 0})
    assert console.call("GET", f"/v1/events/{parked[0]}")[0] == 200
    (row,) = services.db.run("SELECT DISTINCT decided_by FROM parked")
    assert row["decided_by"] == "person:ada"


def test_who_may_only_read_decides_nothing_and_a_choice_is_one_of_two(console: Console, services: Services) -> None:
    (one,) = park(services, "one")
    order = {"decision": "release", "reason": "ours", "events": [one]}

    assert console.call("POST", "/v1/parked", order, key=console.key("read", "ingest"))[0] == 403
    assert console.call("POST", "/v1/parked", {**order, "caller": "shop"})[0] == 400
    assert console.call("POST", "/v1/parked", {"decision": "release", "reason": "ours"})[0] == 400
    assert console.call("POST", "/v1/parked", {**order, "reason": ""})[0] == 400
    assert console.call("POST", "/v1/parked", {**order, "reason": "  "})[0] == 400
    assert len(console.call("GET", "/v1/parked")[1]["items"]) == 1


def test_an_event_that_is_parked_is_not_called_missing(console: Console, services: Services) -> None:
    (one,) = park(services, "one")

    code, problem, _ = console.call("GET", f"/v1/events/{one}")

    assert (code, "parked" in problem["detail"]) == (404, True)
