"""What a caller receives for an event it sent."""

from dataclasses import dataclass
from uuid import UUID

from drumbeat.sources.signature import Reply

RECORDED = "recorded"  # committed in the ledger
BUFFERED = "buffered"  # waits in the buffer queue for the ledger
CONFLICT = "conflict"  # kept beside the first body under the same key


@dataclass(frozen=True, slots=True)
class Receipt:
    """A promise: the event is in the ledger, or in the buffer and will be."""

    event_id: UUID
    status: str
    replayed: bool = False
    reply: Reply | None = None  # how the sender of a webhook needs to hear of it; None: as every caller does
