"""The payload of a sign-up that a confirmation was asked for."""

from uuid import UUID

from drumbeat.ledger.database import Database

BODY = "SELECT body FROM payloads WHERE event_id = %(event)s"


def body_of(db: Database, event: UUID) -> bytes | None:
    """Return the body of an event; None: there is no such event, or it was erased."""
    rows = db.run(BODY, {"event": event})
    return bytes(rows[0]["body"]) if rows else None
