"""What a batch commits, and what it announces: the due entry before each commit, the message after it.

A process may die before its commit; its effects then stay under a lease. So the due entry set before the commit is no
later than the end of that lease: otherwise the relay would find those effects only at the later time.
"""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

import psycopg

from drumbeat.core.status import FINAL, Status
from drumbeat.delivery import attempts_sql
from drumbeat.delivery.budget import LEASE
from drumbeat.delivery.effects import Claimed, Closing, Moved, Opening
from drumbeat.delivery.transitions import Transition
from drumbeat.services import Services
from drumbeat.wakeups.queue import MAX_DELAY_SECONDS

LEASE_SECONDS = LEASE.total_seconds()
CLOSE_TRIES = 3  # an answer in hand is worth waiting for the ledger
CLOSE_RETRY_SECONDS = 0.5  # before the second try; twice as long before each further one


class Commits:
    """Commits the transitions of claimed effects, and wakes what they make due or release."""

    def __init__(self, claimed: Sequence[Claimed], services: Services) -> None:
        self._services = services
        self._dependents = {effect.id: effect.dependents for effect in claimed}

    def open(self, transitions: Sequence[Transition]) -> Collection[Moved]:
        """Commit the openings among these, before any call; return the effects that this moved."""
        openings = [one for one in transitions if isinstance(one, Opening)]
        if not openings:
            return ()
        waits = {opening.id: opening.wait for opening in openings if opening.to is Status.WAITING}
        # Any other may end here: its person may be suppressed.
        self._schedule(waits, [opening.id for opening in openings if opening.to is not Status.WAITING])
        try:
            moved = attempts_sql.open_attempts(self._services.db, openings)
        except psycopg.OperationalError:
            moved = attempts_sql.opened(self._services.db, openings)  # the answer was lost: ask what was committed
        # What is still claimed is left to the relay.
        stay = [opening.id for opening in openings if opening.id not in moved]
        self._services.notifier.schedule(dict.fromkeys(stay, LEASE_SECONDS))
        self._notify(moved.values(), waits)
        return moved.values()

    def close(self, transitions: Sequence[Transition]) -> Collection[Moved]:
        """Commit the closings among these; return the effects that this moved."""
        closings = [one for one in transitions if isinstance(one, Closing)]
        if not closings:
            return ()
        waits = {closing.id: closing.wait for closing in closings if closing.to in (Status.WAITING, Status.UNKNOWN)}
        self._schedule(waits, [closing.id for closing in closings if closing.to in FINAL])
        moved = self._close(closings).values()
        self._notify(moved, waits)
        return moved

    def _close(self, closings: Sequence[Closing]) -> Mapping[UUID, Moved]:
        for tried in range(1, CLOSE_TRIES):
            try:
                return attempts_sql.close_attempts(self._services.db, closings)
            except (psycopg.OperationalError, psycopg.InternalError):  # away, or read-only in the middle of a failover
                self._services.clock.sleep(CLOSE_RETRY_SECONDS * 2 ** (tried - 1))
        return attempts_sql.close_attempts(self._services.db, closings)

    def _schedule(self, waits: Mapping[UUID, float], ending: Collection[UUID]) -> None:
        """Before the commit: the relay looks at these later, and at those that an end releases."""
        released = {waiting: 0.0 for effect in ending for waiting in self._dependents.get(effect, ())}
        leased = {effect: min(wait, LEASE_SECONDS) for effect, wait in waits.items()}
        self._services.notifier.schedule(leased | released)

    def _notify(self, moved: Collection[Moved], waits: Mapping[UUID, float]) -> None:
        """After the commit: send messages for what is due again or was released, and clear what is settled."""
        again = {one.id: waits[one.id] for one in moved if one.id in waits}
        released = {waiting: 0.0 for one in moved if one.status in FINAL for waiting in one.dependents}
        notifier = self._services.notifier
        notifier.schedule({effect: wait for effect, wait in again.items() if wait > LEASE_SECONDS})
        notifier.notify([*again.items(), *released.items()])
        settled = [one.id for one in moved if one.status in FINAL or one.status is Status.HELD]
        # What is far off has the due entry of its minute instead of one of its own.
        notifier.clear(effects=settled + [effect for effect, wait in again.items() if wait > MAX_DELAY_SECONDS])
