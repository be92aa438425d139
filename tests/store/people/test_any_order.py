"""Leads and consent are views: any order of planning gives the same bytes, and so does a rebuild from the log."""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from random import Random
from typing import Any

import pytest

from drumbeat.audit.rebuild import Rebuilt, rebuild
from drumbeat.core.events import Event
from drumbeat.delivery.person import person_of
from drumbeat.local.servers import Postgres
from drumbeat.planning.plan import plan
from drumbeat.services import Services
from tests.conftest import fresh_ledger
from tests.store.people.history import (
    apply_versions,
    plan_them,
    random_deliveries,
    random_events,
    record,
    services_of,
    split,
    version_of,
    views_of,
)

MOST = 64


@contextmanager
def ledger(
    postgres: Postgres, events: Sequence[Event], deliveries: Sequence[Event]
) -> Iterator[tuple[Services, list[Event]]]:
    """A ledger that has recorded these events, and those that deliveries are split into, and planned none of them."""
    with fresh_ledger(postgres) as database:
        services = services_of(database)
        apply_versions(services)
        for place in range(0, len(events), 500):
            record(services.db, events[place : place + 500])
        yield services, [*events, *split(services, deliveries)]
        services.db.close()


def plan_in_some_order(services: Services, events: Sequence[Event], random: Random) -> None:
    left = random.sample(events, len(events))
    while left:
        size = random.choice([1, 7, 60])
        some, left = left[:size], left[size:]
        plan_them(services, some)
        if random.random() < 0.2:  # a message that is handed over twice
            plan_them(services, some)


def rebuilt(services: Services, *, check: bool = False) -> list[Rebuilt]:
    chunks = [rebuild(services, check=check)]
    while chunks[-1].next is not None:
        chunks.append(rebuild(services, cursor=chunks[-1].next, check=check))
    return chunks


def newest(services: Services, events: Sequence[Event]) -> dict[bytes, dict[str, Any]]:
    """Say in plain words what leads must be: of each attribute the newest, of these the newest 64."""
    entries: dict[bytes, dict[str, Any]] = defaultdict(dict)
    for event in events:
        person = person_of(event, plan(event, services.configuration(version_of(event))), services)
        if person is None or person.address is None:
            continue
        known = entries[person.contact]
        for name, entry in person.attributes.items():
            if name not in known or _place(known[name]) < _place(entry):
                known[name] = entry
    return {contact: _kept(known) for contact, known in entries.items()}


def _place(entry: Any) -> tuple[int, str]:
    return entry["t"], entry["e"]


def _kept(entries: dict[str, Any]) -> dict[str, Any]:
    order = sorted(entries, key=lambda name: (*_place(entries[name]), name.encode()), reverse=True)
    return {name: entries[name] for name in order[:MOST]}


@pytest.mark.parametrize(
    ("count", "orders"), [(600, 2), pytest.param(10_000, 3, marks=(pytest.mark.proof, pytest.mark.timeout(900)))]
)
def test_any_order_and_a_rebuild_give_the_same_bytes(postgres: Postgres, count: int, orders: int) -> None:
    random = Random(count)
    recorded = random_events(random, count), random_deliveries(random, count // 10)
    seen, checksums = [], []

    for seed in range(orders):
        with ledger(postgres, *recorded) as (services, events):
            plan_in_some_order(services, events, Random(seed))
            seen.append(views_of(services.db))
            compared = rebuilt(services, check=True)
            checksums.append([chunk.checksum for chunk in compared])
            assert [item for chunk in compared for item in chunk.items] == []
            wanted = newest(services, events)
    with ledger(postgres, *recorded) as (services, events):
        for place in range(0, len(events), 500):
            plan_them(services, events[place : place + 500], people=False)
        assert rebuilt(services, check=True)[0].items
        rebuilt(services)
        seen.append(views_of(services.db))
        checksums.append([chunk.checksum for chunk in rebuilt(services, check=True)])

    assert all(each == seen[0] for each in seen[1:])
    assert all(each == checksums[0] for each in checksums[1:])
    leads = {row["contact"]: json.loads(row["attributes"]) for row in seen[0]["leads"]}
    assert leads == wanted
    assert any(len(attributes) == MOST for attributes in leads.values())
    assert seen[0]["facts"] and seen[0]["consents"]
    said_by_a_fact = {str(event.id) for event in events if event.delivery is not None}
    assert said_by_a_fact & {entry["e"] for attributes in leads.values() for entry in attributes.values()}
