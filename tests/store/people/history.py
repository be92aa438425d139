"""Events about people, recorded and planned as the product does, in whatever order a test wants."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from drumbeat.configuration.document import compile_document
from drumbeat.core import ids
from drumbeat.core.events import Event
from drumbeat.delivery import plans_sql, splits_sql
from drumbeat.delivery.person import person_of
from drumbeat.infrastructure.settings import Settings
from drumbeat.ledger import configs
from drumbeat.ledger.database import Database, Row
from drumbeat.planning.plan import plan
from drumbeat.services import Services
from tests.store.rows import LEASE

# Two versions that take different fields of a source.
DOCUMENT = """
version: 1
defaults: {{public_url: "https://hooks.example.com", postal_address: "Fernwood GmbH, Am Wald 1, 10115 Berlin"}}
accounts:
  mail: {{provider: resend, settings: {{from: "Ada <ada@example.com>"}}, secrets: {{api_key: env:MAIL_KEY}}}}
lists:
  news: {{title: Monday notes}}
  offers: {{title: Offers, confirm: {{account: mail, template: confirm}}}}
sources:
  narrow: {{form: {{fields: {{email: required}}}}, lead: {{only: [{only}]}}}}
  silent: {{form: {{fields: {{email: required}}}}, lead: false}}
  shop: {{webhook: github, secrets: ["env:SIGNING_KEY"], type: LEAD_CAPTURE}}
  batches:
    webhook: github
    secrets: ["env:SIGNING_KEY"]
    type: LEAD_CAPTURE
    split: people
    lead: {{only: [{only}, seats]}}
flows: {{}}
"""
TEMPLATES = {"confirm.txt": "---\nsubject: Confirm\n---\nPress {{ confirm_url }}"}
RECORD = """
    WITH said AS MATERIALIZED (
        SELECT *
          FROM jsonb_to_recordset(%s)
            AS s (id uuid, source text, key text, type text, door text, at timestamptz, body text)
    ), recorded AS (
        INSERT INTO events (id, source, key, type, door, fingerprint, received_at)
        SELECT id, source, key, type, door, '', at FROM said
    )
    INSERT INTO payloads (event_id, body) SELECT id, decode(body, 'hex') FROM said
"""
FACTS = """
    SELECT id, source, key, type, door, scheduled_at, received_at, body, delivery
      FROM events
      JOIN payloads ON event_id = id
     WHERE delivery IS NOT NULL
     ORDER BY id
