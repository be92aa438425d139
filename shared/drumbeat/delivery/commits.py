"""What a batch commits, and what it announces: the due entry before each commit, the message after it.

A process may die before its commit; its effects then stay under a lease. So the due entry set before the commit is no
later than the end of that lease: otherwise the relay would find those effects only at the later time.
"""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from uuid import UUID

import psycopg

from drumbeat.core.reasons import Reason
from drumbeat.core.status import FINAL, Status
from drumbeat.delivery import attempts_sql
from drumbeat.delivery.effects import Claimed, Closing, Moved, Opening
from drumbeat.delivery.transitions import Transition
from drumbeat.delivery.verdicts import AFTER_WISHES
from drumbeat.ledger.batches import LOCKED, REFUSED_OR_LOCKED, write_apart
from drumbeat.ledger.database import SessionLost
from drumbeat.services import Services
from drumbeat.wakeups.queue import MAX_DELAY_SECONDS

CLOSE_TRIES = 3  # an answer in hand is worth waiting for the ledger
CLOSE_RETRY_SECONDS = 0.5  # before the second try; twice as long before each further one
LOCKED_WAIT_SECONDS = 30.0  # until an effect is tried again whose rows another transaction had locked
# Nothing of the statement was carried out, and that is certain.
NOTHING_DONE: tuple[type[Exception], ...] = (*REFUSED_OR_LOCKED, SessionLost)

_LOG = logging.getLogger(__name__)


