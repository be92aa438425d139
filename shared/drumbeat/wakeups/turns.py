"""Turns: messages by which workers carry out a run, one short turn after the other.

A run has a few of them, however many mails it sends: each turn takes what is due, and ends by asking for the next. So
the queue stays short for what people cause, and a run releases as fast as it finishes. A turn that is lost has a due
entry, and the relay starts it again; one that comes twice has a word that is spent.
"""

import logging
import math
from collections.abc import Collection, Iterable
from dataclasses import replace
from importlib.resources import files
from random import Random
from typing import TYPE_CHECKING
from uuid import UUID

from redis.exceptions import RedisError

from drumbeat.core.clock import Clock
from drumbeat.infrastructure.redis import accepted
from drumbeat.wakeups.due_index import DueIndex
from drumbeat.wakeups.queue import MAX_DELAY_SECONDS, Queue, QueueError, Turn

if TYPE_CHECKING:
    from drumbeat.infrastructure.redis import LeanRedis

KEPT_SECONDS = 86_400
OVERDUE_SECONDS = 20.0  # after its time the relay starts a turn again; the former then ends by itself
SOON_SECONDS = OVERDUE_SECONDS + 5.0  # a turn that is to come later than this much before its entry sleeps
AHEAD_SECONDS = 90.0  # before its time the relay starts a turn that is too far off for a message
_SCRIPT = files("drumbeat.wakeups").joinpath("turns.lua")
_LOG = logging.getLogger(__name__)


class Turns:
    """Starts turns and takes them up. Raises nothing: what is lost costs time, and what is doubled some queries."""

    def __init__(self, redis: "LeanRedis", due_index: DueIndex, queue: Queue, clock: Clock, random: Random) -> None:
        self._redis = redis
        self._due_index = due_index
        self._queue = queue
        self._clock = clock
        self._random = random

    def start(self, run: UUID, numbers: Iterable[int], *, delay: float = 0.0) -> None:
        """Start turns anew after some seconds: what is left of them from before ends by itself."""
        turns = [Turn(run, number, self._word()) for number in numbers]
        words = [("HSET", key_of(run), str(turn.number), turn.word) for turn in turns]
        try:
            accepted(self._redis.run_all([*words, ("EXPIRE", key_of(run), KEPT_SECONDS)]))
        except (RedisError, OSError):  # a word that is not kept would be taken for one that is spent
            turns = [replace(turn, word="") for turn in turns]
        self._send(turns, delay)

    def take_up(self, turn: Turn) -> Turn | None:
        """Take up a turn; return the next one to ask for, None: this one is spent.

        Where Redis does not take its entry, its message alone stands for it, and comes again if this worker dies: so
        its word is not spent then.
        """
        unkept = Turn(turn.run, turn.number, "")
        if not self._due_index.set({entry(turn.run, turn.number): self._now() + OVERDUE_SECONDS}):
            return unkept
        following = replace(unkept, word=self._word())
        try:
            taken = self._redis.run(
                "EVAL", _SCRIPT.read_text(), 1, key_of(turn.run), turn.number, turn.word, following.word, KEPT_SECONDS
            )
        except (RedisError, OSError):
            return unkept
        return following if taken else None

    def ask(self, turn: Turn, *, delay: float) -> None:
        """Ask for a turn after some seconds; where that is far off, only its due entry stands for it."""
        self._send([turn], delay)

    def end(self, turn: Turn) -> None:
        """Let a turn have no other."""
        self._due_index.clear([entry(turn.run, turn.number)])

    def missing(self, run: UUID, numbers: Collection[int], *, asleep: bool = False, unknown: bool = False) -> list[int]:
        """Return which of a run's turns are not expected: never started, or lost; also those that are `asleep`.

        Without Redis that is unknown: none then, so that turns do not multiply, or all.
        """
        times = self._due_index.times([entry(run, number) for number in numbers])
        if times is None:
            return list(numbers) if unknown else []
        now = self._now()
        latest = now + SOON_SECONDS if asleep else math.inf
        return [number for number in numbers if not now < times.get(entry(run, number), 0.0) <= latest]

    def _send(self, turns: Collection[Turn], delay: float) -> None:
        if not turns:
            return
        far = delay > MAX_DELAY_SECONDS
        due = self._now() + delay + (-AHEAD_SECONDS if far else OVERDUE_SECONDS)
        if self._due_index.set({entry(turn.run, turn.number): due for turn in turns}) and far:
            return
        try:  # where there is no entry, a message that comes too early stands in for it
            self._queue.give_turns(turns, min(delay, MAX_DELAY_SECONDS))
        except QueueError as error:
            _LOG.warning("the turns of a run could not be asked for; nothing is lost, the relay starts them: %s", error)

    def _word(self) -> str:
        return format(self._random.getrandbits(48), "x")

    def _now(self) -> float:
        return self._clock.now().timestamp()


def key_of(run: UUID) -> str:
    """Name the words of a run's turns."""
    return f"{{run:{run}}}:turns"


def entry(run: UUID, number: int) -> str:
    """Name the due entry of a turn."""
    return f"run:{run}:{number}"
