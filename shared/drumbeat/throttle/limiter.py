"""The rate limits of accounts, shared by all processes through Redis: a token, or a reserved slot to come back at.

Every limit of an account holds strictly: in any time t no more calls are granted than burst + rate x t. A call
that is denied gets the next free slot of a queue, so that many that wait come back one after another, at the account's
rate, and new ones queue behind them. Campaigns have a queue of their own and take what transactional effects leave.
Losing Redis loses slots and counts, at most one burst too much; while it is unreachable each process uses its fallback
limiter. Pauses are not here but in the ledger.
"""

import logging
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from redis.exceptions import NoScriptError, RedisError

from drumbeat.core.clock import Clock, SystemClock
from drumbeat.core.configuration import Limit
from drumbeat.core.reasons import Reason, ReasonCode
from drumbeat.infrastructure.redis import REDIS_RETRY_SECONDS
from drumbeat.throttle.fallback import MOST_PROCESSES, FallbackLimiter

if TYPE_CHECKING:
    from drumbeat.infrastructure.redis import LeanRedis

SECOND = 1_000_000  # microseconds, the script's unit

_SCRIPT = files("drumbeat.throttle").joinpath("limiter.lua")
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ask:
    """One effect's wish for a token: the slot that it was given earlier, or None; of a campaign, it gives way."""

    slot: float | None = None
    campaign: bool = False


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A request for tokens of one account, one for each effect."""

    account: str
    limits: tuple[Limit, ...]
    asks: tuple[Ask, ...]

    @property
    def in_turn(self) -> list[int]:
        """The places of the asks in the order in which they are answered: those of campaigns last."""
        return sorted(range(len(self.asks)), key=lambda place: self.asks[place].campaign)


@dataclass(frozen=True, slots=True)
class Granted:
    """Call now."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Come back after `seconds`, with the slot."""

    seconds: float
    slot: float | None
    reason: Reason


type Answer = Granted | Wait


@dataclass(frozen=True, slots=True)
class Tokens:
    """The answers by account, in the order of the asks, and the value that was read beside them."""

    answers: dict[str, list[Answer]]
    value: bytes | None = None


