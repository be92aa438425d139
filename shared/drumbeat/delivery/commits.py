"""What a batch commits, and who is told: the relay's mark before each commit, the doorbell after it.

Whoever dies in between leaves effects under a lease. So no mark leads further than the end of that lease before the
commit that makes it true: the relay would come only then to look after the dead.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from uuid import UUID

import psycopg

from drumbeat.core.status import FINAL, Status
from drumbeat.delivery import effects_sql
from drumbeat.delivery.effects_sql import Claimed, Closing, Moved, Opening
from drumbeat.services import Services
from drumbeat.wakeups.queue import MAX_DELAY_SECONDS

CLOSE_TRIES = 3  # an answer in hand is worth waiting for the ledger


class Commits:
    """Writes down what becomes of claimed effects and counts where they arrived."""

    def __init__(self, services: Services, counts: Counter[str], claimed: Sequence[Claimed], lease: timedelta) -> None:
        self._services = services
        self._counts = counts
        self._dependents = {effect.id: effect.dependents for effect in claimed}
        self._lease = lease.total_seconds()

    def open(self, openings: Sequence[Opening]) -> set[UUID]:
        """Commit what is to become of effects before any call; return those with an attempt open."""
        if not openings:
            return set()
        waits = {opening.id: opening.wait for opening in openings if opening.to == "waiting"}
        # Any other may end here: its person may be suppressed.
        self._remember(waits, [opening.id for opening in openings if opening.to != "waiting"])
        try:
            moved = effects_sql.open_attempts(self._services.db, openings)
        except psycopg.OperationalError:
            moved = effects_sql.opened(self._services.db, openings)  # the answer was lost: ask what was committed
        # What is still claimed has nobody but the relay.
        stay = [opening.id for opening in openings if opening.id not in moved]
        self._services.notifier.schedule(dict.fromkeys(stay, self._lease))
        self._tell(moved.values(), waits)
        return {one.id for one in moved.values() if one.status is Status.SENDING}

    def close(self, closings: Sequence[Closing]) -> None:
        """Commit what was learned."""
        if not closings:
            return
        waits = {closing.id: closing.wait for closing in closings if closing.to in (Status.WAITING, Status.UNKNOWN)}
        self._remember(waits, [closing.id for closing in closings if closing.to in FINAL])
        for attempt in range(CLOSE_TRIES):
            try:
                moved = effects_sql.close_attempts(self._services.db, closings)
                break
            except (psycopg.OperationalError, psycopg.InternalError):  # away, or read-only in the middle of a failover
                if attempt == CLOSE_TRIES - 1:
                    raise
                self._services.clock.sleep(0.5 * 2**attempt)
        self._tell(moved.values(), waits)

    def _remember(self, waits: Mapping[UUID, float], ending: Collection[UUID]) -> None:
        """Before the commit: have the relay look after these, and after those that an end releases."""
        released = {waiting: 0.0 for effect in ending for waiting in self._dependents.get(effect, ())}
        leased = {effect: min(wait, self._lease) for effect, wait in waits.items()}
        self._services.notifier.schedule(leased | released)

    def _tell(self, moved: Collection[Moved], waits: Mapping[UUID, float]) -> None:
        """After the commit: ring for what is due again or was released, and forget what is settled."""
        self._counts.update(one.status.value for one in moved)
        again = {one.id: waits[one.id] for one in moved if one.id in waits}
        released = {waiting: 0.0 for one in moved if one.status in FINAL for waiting in one.dependents}
        notifier = self._services.notifier
        notifier.schedule({effect: wait for effect, wait in again.items() if wait > self._lease})
        notifier.notify([*again.items(), *released.items()])
        settled = [one.id for one in moved if one.status in FINAL or one.status is Status.HELD]
        # What is far off has a mark for its minute instead of one of its own.
        notifier.clear(effects=settled + [effect for effect, wait in again.items() if wait > MAX_DELAY_SECONDS])
