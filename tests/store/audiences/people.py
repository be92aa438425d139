"""People as audiences see them, written straight into the ledger."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from drumbeat.audiences.matching_sql import matching
from drumbeat.core.compatibility import SEMANTICS
from drumbeat.core.configuration import Config
from drumbeat.ledger.database import Database

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
UNSET = object()


@dataclass(frozen=True)
class Said:
    """One fact about consent."""

    list: str
    kind: str
    by_person: bool
    at: datetime


@dataclass(frozen=True)
class Event:
    """Something received that names a person, or a provider's report of a mail to them."""

    source: str = "site"
    type: str = "LEAD_CAPTURE"
    at: datetime = NOW
    kind: str | None = None  # of a report
    machine: bool = False
    campaign: str | None = None
    step: str = "mail"


@dataclass(frozen=True)
class Person:
    """One lead."""

    key: bytes
    attributes: Mapping[str, Any] = field(default_factory=dict)  # UNSET: it was taken back
    said: Sequence[Said] = ()
    events: Sequence[Event] = ()


def config(audiences: Mapping[str, Any]) -> Config:
    """Return a version with these audiences, in their stored form."""
    empty: dict[str, Any] = {name: {} for name in ("accounts", "sources", "flows", "campaigns", "templates")}
    return Config.load(1, {**empty, "semantics": SEMANTICS, "audiences": json.loads(json.dumps(audiences))})


def matched(db: Database, version: Config, name: str, at: datetime = NOW) -> set[bytes]:
    """Return who is in an audience."""
    found = matching(version, name, at=at)
    return {row["contact"] for row in db.run(found.statement, {**found.parameters, "low": None, "high": None})}


def lead(db: Database, person: Person) -> None:
    """Write one lead with all that happened."""
    stamp = {"t": 1, "e": str(uuid.UUID(int=1))}
    entries = {
        name: ({"u": True} if value is UNSET else {"v": value}) | stamp for name, value in person.attributes.items()
    }
    db.run("INSERT INTO contacts (key) VALUES (%s) ON CONFLICT DO NOTHING", (person.key,))
    db.run(
        "INSERT INTO leads (contact, address, attributes, refused, since, changed) VALUES (%s, %s, %s, '{}', %s, %s)",
        (person.key, json.dumps({"v": f"{person.key.hex()}@example.com", **stamp}), json.dumps(entries), NOW, NOW),
    )
    for said in person.said:
        db.run(
            "UPDATE contacts SET consents = consents_merged(consents, consent_fact(%s, %s, %s, %s, %s)) WHERE key = %s",
            (said.list, said.kind, said.by_person, said.at, uuid.uuid4(), person.key),
        )
    for event in person.events:
        happen(db, person.key, event)


def happen(db: Database, key: bytes, event: Event) -> None:
    """Write one event about a person."""
    id = uuid.uuid4()
    kind = "FEEDBACK" if event.kind else event.type
    _record(db, id, event.source, kind, event.at)
    db.run("INSERT INTO event_contacts (contact, event_id, received_at) VALUES (%s, %s, %s)", (key, id, event.at))
    if event.kind:
        effect = _mail(db, key, event)
        db.run(
            "INSERT INTO feedback (account, name, event_id, kind, word, said, at, effect_id, generation, machine)"
            " VALUES ('mail', %s, %s, %s, 'w', '', %s, %s, 1, %s)",
            (str(id), id, event.kind, event.at, effect, event.machine),
        )


def _mail(db: Database, key: bytes, event: Event) -> uuid.UUID:
    cause, effect = uuid.uuid4(), uuid.uuid4()
    if event.campaign is None:
        _record(db, cause, "site", "LEAD_CAPTURE", event.at)
    else:
        _record(db, cause, event.campaign, "CAMPAIGN_TRIGGER", event.at)
    db.run("INSERT INTO plans (event_id, version, hash, failed) VALUES (%s, 1, '', '{}')", (cause,))
    db.run(
        "INSERT INTO effects (id, event_id, version, flow, step, account, action, contact, base_due_at, status, seq,"
        " due_at, expires_at) VALUES (%s, %s, 1, 'f', %s, 'mail', 'send_email', %s, %s, 'accepted', 1, 'infinity', %s)",
        (effect, cause, event.step, key, event.at, event.at),
    )
    return effect


def _record(db: Database, id: uuid.UUID, source: str, type: str, at: datetime) -> None:
    db.run(
        "INSERT INTO events (id, source, key, type, door, fingerprint, received_at)"
        " VALUES (%s, %s, %s, %s, 'api', '', %s)",
        (id, source, str(id), type, at),
    )
