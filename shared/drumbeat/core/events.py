"""What an event is."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from drumbeat.core.feedback import Report


class EventType(StrEnum):
    """The closed list of facts that can arrive."""

    LEAD_CAPTURE = "LEAD_CAPTURE"
    CONTENT_PUBLISH = "CONTENT_PUBLISH"
    CAMPAIGN_TRIGGER = "CAMPAIGN_TRIGGER"
    FEEDBACK = "FEEDBACK"
    CONSENT = "CONSENT"


# What no flow is written for: what became of a mail, and what a person agreed to. The release before took FEEDBACK as
# well, and versions that it applied go on as they are.
NEVER_ACTED_ON = (EventType.FEEDBACK, EventType.CONSENT)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A verified event on its way into the ledger."""

    id: UUID
    source: str
    key: str
    type: str
    door: str  # api | webhook | form | schedule | replay | import | confirm | unsubscribe
    fingerprint: bytes
    scheduled_at: datetime | None
    received_at: datetime
    body: bytes  # raw, as received; for the API one event's JSON object
    former_key: str | None = None  # by which the release before knows a webhook's delivery, where it is another
    reported: "Reported | None" = None  # what it tells of a mail, where its source speaks for an account
    trace: bytes | None = None  # that its sender names, as `core.tracing` stores it


@dataclass(frozen=True, slots=True)
class Reported:
    """A report, and the account whose provider made it: it is about mails of no other."""

    account: str
    report: Report


@dataclass(frozen=True, slots=True)
class Event:
    """A recorded event as the planner reads it."""

    id: UUID
    source: str
    key: str
    type: str
    door: str
    scheduled_at: datetime | None
    received_at: datetime
    body: bytes | None  # None: erased
    delivery: UUID | None = None  # of which this is one fact: its body is that fact's JSON, whatever the sender sends

    @property
    def is_campaign(self) -> bool:
        """A campaign fired it; any other event is transactional, and goes first."""
        return self.type == EventType.CAMPAIGN_TRIGGER