class Throttle:
    """Tokens for accounts. Never raises for Redis: it slows down instead, and warns once through `warn`.

    `processes`: how many may run at a time, this one included; each slows down to its share.
    """

    def __init__(
        self,
        redis: "LeanRedis",
        clock: Clock | None = None,
        *,
        processes: int = MOST_PROCESSES,
        chance: Callable[[], float] = random.random,
        warn: Callable[[str], None] = _LOG.warning,
    ) -> None:
        self._redis = redis
        self._clock = clock
        self._elapsed = (clock or SystemClock()).elapsed
        self._warn = warn
        self._fallback = FallbackLimiter(self._elapsed, processes, chance)
        self._script: tuple[str, str] | None = None
        self._retry_at: float | None = None

    def take(self, requests: Sequence[TokenRequest]) -> dict[str, list[Answer]]:
        """Ask for tokens, one request an account; one answer for each ask, in order. One round trip in all."""
        return self.take_and_read(requests, None).answers

    def take_and_read(self, requests: Sequence[TokenRequest], key: str | None) -> Tokens:
        """Ask for tokens as `take` does, and read a key in the same round trip; its value is None without Redis."""
        also = [] if key is None else [("GET", key)]
        replies = self._run([(request.account, "take", _take_arguments(request)) for request in requests], also)
        answers = {
            request.account: self._from_fallback(request) if reply is None else _answers(request, reply)
            for request, reply in zip(requests, replies, strict=False)
        }
        return Tokens(answers, replies[-1] if also and requests else None)

    def queues(self, accounts: Iterable[str]) -> dict[str, float]:
        """Return the seconds until each account's last reserved slot; accounts that could not be read are left out."""
        names = list(accounts)
        replies = self._run([(name, "queue", []) for name in names])
        return {name: _queue(reply) for name, reply in zip(names, replies, strict=True) if reply is not None}

    def _from_fallback(self, request: TokenRequest) -> list[Answer]:
        waits = self._fallback.take(request.account, request.limits, len(request.asks))
        reason = Reason(ReasonCode.LIMITER_AWAY)
        return _in_order(
            request,
            [
                Wait(wait, request.asks[place].slot, reason) if wait else Granted()
                for wait, place in zip(waits, request.in_turn, strict=True)
            ],
        )

    def _run(
        self, calls: Sequence[tuple[str, str, Sequence[object]]], also: Sequence[tuple[str, str]] = ()
    ) -> list[Any]:
        """Run the script once for each call and the other commands, in one round trip; None where Redis did not."""
        if not calls:
            return []
        if self._retry_at is not None and self._elapsed() < self._retry_at:
            return [None] * (len(calls) + len(also))
        now = "" if self._clock is None else str(round(self._clock.now().timestamp() * SECOND))
        lines = [(key_of(account), f"{key_of(account)}:promised", verb, now, *rest) for account, verb, rest in calls]
        try:
            replies = self._evaluate(lines, also)
        except (RedisError, OSError) as error:
            replies = [error] * (len(calls) + len(also))
        failure = next((reply for reply in replies[: len(calls)] if isinstance(reply, Exception)), None)
        self._note_failure(failure)
        return [None if isinstance(reply, Exception) else reply for reply in replies]

    def _evaluate(self, lines: Sequence[tuple[Any, ...]], also: Sequence[tuple[str, str]]) -> list[Any]:
        text, digest = self._loaded()
        replies = self._redis.run_all([*(("EVALSHA", digest, 2, *line) for line in lines), *also])
        unknown = [i for i, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
        if unknown:  # a restart or a failover lost the script: sent again, it is known again
            again = self._redis.run_all([("EVAL", text, 2, *lines[i]) for i in unknown])
            for i, reply in zip(unknown, again, strict=True):
                replies[i] = reply
        return replies

    def _loaded(self) -> tuple[str, str]:
        if self._script is None:
            import hashlib

            text = _SCRIPT.read_text()
            self._script = text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
        return self._script

    def _note_failure(self, failure: Exception | None) -> None:
        if failure is None:
            self._retry_at = None
            return
        if self._retry_at is None:
            unreachable = Reason(ReasonCode.LIMITER_AWAY).sentence
            self._warn(f"{unreachable}; nothing is lost, sending goes on slower ({type(failure).__name__})")
        self._retry_at = self._elapsed() + REDIS_RETRY_SECONDS


def key_of(account: str) -> str:
    """Name the account's hash; the braces keep everything of one account on one node of a cluster."""
    return f"{{{account}}}:throttle"


def _take_arguments(request: TokenRequest) -> list[object]:
    limits = [part for limit in request.limits for part in (limit.count, limit.period, limit.burst or 0)]
    slots = [request.asks[place].slot for place in request.in_turn]
    transactional = sum(not ask.campaign for ask in request.asks)
    return [
        len(request.limits),
        *limits,
        transactional,
        *("" if slot is None else round(slot * SECOND) for slot in slots),
    ]


def _in_order(request: TokenRequest, answers: Sequence[Answer]) -> list[Answer]:
    """Return answers that were given in turn in the order of the asks."""
    by_place = dict(zip(request.in_turn, answers, strict=True))
    return [by_place[place] for place in range(len(request.asks))]


def _answers(request: TokenRequest, reply: Sequence[int]) -> list[Answer]:
    now, *slots = reply
    limited = Reason(ReasonCode.RATE_LIMITED)
    return _in_order(
        request,
        [Wait((slot - now) / SECOND, slot / SECOND, limited) if slot else Granted() for slot in slots],
    )


def _queue(reply: Sequence[int]) -> float:
    now, end = reply
    return max(0.0, (end - now) / SECOND)
