"""Powertools idempotency in front of the ledger: a repeat that Redis remembers costs no query.

Redis is a fast path only: whatever goes wrong with it, the ledger's unique key decides.
"""

import logging
import warnings
from collections.abc import Callable

from aws_lambda_powertools.utilities.idempotency import IdempotencyConfig, idempotent_function
from aws_lambda_powertools.utilities.idempotency.exceptions import BaseError, IdempotencyAlreadyInProgressError
from aws_lambda_powertools.utilities.idempotency.persistence.cache import CachePersistenceLayer
from redis.exceptions import RedisError

from drumbeat.core.clock import Clock
from drumbeat.core.events import Arrival
from drumbeat.infrastructure.redis import LeanRedis

ENTRY_SECONDS = 6 * 3600  # a repeat is answered from Redis for this long
IN_PROGRESS_MILLISECONDS = 30_000  # API Gateway waits no longer for an answer
BYPASS_SECONDS = (
    5.0  # after a failure Redis is bypassed for this long, so that not every request waits for its time-out
)
PREFIX = "{once}"

# What reading an entry raises that is missing, is not ours, or was never answered.
FAILURES = (BaseError, RedisError, OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError)

_LOG = logging.getLogger(__name__)


class _Request:
    """Gives Powertools the time that a request in progress can last."""

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return IN_PROGRESS_MILLISECONDS


class IdempotencyCache:
    """Runs work once for an arrival, as far as Redis remembers."""

    def __init__(self, redis: LeanRedis, clock: Clock, degraded: Callable[[], None]) -> None:
        self._clock = clock
        self._degraded = degraded
        self._bypassed_until = 0.0
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
            # The layer is the current one; it warns under its former name.
            store = CachePersistenceLayer(client=redis)  # type: ignore[arg-type]
        config = IdempotencyConfig(expires_after_seconds=ENTRY_SECONDS, lambda_context=_Request())  # type: ignore[arg-type]
        self._guarded = idempotent_function(
            _run, data_keyword_argument="arrival", persistence_store=store, config=config, key_prefix=PREFIX
        )

    def run(self, arrival: Arrival, caller: str, work: Callable[[], None]) -> bool:
        """Do the work unless this event of this caller is known to be recorded; returns whether it was done.

        An entry says nothing about another caller's right to send. The same key with another body is another entry: it
        goes to the ledger, which decides. (The cache layer's own payload validation forgets the hash when it saves the
        result.) Work that raises leaves no entry.
        """
        if self._clock.elapsed() < self._bypassed_until:
            work()
            return True
        attempt = _Attempt(work)
        try:
            result = self._guarded(arrival=f"{arrival.id}:{arrival.fingerprint.hex()}:{caller}", work=attempt)
            if result is not True:
                attempt()  # another program's entry: it says nothing about our event
        except IdempotencyAlreadyInProgressError:
            attempt()  # a copy of the same request is in progress: the ledger decides between them
        except FAILURES as error:
            if attempt.error is not None:
                raise attempt.error from None
            self._bypass(error)
            if not attempt.done:
                attempt()
        return attempt.done

    def _bypass(self, error: Exception) -> None:
        self._bypassed_until = self._clock.elapsed() + BYPASS_SECONDS
        self._degraded()
        _LOG.warning("idempotency_bypassed", extra={"error": type(error).__name__})


class _Attempt:
    """Remembers the result of the work, whatever happens to the entry in Redis afterwards."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self.done = False
        self.error: Exception | None = None

    def __call__(self) -> None:
        try:
            self._work()
        except Exception as error:
            self.error = error
            raise
        self.done = True


def _run(*, arrival: str, work: Callable[[], None]) -> bool:  # noqa: ARG001 - the entry's name
    work()
    return True
