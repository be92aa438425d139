"""Deliveries of many facts on a real ledger: each fact is an event of its own, once."""

import json
from collections.abc import Sequence
from uuid import UUID

import psycopg
import pytest

from drumbeat import views
from drumbeat.configuration.document import compile_document
from drumbeat.core import fingerprint, ids
from drumbeat.core.events import Event
from drumbeat.delivery import plans_sql
from drumbeat.delivery.plans_sql import NewPlan
from drumbeat.delivery.splits_sql import Split, record
from drumbeat.ledger import configs
from drumbeat.planning.facts import facts_of
from drumbeat.views.event_pages import EventItem
from drumbeat.views.totals import events_by_status
from tests.conftest import TestDatabase
from tests.store.audit.test_verify import found
from tests.store.delivery.workers import DOCUMENT, Worker
from tests.store.rows import LEASE, new_effect, pass_time

PEOPLE = [{"email": "ada@example.com"}, {"email": "bob@example.com"}]
SOURCES = """
sources:
  shop: {webhook: github, secrets: ["env:SIGNING_KEY"], type: LEAD_CAPTURE, split: people}
  mails: {webhook: sendgrid, secrets: ["env:SIGNING_KEY"], type: LEAD_CAPTURE, split: "@"}
"""


def configure(worker: Worker, document: str = DOCUMENT + SOURCES) -> None:
    compiled = compile_document(document, {})
    hash = document.encode()
    configs.insert(worker.db, hash=hash, document=document, templates={}, compiled=compiled, identities={}, actor="x")


def deliver(worker: Worker, body: object, key: str = "d-1", source: str = "shop") -> UUID:
    """Record one delivery, as the door does."""
    raw = json.dumps(body).encode()
    id = ids.event_id(source, key)
    worker.db.run(
        "WITH e AS (INSERT INTO events (id, source, key, type, door, fingerprint, received_at)"
        " VALUES (%s, %s, %s, 'LEAD_CAPTURE', 'webhook', %s, drumbeat_now()) RETURNING id)"
        " INSERT INTO payloads (event_id, body) SELECT id, %s FROM e",
        (id, source, key, fingerprint.of_raw(raw), raw),
    )
    return id


def facts(worker: Worker) -> Sequence[tuple[str, bytes, UUID]]:
    rows = worker.db.run(
        "SELECT key, body, delivery FROM events JOIN payloads ON event_id = id WHERE delivery IS NOT NULL ORDER BY key"
    )
    return [(row["key"], row["body"], row["delivery"]) for row in rows]


def sorted_by_place(items: Sequence[EventItem]) -> list[UUID]:
    return [item.event_id for item in sorted(items, key=lambda item: item.idempotency_key)]


def effects(worker: Worker) -> int:
    (row,) = worker.db.run("SELECT count(*) AS n FROM effects WHERE status = 'accepted'")
    return int(row["n"])


def test_a_delivery_becomes_one_event_for_each_fact_and_each_is_acted_on_once(worker: Worker) -> None:
    configure(worker)
    delivery = deliver(worker, {"people": PEOPLE})

    for _ in range(2):
        worker.deliver(events=[delivery])
    notified = list(worker.queue.back)
    worker.deliver(events=[*notified, *notified])
    assert found(worker) == []

    assert facts(worker) == [
        ("fact 1 of d-1", b'{"email":"ada@example.com"}', delivery),
        ("fact 2 of d-1", b'{"email":"bob@example.com"}', delivery),
    ]
    assert effects(worker) == 4  # of two people, two steps each
    named = [ids.event_id("shop", f"fact {place} of d-1") for place in (1, 2)]
    assert sorted(notified) == sorted(named)
    assert worker.db.run("SELECT event_id, facts FROM deliveries") == [{"event_id": delivery, "facts": named}]
    assert worker.db.run("SELECT failed FROM plans WHERE event_id = %s", [delivery]) == [{"failed": {}}]


def test_the_relay_finds_the_facts_when_their_message_is_lost(worker: Worker) -> None:
    configure(worker)

    worker.deliver(events=[deliver(worker, {"people": PEOPLE})])

    due = worker.due_index.due(worker.clock.now().timestamp() + 10).members
    assert {f"event:{id}" for id in worker.queue.back} <= set(due)


def test_a_fact_that_came_in_another_delivery_is_that_event(worker: Worker) -> None:
    configure(worker)
    one, two, three = ({"sg_event_id": f"e-{n}"} for n in range(3))
    deliveries = [deliver(worker, [one, two], "d-1", "mails"), deliver(worker, [two, three], "d-2", "mails")]

    worker.deliver(events=deliveries)  # in one batch
    worker.deliver(events=[deliver(worker, [three], "d-3", "mails")])

    assert [key for key, _, _ in facts(worker)] == ["fact e-0", "fact e-1", "fact e-2"]
    shared = worker.db.run("SELECT facts FROM deliveries ORDER BY received_at")
    assert [len(row["facts"]) for row in shared] == [2, 2, 1]


