"""Rows to start a test from: configuration, event, plan and effects, as the product would have written them."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from drumbeat.core import ids
from drumbeat.core.status import Status
from drumbeat.delivery import attempts_sql, claims_sql, plans_sql
from drumbeat.delivery.effects import Claimed, Closing, Opening
from drumbeat.ledger.database import Database

LEASE = timedelta(seconds=45)
IDENTITY = "mailgun|https://api.mailgun.net|mg.example.com"


def configured(db: Database, version: int = 1) -> int:
    """Store an empty configuration."""
    db.run(
        "INSERT INTO configs (version, hash, document, templates, compiled, applied_by)"
        " VALUES (%s, %s, '', '{}', '{}', 'test') ON CONFLICT DO NOTHING",
        (version, str(version).encode()),
    )
    return version


def recorded(
    db: Database, key: str | None = None, body: bytes = b"{}", type: str = "LEAD_CAPTURE", door: str = "api"
) -> UUID:
    """Record one event."""
    key = key or uuid.uuid4().hex
    event = ids.event_id("test", key)
    db.run(
        "WITH e AS (INSERT INTO events (id, source, key, type, door, fingerprint, received_at)"
        " VALUES (%s, 'test', %s, %s, %s, '', drumbeat_now()) RETURNING id)"
        " INSERT INTO payloads (event_id, body) SELECT id, %s FROM e",
        (event, key, type, door, body),
    )
    return event


def new_effect(event: UUID, step: str = "hello", **changes: Any) -> plans_sql.NewEffect:
    """Return an effect about to be recorded."""
    values: dict[str, Any] = {
        "id": ids.effect_id(event, "welcome", step, "ada@example.com"),
        "event_id": event,
        "version": 1,
        "flow": "welcome",
        "step": step,
        "account": "mail",
        "action": "send_email",
        "contact": None,
        "after": None,
        "dependents": (),
        "due_at": datetime.now(UTC) - timedelta(seconds=1),
        "claim": False,
    }
    values |= {"expires_at": (values | changes)["due_at"] + timedelta(days=7)}
    return plans_sql.NewEffect(**values | changes)


def planned(db: Database, *made: plans_sql.NewEffect) -> list[dict[str, Any]]:
    """Record the plan of the first effect's event with these effects."""
    configured(db)
    return plans_sql.record(db, [plans_sql.NewPlan(made[0].event_id, 1, b"hash", {})], made, LEASE)


def unplannable(db: Database, event: UUID, reason: str, flow: str = "offer") -> None:
    """Record that a flow of an event could not be planned."""
    configured(db)
    plans_sql.record(db, [plans_sql.NewPlan(event, 1, b"hash", {flow: reason})], [], LEASE)


def waiting(db: Database, *, door: str = "api", **changes: Any) -> UUID:
    """Return a due effect."""
    effect = new_effect(recorded(db, door=door), **changes)
    planned(db, effect)
    return effect.id


def claimed(db: Database, effect: UUID, *, alone: bool = False) -> Claimed:
    """Claim a due effect."""
    (one,) = claims_sql.claim(db, [effect], lease=LEASE, limit=10, alone=alone)
    return one


def opening(effect: Claimed, to: str = "sending", **changes: Any) -> Opening:
    """Return how to open this claimed effect."""
    values: dict[str, Any] = {"identity": IDENTITY, "request_hash": b"h", "frozen": b"bytes"} if to == "sending" else {}
    return Opening(effect.id, effect.fence, Status(to), **values | changes)


def closing(effect: Claimed, kind: str | None, to: Status, **changes: Any) -> Closing:
    """Return how to close this effect's attempt."""
    values: dict[str, Any] = {
        "n": effect.fence,
        "generation": effect.generation,
        "identity": IDENTITY,
        "origin": "answer",
    }
    return Closing(id=effect.id, fence=effect.fence, kind=kind, to=to, **values | changes)


def sending(db: Database, **changes: Any) -> Claimed:
    """Return an effect with an open attempt."""
    effect = claimed(db, waiting(db, **changes))
    assert attempts_sql.open_attempts(db, [opening(effect)])[effect.id].status is Status.SENDING
    return effect


def status(db: Database, effect: UUID) -> str:
    """Return where the effect stands."""
    return str(db.run("SELECT status FROM effects WHERE id = %s", (effect,))[0]["status"])


def journal(db: Database, effect: UUID) -> list[str]:
    """Return the effect's moves, as `from>to`."""
    rows = db.run("SELECT from_status, to_status FROM journal WHERE effect_id = %s ORDER BY seq", (effect,))
    return [f"{row['from_status'] or ''}>{row['to_status']}" for row in rows]


def outcomes(db: Database, effect: UUID) -> list[tuple[str, str]]:
    """Return what was learned of the effect: origin and kind."""
    rows = db.run("SELECT origin, kind FROM outcomes WHERE effect_id = %s ORDER BY id", (effect,))
    return [(row["origin"], row["kind"]) for row in rows]


def pass_time(admin: Database, **by: float) -> None:
    """Move the ledger's clock ahead."""
    seconds = timedelta(**by).total_seconds()
    admin.run("UPDATE clock SET shift = shift + make_interval(secs => %s)", (seconds,))


def as_json(value: object) -> bytes:
    """Write a body."""
    return json.dumps(value).encode()
