"""Where an entry of a person's history stands: the order of time that its pages follow, and their cursor."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from drumbeat.core.clock import from_microseconds, microseconds
from drumbeat.core.errors import Invalid
from drumbeat.views.pages import INVALID_CURSOR

# What comes first of the same instant, newest first.
SUPPRESSION, CONSENT, EVENT = 0, 1, 2

_CURSOR = re.compile("([0-9]{1,17})-(?:([12])-([0-9a-f]{32})|(0)-([0-9a-f]{8,200}))(?:-([0-9a-f]{32}))?", re.ASCII)
_LEAST = "0" * 32  # an id before which there is none
_END = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Position:
    """Where one entry stands. An event's effects follow it."""

    at: datetime
    rank: int
    id: str  # in hex: of the event, or the number of a suppression in eight digits, and the contact
    effect: UUID | None = None

    def __str__(self) -> str:
        """Return it as a cursor."""
        parts = (microseconds(self.at), self.rank, self.id, self.effect and self.effect.hex)
        return "-".join(str(part) for part in parts if part is not None)


def read(cursor: str | None) -> Position | None:
    """Read a cursor. Raises Invalid for another text."""
    if cursor is None:
        return None
    if (found := _CURSOR.fullmatch(cursor)) is None:
        raise Invalid(INVALID_CURSOR)
    at, event_rank, event, rank, suppression, effect = found.groups()
    position = Position(
        from_microseconds(int(at)),
        int(event_rank or rank),
        event or suppression,
        UUID(effect) if effect else None,
    )
    if len(position.id) % 2:
        raise Invalid(INVALID_CURSOR)
    return position


def following(after: Position | None) -> dict[str, Any]:
    """Return before which instant and id everything stands that comes after a position, of each kind."""
    (event_at, event), (consent_at, consent), (suppression_at, suppression) = (
        _bound(after, rank) for rank in (EVENT, CONSENT, SUPPRESSION)
    )
    return {
        "event_at": event_at,
        "event": UUID(event),
        "consent_at": consent_at,
        "consent": UUID(consent),
        "suppression_at": suppression_at,
        "seq": seq_of(suppression),
        "contact": contact_of(suppression),
    }


def seq_of(suppression: str) -> int:
    """Return the number of a suppression."""
    return int(suppression[:8], 16)


def contact_of(suppression: str) -> bytes:
    """Return whose suppression it is."""
    return bytes.fromhex(suppression[8:])


def _bound(after: Position | None, rank: int) -> tuple[datetime, str]:
    if after is None:
        return _END, _LEAST
    if rank == after.rank:
        return after.at, after.id
    return after.at + timedelta.resolution if rank > after.rank else after.at, _LEAST
