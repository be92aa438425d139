"""What providers tell of mails that they took: one closed list of kinds, and one report."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Kind(StrEnum):
    """What became of a mail. Each provider's words for it stand beside its adapter, in `providers/words/`."""

    ACCEPTED = "accepted"  # taken by the provider: sent, queued, processed
    DELAYED = "delayed"  # not delivered yet; the provider goes on trying
    DELIVERED = "delivered"
    BOUNCED = "bounced"  # for good: the address takes no mail
    SOFT_BOUNCED = "soft_bounced"  # for now: full, greylisted, away
    BLOCKED = "blocked"  # because of this mail, not of the address: its content or size, or the sender's standing
    REFUSED = "refused"  # the provider did not send it
    COMPLAINED = "complained"  # the person called it spam
    UNSUBSCRIBED = "unsubscribed"  # the person left by a link or button of the provider's
    OPENED = "opened"
    CLICKED = "clicked"
    OTHER = "other"  # a word that this release does not know: kept and shown, decides nothing


# What proves that the provider had taken the mail, and what that it had not.
PROVES_ACCEPTANCE = frozenset(Kind) - {Kind.REFUSED, Kind.OTHER}
PROVES_REFUSAL = frozenset({Kind.REFUSED})
# What may wait while the database sleeps.
CALM = frozenset({Kind.DELIVERED, Kind.OPENED, Kind.CLICKED})


@dataclass(frozen=True, slots=True)
class Report:
    """One thing that a provider reported of one mail to one person."""

    name: str  # the provider's own id of it, 1 to 255 printable characters, or its content's; unique in the account
    kind: Kind
    word: str  # the provider's own, as `failed permanent`; printable, at most 100 characters, no address
    at: datetime | None  # UTC: when it happened; None: not said, or not readable
    key: str | None  # the provider key that the mail was sent under, as far as it came back
    reference: str | None = None  # the provider's id of the mail
    address: str | None = None  # as written; it stays in the body, and the ledger keeps its keyed hash
    said: str = ""  # why, in the provider's words; printable, at most 500 characters, no address
    link: str = ""  # that was clicked; the ledger keeps a digest
    machine: bool = False  # the report itself shows that a program opened or clicked

    @property
    def may_wait(self) -> bool:
        """Whether it decides nothing, so that it need not wake a database that sleeps, nor keep one awake."""
        return self.kind in CALM
