"""How long a call may take and how long a claim lasts: for the rest of a lease, a dead worker holds its effects."""

from dataclasses import dataclass
from datetime import timedelta

CALL_SECONDS = 10.0
LEASE = timedelta(seconds=45)
MARGIN_SECONDS = 5.0  # kept between the end of a call and the end of its lease
LEDGER_SECONDS = 8.0  # of a batch: reading, opening, closing
CALLS_A_LEASE = 3
ROUNDS_A_BATCH = 3  # of calls: a batch has more effects than a process has threads


@dataclass(frozen=True, slots=True)
class CallTimes:
    """The two times that a deployment may set, and what follows from them.

    Whatever they are, a lease lasts `CALLS_A_LEASE` calls and a margin, and a call that begins in time ends before its
    lease. Raises ValueError for times of which that would not be true.
    """

    call_seconds: float = CALL_SECONDS  # for one call, whatever the peer does
    lease: timedelta = LEASE  # of a claim, by the ledger's clock

    def __post_init__(self) -> None:
        """Check that they fit each other."""
        least = CALLS_A_LEASE * self.call_seconds + MARGIN_SECONDS
        if not self.call_seconds > 0 or self.lease.total_seconds() < least:
            raise ValueError(f"a call of {self.call_seconds:g} s needs a lease of {least:g} s or more")

    @property
    def first_byte_within_seconds(self) -> float:
        """The time from a claim in which the first byte of its call may leave."""
        return self.lease.total_seconds() - self.call_seconds - MARGIN_SECONDS

    @property
    def batch_seconds(self) -> float:
        """The time that a batch may take when every call takes all it may."""
        return ROUNDS_A_BATCH * self.call_seconds + LEDGER_SECONDS
