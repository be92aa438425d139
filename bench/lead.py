"""The lead that every system is sent: what a form on a landing page delivers."""

import json
from typing import Any

SOURCE = "bench"


def lead(event_id: str) -> dict[str, Any]:
    """Return one lead of about 300 bytes."""
    return {
        "event_id": event_id,
        "email": f"{event_id}@example.com",
        "name": "Ada Example",
        "company": "Example Ltd",
        "source": "landing-page",
        "message": "Please call me back. " * 6,
    }


def lead_body(event_id: str) -> str:
    """Return the lead as the peers' APIs take it."""
    return json.dumps(lead(event_id))


def event(event_id: str) -> dict[str, Any]:
    """Return the lead as Drumbeat's API takes it."""
    return {"type": "LEAD_CAPTURE", "source": SOURCE, "idempotencyKey": event_id, "payload": lead(event_id)}
