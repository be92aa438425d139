"""Ids that are computed: no database, no randomness, the same formula in Python and in SQL.

`drumbeat_id` in the first migration is the SQL side; a test compares the two.
"""

import hashlib
from uuid import UUID

SEPARATOR = b"\x1f"
CONFIRMS = "confirm:"  # how the key of an event begins by which a person confirms; an id follows


def derive(*parts: str) -> UUID:
    """Return the first 16 bytes of SHA-256 over the parts, joined by 0x1f, as a UUID."""
    return UUID(bytes=hashlib.sha256(SEPARATOR.join(part.encode() for part in parts)).digest()[:16])


def event_id(source: str, key: str) -> UUID:
    """Name the event that this source's idempotency key stands for, whether or not it was recorded yet."""
    return derive(source, key)


def effect_id(event: UUID, flow: str, step: str, target: str) -> UUID:
    """Name the one action that this step of this flow intends for this target because of this event."""
    return derive(str(event), flow, step, target)


def erased_key(event: UUID) -> str:
    """Return what an event that was erased has for a key: no sender can have made it, for the id would be another's.

    The SQL side is `erased_key` of step 014.
    """
    return f"erased:{event}"