"""
START = datetime(2026, 11, 1, 9, tzinfo=UTC)


def services_of(database: Database) -> Services:
    """Return services that know the ledger alone."""
    environment = {"DRUMBEAT_LOCAL": "1", "DATABASE_URL": database.url, "DRUMBEAT_SECRET": "for tests"}
    return Services(Settings.from_env(environment))


def apply_versions(services: Services) -> None:
    """Put two versions in force, one after the other."""
    for number, only in enumerate(("name, plan", "plan, a1"), 1):
        document = DOCUMENT.format(only=only)
        compiled = compile_document(document, TEMPLATES)
        configs.insert(
            services.db,
            hash=str(number).encode(),
            document=document,
            templates=TEMPLATES,
            compiled=compiled,
            identities={},
            actor="test",
        )


def said(
    payload: Any,
    *,
    key: str,
    source: str = "site",
    type: str = "LEAD_CAPTURE",
    door: str = "api",
    at: datetime = START,
    **more: Any,
) -> Event:
    """Return an event about a person; `more` stands beside the payload."""
    body = json.dumps({"payload": payload, **more}).encode()
    return Event(ids.event_id(source, key), source, key, type, door, None, at, body)


def delivered(*people: Any, key: str, at: datetime = START) -> Event:
    """Return a delivery about these people, who become an event each."""
    body = json.dumps({"people": people}).encode()
    return Event(ids.event_id("batches", key), "batches", key, "LEAD_CAPTURE", "webhook", None, at, body)


def record(db: Database, events: Iterable[Event]) -> None:
    """Record events with their bodies, and plan nothing."""
    rows = [
        {name: getattr(event, name) for name in ("source", "key", "type", "door")}
        | {"id": str(event.id), "at": event.received_at.isoformat(), "body": (event.body or b"").hex()}
        for event in events
    ]
    db.run(RECORD, (json.dumps(rows),))


def plan_them(services: Services, events: Sequence[Event], *, people: bool = True) -> None:
    """Plan these events in one statement; without `people` as the release before did. Effects are left out."""
    made = []
    for event in events:
        planned = plan(event, services.configuration(version_of(event)))
        person = person_of(event, planned, services) if people else None
        made.append(plans_sql.NewPlan(event.id, planned.version, planned.hash, {}, None, planned.semantics, person))
    plans_sql.record(services.db, made, [], LEASE)


def split(services: Services, deliveries: Sequence[Event]) -> list[Event]:
    """Record deliveries and split them; return the events that they come to, which are recorded and not planned.

    One of a single fact is that event itself. For one time in a ledger.
    """
    record(services.db, deliveries)
    alone = []
    for delivery in deliveries:
        made = plan(delivery, services.configuration(version_of(delivery)))
        if not made.facts:
            alone.append(delivery)
            continue
        planned = plans_sql.NewPlan(delivery.id, made.version, made.hash, {}, None, made.semantics)
        splits_sql.record(services.db, [splits_sql.Split(planned, made.facts)])
    return [*alone, *(Event(**row) for row in services.db.run(FACTS))]


def tell(services: Services, *events: Event) -> None:
    """Record and plan events."""
    record(services.db, events)
    plan_them(services, events)


def version_of(event: Event) -> int:
    """Return which version plans an event: an event has one plan, whoever makes it."""
    return 1 + event.id.int % 2


def views_of(db: Database) -> dict[str, list[Row]]:
    """Return all that the ledger knows of people, to the byte."""
    return {
        "leads": db.run(
            "SELECT contact, address::text, attributes::text, refused::text, since, changed FROM leads ORDER BY contact"
        ),
        "consents": db.run("SELECT key, consents::text FROM contacts WHERE consents <> '{}' ORDER BY key"),
        "facts": db.run(
            "SELECT contact, list, event_id, kind, by_person, at FROM consents ORDER BY contact, list, event_id, kind"
        ),
        "named": db.run("SELECT contact, event_id FROM event_contacts ORDER BY contact, event_id"),
    }


ADDRESSES = [
    *(f"person{n}@example.com" for n in range(12)),
    "Person1@EXAMPLE.com",
    "Zoë <person2@example.com>",
    "user@faß.de",
    "no address",
]
VALUES: list[Any] = [
    "trial", "", "  ", None, 3, -7.25, 10**400, True, {"$unset": True}, {"$unset": 1}, {"deep": [1, {"x": None}]}, [],
    "x" * 600, "é" * 250, "half \ud800", "nul \x00", float("inf"), "\N{GRINNING FACE}",
]  # fmt: skip
NAMES = ["name", "plan", "seats", "timezone", *(f"a{n}" for n in range(90)), "x" * 101, "line\nbreak", ""]
DOORS = ("api", "api", "form", "import", "confirm", "unsubscribe", "replay", "webhook")


def random_events(random: Random, count: int) -> list[Event]:
    """Return events about a few people: from every door, many of the same instant, some that were buffered for days."""
    return [_random_event(random, n) for n in range(count)]


def random_deliveries(random: Random, count: int) -> list[Event]:
    """Return deliveries about several of the same people, at the same times."""
    return [
        delivered(*(_payload(random) for _ in range(random.randint(1, 5))), key=f"delivery {n}", at=_instant(random))
        for n in range(count)
    ]


def _random_event(random: Random, n: int) -> Event:
    kinds = [
        {
            "list": random.choice(["news", "offers", "*", "gone"]),
            "kind": random.choice(["given", "withdrawn", "pending"]),
        }
        for _ in range(random.choice([0, 0, 0, 1, 2]))
    ]
    event = said(
        _payload(random),
        key=f"{n}-{hashlib.sha256(str(n).encode()).hexdigest()[:8]}",
        source=random.choice(["site", "site", "narrow", "silent", "shop"]),
        type=random.choice(["LEAD_CAPTURE"] * 5 + ["CONSENT"]),
        door=random.choice(DOORS),
        at=_instant(random),
        consent=kinds,
    )
    return replace(event, body=json.dumps(_payload(random)).encode()) if event.door == "webhook" else event


def _payload(random: Random) -> dict[str, Any]:
    names = random.sample(NAMES, random.randint(0, 25))
    return {"email": random.choice(ADDRESSES)} | {name: random.choice(VALUES) for name in names}


def _instant(random: Random) -> datetime:
    """Return one of few instants, some of them days before the others."""
    return START + timedelta(minutes=random.randint(0, 40)) - timedelta(days=random.choice([0, 0, 0, 9]))
