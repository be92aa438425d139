"""Interleaving: of several threads exactly one runs, and a seed decides at every operation which one goes on.

A statement that waits for a lock is really blocked inside Postgres: another thread goes on, and the blocked one can be
chosen again when Postgres has granted the lock. So the locking is Postgres's own, in an order that a seed repeats.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from random import Random

from drumbeat.ledger.database import Database

BLOCKED_CHECK_SECONDS = 0.02  # after so long, Postgres is asked whether a statement is blocked
HUNG_AFTER_SECONDS = 60.0  # no step takes so long unless the simulation itself is broken

BLOCKED = "SELECT cardinality(pg_blocking_pids(%s)) > 0 AS blocked"


class _Actor:
    """One thread."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.go = threading.Semaphore(0)
        self.backend: int | None = None  # of the statement it is in
        self.blocked = False
        self.released = threading.Event()  # its blocked statement has ended
        self.frozen = 0  # turns of others that it has to wait
        self.ended = False
        self.error: BaseException | None = None


class Scheduler:
    """Runs actors one at a time."""

    def __init__(self, random: Random, control: Database, between_turns: Callable[[], None]) -> None:
        """`between_turns` is called between two turns, where the environment may change."""
        self.stay_probability = 0.6  # that the same actor goes on
        self.split_probability = 0.3  # that others may run between a statement and its commit
        self._random = random
        self._control = control
        self._between_turns = between_turns
        self._back = threading.Semaphore(0)
        self._actors: dict[str, _Actor] = {}
        self._current: _Actor | None = None

    # ------------------------------------------------------------ for the test

    def run(self, parts: Mapping[str, Callable[[], None]]) -> None:
        """Run all parts to their ends; raises the first error of any of them."""
        self._actors = {name: _Actor(name) for name in parts}
        threads = [
            threading.Thread(target=self._act, args=(self._actors[name], part), name=name, daemon=True)
            for name, part in parts.items()
        ]
        for thread in threads:
            thread.start()
        while able := self._runnable():
            self._between_turns()
            awake = [actor for actor in able if not actor.frozen] or able
            self._hand_to(self._random.choice(awake))
            for actor in able:
                actor.frozen = max(actor.frozen - 1, 0)
        for thread in threads:
            thread.join(HUNG_AFTER_SECONDS)
        self._current, actors = None, self._actors
        self._actors = {}
        for actor in actors.values():
            if actor.error is not None:
                raise actor.error

    def _runnable(self) -> list[_Actor]:
        for actor in self._actors.values():
            if actor.blocked:
                actor.blocked = self._waits(actor)
        able = [actor for actor in self._actors.values() if not actor.ended and not actor.blocked]
        assert able or all(actor.ended for actor in self._actors.values()), "every actor waits for another"
        return able

    def _waits(self, actor: _Actor) -> bool:
        """Return whether a statement is still blocked; once Postgres grants its lock, wait for its end."""
        while not actor.released.is_set():
            if self._control.run(BLOCKED, (actor.backend,))[0]["blocked"]:
                return True
            actor.released.wait(BLOCKED_CHECK_SECONDS)
        return False

    def _hand_to(self, actor: _Actor) -> None:
        self._current = actor
        actor.go.release()
        for _ in range(round(HUNG_AFTER_SECONDS / BLOCKED_CHECK_SECONDS)):
            if self._back.acquire(timeout=BLOCKED_CHECK_SECONDS):
                return
            backend = actor.backend
            if backend is not None and self._control.run(BLOCKED, (backend,))[0]["blocked"]:
                actor.released.clear()
                actor.blocked = True
                return
        raise AssertionError(f"{actor.name} never came back")

    # ------------------------------------------------------------ for the actors

    def _act(self, actor: _Actor, part: Callable[[], None]) -> None:
        actor.go.acquire()
        try:
            part()
        except BaseException as error:  # noqa: BLE001 - run() raises it
            actor.error = error
        actor.ended = True
        self._back.release()

    def _pause(self, actor: _Actor) -> None:
        self._back.release()
        actor.go.acquire()

    def turn(self, who: str) -> None:
        """Let the seed decide which actor goes on."""
        actor = self._mine()
        if actor is None:
            return
        if any(other.blocked for other in self._actors.values()) or self._random.random() >= self.stay_probability:
            self._pause(actor)

    def frozen(self, who: str) -> None:
        """Let the others run for some turns."""
        actor = self._mine()
        if actor is not None:
            actor.frozen = self._random.randint(5, 60)
            self._pause(actor)

    @contextmanager
    def statement(self, who: str, backend: int) -> Iterator[None]:
        """Mark the time inside a statement, which may have to wait for another actor's lock."""
        actor = self._mine()
        if actor is None:
            yield
            return
        actor.backend = backend
        try:
            yield
        finally:
            actor.backend = None
            if actor.blocked:
                actor.released.set()
                actor.go.acquire()
            elif any(other.blocked for other in self._actors.values()):
                self._pause(actor)  # it may have released another actor, which goes on at once

    def is_active(self) -> bool:
        return self._mine() is not None

    def splits_commits(self) -> bool:
        return self._random.random() < self.split_probability

    def _mine(self) -> _Actor | None:
        """Return the actor of this thread; None outside of `run`."""
        return self._actors.get(threading.current_thread().name)
