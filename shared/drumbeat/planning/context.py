"""What texts and conditions can see of an event."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from drumbeat.core.events import Event

# Every variable of a text. Those that only campaigns fill are present and null.
VARIABLES = ("event", "payload", "lead", "campaign", "run", "variant", "effect_id", "unsubscribe_url")
EVENT_FIELDS = ("id", "type", "source", "key", "received_at", "scheduled_at")


def facts(event: Event, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a condition sees."""
    return {"type": event.type, "source": event.source, "payload": payload}


def variables(event: Event, payload: Mapping[str, Any], *, effect_id: UUID | None = None) -> dict[str, Any]:
    """Return what a text sees. A function of the event alone: no clock, no chance."""
    return {
        "event": {
            "id": str(event.id),
            "type": event.type,
            "source": event.source,
            "key": event.key,
            "received_at": _instant(event.received_at),
            "scheduled_at": event.scheduled_at and _instant(event.scheduled_at),
        },
        "payload": payload,
        "lead": None,
        "campaign": None,
        "run": None,
        "variant": None,
        "effect_id": effect_id and str(effect_id),
        "unsubscribe_url": None,
    }


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
