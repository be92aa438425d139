"""What providers report, recorded as an ingest process does, and used as a worker does."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from drumbeat.core import fingerprint, ids
from drumbeat.core.events import Arrival, EventType, Reported
from drumbeat.core.feedback import Kind, Report
from drumbeat.ingest import feedback_sql
from drumbeat.ingest.sql import Recorded
from drumbeat.ledger.database import Database

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
SOURCE = "mail-reports"


def report(kind: str, effect: UUID | None, *, hour: float = 0.0, **changes: Any) -> Report:
    """Return a report of a mail's first generation, so many hours after the start."""
    values: dict[str, Any] = {
        "name": f"{kind} of {effect} at {hour}",
        "kind": Kind(kind),
        "word": kind,
        "at": START + timedelta(hours=hour),
        "key": f"{effect}-1" if effect else None,
    }
    return Report(**values | changes)


def arrival(said: Report, *, account: str = "mail", key: str | None = None) -> Arrival:
    """Return the event of a delivery that holds this report; without a key every delivery is another."""
    key = key or uuid.uuid4().hex
    body = said.name.encode()
    return Arrival(
        id=ids.event_id(SOURCE, key),
        source=SOURCE,
        key=key,
        type=EventType.FEEDBACK,
        door="webhook",
        fingerprint=fingerprint.of_raw(body),
        scheduled_at=None,
        received_at=datetime.now(UTC),
        body=body,
        reported=Reported(account, said),
    )


def tell(db: Database, *said: Report, account: str = "mail") -> dict[UUID, Recorded]:
    """Record each report as the event of a delivery of its own, in one commit."""
    return feedback_sql.record_all(db, [arrival(one, account=account) for one in said], caller=None)


def reported(db: Database, key: bytes) -> dict[str, Any]:
    """Return how a person stands after what was reported of their mails."""
    rows: Sequence[dict[str, Any]] = db.run(
        "SELECT reported, suppressed_at, suppression_reason, suppression_kind, complained_at, consents"
        "  FROM contacts WHERE key = %s",
        (key,),
    )
    return rows[0]
