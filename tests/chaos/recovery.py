"""How long work was stuck whose worker had died, by the ledger's journal."""

from dataclasses import dataclass

import psycopg

from drumbeat.core.call_times import LEASE
from drumbeat.relay.sweep import LOCK_SECONDS

# After the end of its lease; a relay that is killed during a sweep leaves its lock behind.
MAX_RECOVERY_SECONDS = 60.0 + LOCK_SECONDS

# The moves of relay and workers after a dead worker, beside the claim whose lease had ended.
FREED = """
    SELECT freed.effect_id::text AS effect, extract(epoch FROM freed.at - claim.at)::float8 AS seconds
      FROM journal freed
     CROSS JOIN LATERAL (SELECT at FROM journal
                          WHERE effect_id = freed.effect_id AND seq < freed.seq AND to_status = 'claimed'
                          ORDER BY seq DESC LIMIT 1) AS claim
     WHERE freed.reason_code IN ('lease_ended', 'lease_ended_sending')
     ORDER BY seconds DESC
"""
LAST = "SELECT extract(epoch FROM max(at))::float8 FROM journal"


@dataclass(frozen=True, slots=True)
class Recovery:
    """Claims whose worker died; seconds from the end of the lease until they were freed."""

    freed: int
    longest_seconds: float
    done_seconds: float  # from the last kill until the last move of any effect
    late: tuple[str, ...]  # effects that were freed later than MAX_RECOVERY_SECONDS


def recovery(url: str, killed_at: float) -> Recovery:
    """Read it from the ledger; the last worker was killed at `killed_at`."""
    with psycopg.connect(url, autocommit=True) as owner:
        rows = owner.execute(FREED).fetchall()
        ((last,),) = owner.execute(LAST).fetchall()
    waits = [(effect, seconds - LEASE.total_seconds()) for effect, seconds in rows]
    return Recovery(
        freed=len(waits),
        done_seconds=last - killed_at,
        longest_seconds=max((seconds for _, seconds in waits), default=0.0),
        late=tuple(f"{effect} by {seconds:.0f} s" for effect, seconds in waits if seconds > MAX_RECOVERY_SECONDS),
    )
