"""A marked person whose bytes are erased, and a search for what is left of them in every table."""

import hashlib
import json
import zlib
from typing import Any
from uuid import UUID

from drumbeat.core import ids
from drumbeat.core.events import Arrival, Event
from drumbeat.core.request import Request
from drumbeat.core.status import Status
from drumbeat.delivery import attempts_sql, plans_sql
from drumbeat.delivery.person import person_of
from drumbeat.delivery.requests import freeze
from drumbeat.ledger.database import Database
from drumbeat.people import erasure
from drumbeat.planning.plan import plan
from drumbeat.services import Services
from tests.store.people.history import record, version_of
from tests.store.rows import LEASE, as_json, claimed, closing, new_effect, opening

MARK = "zq7mark"
ADDRESS = f"{MARK}@{MARK}.example"
OTHER = "bob@other.example"
LEAD = {"email": ADDRESS, "name": MARK, "plan": "paid"}
QUOTED = f"asked by {ADDRESS} on the phone"
GIVEN = {"list": "news", "kind": "given"}


def everything(owner: Database) -> list[str]:
    """Return all rows of all tables, each as one text, and all bytes in them as what they say, compressed or not."""
    shown: list[str] = []
    tables = owner.run("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename")
    for table in (row["tablename"] for row in tables):
        for row in owner.run(f"SELECT to_jsonb(t) AS columns FROM {table} AS t"):
            shown.append(f"{table}: " + ", ".join(f"{name} {_read(value)}" for name, value in row["columns"].items()))
    return shown


def _read(value: object) -> str:
    """Return a value as text; bytes come as hex."""
    if not isinstance(value, str) or not value.startswith("\\x"):
        return json.dumps(value)
    raw = bytes.fromhex(value[2:])
    try:
        return zlib.decompress(raw).decode(errors="replace")
    except zlib.error:
        return raw.decode(errors="replace")


def marks(owner: Database) -> list[str]:
    """Return the rows in which something of the person is left."""
    return [row for row in everything(owner) if MARK in row]


def erased(services: Services, address: str = ADDRESS) -> erasure.Erased:
    return erasure.erase(address, actor="person:test", services=services)


def effect_of(event: Event, step: str = "hello", **changes: Any) -> plans_sql.NewEffect:
    return new_effect(event.id, step, id=ids.effect_id(event.id, "welcome", step, ADDRESS), **changes)


def with_effects(services: Services, event: Event, *effects: plans_sql.NewEffect) -> None:
    """Record an event and its plan, with these effects."""
    record(services.db, [event])
    plan_now(services, event, *effects)


def plan_now(services: Services, event: Event, *effects: plans_sql.NewEffect) -> list[Any]:
    made = plan(event, services.configuration(version_of(event)))
    person = person_of(event, made, services)
    new = plans_sql.NewPlan(event.id, made.version, made.hash, {}, None, made.semantics, person)
    return plans_sql.record(services.db, [new], effects, LEASE)


def sent(services: Services, effect: UUID, to: Status = Status.ACCEPTED) -> None:
    """Send an effect, and let its call end so; `sending`: leave it open."""
    frozen, digest = freeze(Request("POST", "https://mail.example", {}, as_json(LEAD)))
    one = claimed(services.db, effect)
    attempts_sql.open_attempts(services.db, [opening(one, frozen=frozen, request_hash=digest)])
    if to is not Status.SENDING:
        kind = {Status.ACCEPTED: "accepted", Status.UNKNOWN: "unknown"}[to]
        attempts_sql.close_attempts(services.db, [closing(one, kind, to)])


def statuses(db: Database, event: UUID) -> dict[str, tuple[str, str | None, bool | None]]:
    rows = db.run("SELECT step, status, reason_code, maybe_sent FROM effects WHERE event_id = %s", (event,))
    return {row["step"]: (row["status"], row["reason_code"], row["maybe_sent"]) for row in rows}


def copy_of(event: Event, **changes: Any) -> Arrival:
    body = changes.pop("body", event.body)
    values = {name: getattr(event, name) for name in ("id", "source", "key", "type", "door", "received_at")}
    return Arrival(**values | changes, fingerprint=hashlib.sha256(body).digest(), scheduled_at=None, body=body)