class Commits:
    """Commits the transitions of claimed effects, and wakes what they make due or release.

    Made before the batch reads whether what people asked for waits to be recorded: over the connection of that moment,
    and no other, is marketing opened. Another one may come after an outage in which a person left a list.
    """

    def __init__(self, claimed: Sequence[Claimed], services: Services) -> None:
        self._services = services
        self._session = services.db.session
        self._marketing = {effect.id for effect in claimed if effect.is_marketing}
        self._lease_seconds = services.settings.times.lease.total_seconds()
        self._dependents = {effect.id: effect.dependents for effect in claimed}
        # Those of runs, which have turns and due entries of their own; what may end its worker is no turn's.
        self._of_runs = {effect.id for effect in claimed if effect.recipient and not effect.crashes}

    def leave(self, effects: Collection[UUID]) -> None:
        """Leave these under their lease: the relay looks at them when it ends."""
        if effects:
            self._services.notifier.schedule(dict.fromkeys(effects, self._lease_seconds))

    def open(self, transitions: Sequence[Transition]) -> Collection[Moved]:
        """Commit the openings among these, before any call; return the effects that this moved.

        One whose rows another transaction has locked is put back, and so is marketing when the connection was lost; one
        that the ledger refuses stays under its lease.
        """
        openings = [one for one in transitions if isinstance(one, Opening)]
        if not openings:
            return ()
        waits = {opening.id: opening.wait for opening in openings if opening.to is Status.WAITING}
        # Any other may end here: its person may be suppressed.
        self._schedule(waits, [opening.id for opening in openings if opening.to is not Status.WAITING])
        moved: dict[UUID, Moved] = {}
        back: list[Opening] = []

        def refused(opening: Opening, error: Exception) -> None:
            _log_refused(opening, error)
            if isinstance(error, LOCKED):
                back.append(_put_back(opening, LOCKED_WAIT_SECONDS, None))

        def write(some: Sequence[Opening]) -> Mapping[UUID, Moved]:
            try:
                return self._open(some)
            except SessionLost:
                marketing = [opening for opening in some if self._is_marketing(opening)]
                back.extend(_after_wishes(opening) for opening in marketing)
                return self._open([opening for opening in some if opening not in marketing])

        try:
            for of_run in (False, True):  # by a statement of its own
                self._write(write, [one for one in openings if one.of_run is of_run], moved, refused)
                self._write(self._open, [one for one in back if one.of_run is of_run], moved, _log_refused)
        except psycopg.Error:
            if not moved:
                raise
            _LOG.error("not_all_opened", extra={"moved": len(moved), "of": len(openings)})  # those go on
        waits |= {opening.id: opening.wait for opening in back}
        # What is still claimed is left to the relay.
        stay = [opening.id for opening in openings if opening.id not in moved]
        self.leave(stay)
        self._notify(moved.values(), waits)
        return moved.values()

    def close(self, transitions: Sequence[Transition]) -> Collection[Moved]:
        """Commit the closings among these; return the effects that this moved."""
        closings = [one for one in transitions if isinstance(one, Closing)]
        if not closings:
            return ()
        waits = {closing.id: closing.wait for closing in closings if closing.to in (Status.WAITING, Status.UNKNOWN)}
        self._schedule(waits, [closing.id for closing in closings if closing.to in FINAL])
        moved: dict[UUID, Moved] = {}
        self._write(self._close, closings, moved, _log_refused)
        self._notify(moved.values(), waits)
        return moved.values()

    @staticmethod
    def _write[T: Transition](
        write: Callable[[Sequence[T]], Mapping[UUID, Moved]],
        transitions: Sequence[T],
        moved: dict[UUID, Moved],
        refused: Callable[[T, Exception], None],
    ) -> None:
        """Add what this moves to `moved`, so that it is known even if this raises halfway."""
        write_apart(lambda some: moved.update(write(some)), transitions, refused, concerns_one=REFUSED_OR_LOCKED)

    def _is_marketing(self, opening: Opening) -> bool:
        return opening.to is Status.SENDING and opening.id in self._marketing

    def _open(self, openings: Sequence[Opening]) -> Mapping[UUID, Moved]:
        if not openings:
            return {}
        db = self._services.db
        try:
            with db.over(self._session) if any(map(self._is_marketing, openings)) else nullcontext():
                return attempts_sql.open_attempts(db, openings)
        except NOTHING_DONE:
            raise
        except psycopg.OperationalError:
            return attempts_sql.opened(db, openings)  # the answer was lost: ask what was committed

    def _close(self, closings: Sequence[Closing]) -> Mapping[UUID, Moved]:
        for tried in range(1, CLOSE_TRIES):
            try:
                return attempts_sql.close_attempts(self._services.db, closings)
            except REFUSED_OR_LOCKED as error:
                if len(closings) > 1 or not isinstance(error, LOCKED):
                    raise
            except (psycopg.OperationalError, psycopg.InternalError):  # away, or read-only in the middle of a failover
                pass
            self._services.clock.sleep(CLOSE_RETRY_SECONDS * 2 ** (tried - 1))
        return attempts_sql.close_attempts(self._services.db, closings)

    def _schedule(self, waits: Mapping[UUID, float], ending: Collection[UUID]) -> None:
        """Before the commit: the relay looks at these later, and at those that an end releases."""
        released = {waiting: 0.0 for effect in ending for waiting in self._dependents.get(effect, ())}
        leased = {effect: min(wait, self._lease_seconds) for effect, wait in waits.items()}
        self._services.notifier.schedule(self._apart_from_runs(leased | released))

    def _notify(self, moved: Collection[Moved], waits: Mapping[UUID, float]) -> None:
        """After the commit: send messages for what is due again or was released, and clear what is settled."""
        again = self._apart_from_runs({one.id: waits[one.id] for one in moved if one.id in waits})
        released = {waiting: 0.0 for one in moved if one.status in FINAL for waiting in one.dependents}
        notifier = self._services.notifier
        notifier.schedule({effect: wait for effect, wait in again.items() if wait > self._lease_seconds})
        notifier.notify([*again.items(), *released.items()])
        settled = [
            one.id
            for one in moved
            if (one.status in FINAL or one.status is Status.HELD) and one.id not in self._of_runs
        ]
        # What is far off has the due entry of its minute instead of one of its own.
        notifier.clear(effects=settled + [effect for effect, wait in again.items() if wait > MAX_DELAY_SECONDS])

    def _apart_from_runs(self, waits: Mapping[UUID, float]) -> dict[UUID, float]:
        return {effect: wait for effect, wait in waits.items() if effect not in self._of_runs}


def _after_wishes(opening: Opening) -> Opening:
    return _put_back(opening, AFTER_WISHES.wait, AFTER_WISHES.reason)


def _put_back(opening: Opening, wait: float, reason: Reason | None) -> Opening:
    return Opening(opening.id, opening.fence, Status.WAITING, wait=wait, reason=reason, of_run=opening.of_run)


def _log_refused(transition: Transition, error: Exception) -> None:
    """Leave it to the relay, which finds it when its lease ends; the error's text may quote the row."""
    _LOG.error("not_committed", extra={"effect_id": str(transition.id), "error": type(error).__name__})