def test_a_delivery_of_one_fact_without_a_name_is_acted_on_itself(worker: Worker) -> None:
    configure(worker)
    delivery = deliver(worker, {"people": PEOPLE[:1]})

    worker.deliver(events=[delivery])

    assert (facts(worker), effects(worker)) == ([], 2)
    assert worker.db.run("SELECT DISTINCT event_id FROM effects") == [{"event_id": delivery}]


def test_of_two_facts_about_one_person_the_later_is_the_newer(worker: Worker) -> None:
    configure(worker)
    plans = [f"plan {place}" for place in range(20)]
    delivery = deliver(worker, {"people": [{"email": "ada@example.com", "plan": plan} for plan in plans]})

    worker.deliver(events=[delivery])
    worker.deliver(events=worker.queue.back)

    (lead,) = worker.db.run("SELECT attributes #>> '{plan,v}' AS plan FROM leads")
    in_order = worker.db.run(
        "SELECT body FROM events JOIN payloads ON event_id = id WHERE delivery IS NOT NULL ORDER BY received_at"
    )
    kept = worker.db.run(
        "SELECT event_id FROM deliveries d JOIN events e ON (id, e.received_at) = (event_id, d.received_at)"
    )
    assert lead == {"plan": "plan 19"}
    assert [json.loads(row["body"])["plan"] for row in in_order] == plans
    assert kept == [{"event_id": delivery}]
    assert found(worker) == []


def test_what_waited_for_a_person_is_split_once_its_source_has_a_split(worker: Worker) -> None:
    configure(worker, DOCUMENT + SOURCES.replace("split: people", "map: {all: people}").replace(', split: "@"', ""))
    delivery = deliver(worker, PEOPLE, source="mails")
    worker.deliver(events=[delivery])
    assert effects(worker) == 0

    configure(worker)
    worker.deliver(events=[delivery])
    worker.deliver(events=worker.queue.back)

    assert (len(facts(worker)), effects(worker)) == (2, 4)
    assert found(worker) == []


def test_a_delivery_that_was_acted_on_is_not_split_later(worker: Worker) -> None:
    """A release before acted on its first fact, and one of its flows failed."""
    configure(worker)
    delivery = deliver(worker, {"people": PEOPLE})
    effect = new_effect(delivery)
    plans_sql.record(worker.db, [NewPlan(delivery, 1, b"", {"welcome": "it failed"})], [effect], LEASE)

    worker.deliver(events=[delivery])

    assert facts(worker) == []
    assert worker.db.run("SELECT * FROM replans") == []


def test_two_planners_of_one_delivery_make_its_facts_once(worker: Worker) -> None:
    """The second has read it before the first committed: by a version that acts on the delivery itself."""
    configure(worker)
    delivery = deliver(worker, {"people": PEOPLE})
    worker.db.run("INSERT INTO plans (event_id, version, hash, failed) VALUES (%s, 1, '', '{}')", [delivery])

    (row,) = worker.db.run(
        "SELECT id, source, key, type, door, scheduled_at, received_at, body FROM events JOIN payloads ON event_id = id"
    )
    made = facts_of(Event(**row), worker.configuration(2))

    assert len(made) == 2
    assert record(worker.db, [Split(NewPlan(delivery, 2, b"", {}), made)]) == []
    assert facts(worker) == []


def test_lists_and_counts_show_the_facts_and_not_their_delivery(worker: Worker) -> None:
    configure(worker)
    delivery = deliver(worker, {"people": PEOPLE})
    worker.deliver(events=[delivery])
    worker.deliver(events=worker.queue.back)

    items = views.events(worker.db, views.EventFilter()).items
    story = views.event(worker.db, delivery)

    assert [(item.status, item.delivery) for item in items] == [("done", delivery)] * 2
    assert events_by_status(worker.db) == {"done": 2}
    assert story is not None
    assert (story.status, story.delivery, story.facts) == ("done", None, sorted_by_place(items))
    fact = views.event(worker.db, items[0].event_id)
    assert fact is not None
    assert (fact.delivery, fact.facts) == (delivery, None)


def test_a_delivery_that_needs_attention_is_in_the_list(worker: Worker) -> None:
    configure(worker)
    delivery = deliver(worker, {"persons": PEOPLE})
    worker.deliver(events=[delivery])

    (item,) = views.events(worker.db, views.EventFilter(status="attention")).items

    assert item.event_id == delivery


def test_the_whole_delivery_is_kept_for_thirty_days_and_each_fact_for_good(worker: Worker, owner: TestDatabase) -> None:
    configure(worker)
    delivery = deliver(worker, {"people": PEOPLE})
    worker.deliver(events=[delivery])
    prune = "SELECT prune_deliveries(10) AS pruned"

    pass_time(owner, days=29)
    assert worker.db.run(prune) == [{"pruned": 0}]
    pass_time(owner, days=2)
    assert [worker.db.run(prune) for _ in range(2)] == [[{"pruned": 1}], [{"pruned": 0}]]

    assert worker.db.run("SELECT body FROM payloads WHERE event_id = %s", [delivery]) == []
    assert len(facts(worker)) == 2


def test_the_application_deletes_no_delivery_itself(worker: Worker) -> None:
    for statement in ("DELETE FROM deliveries", "UPDATE deliveries SET pruned_at = NULL", "DELETE FROM payloads"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            worker.db.run(statement)
