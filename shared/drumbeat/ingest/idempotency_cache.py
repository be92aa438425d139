"""Powertools idempotency in front of the ledger: a repeat that Redis remembers costs no query.

Redis is a fast path, never the judge: whatever goes wrong with it, the ledger's unique key decides.
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

LIFETIME = 6 * 3600  # seconds that a repeat is answered from Redis
IN_PROGRESS = 30_000  # milliseconds: API Gateway waits no longer for an answer
REST = 5.0  # seconds without Redis after it failed, so that its time-outs are not paid by every request
PREFIX = "drumbeat:{once}"

_LOG = logging.getLogger(__name__)


class _Request:
    """Tells Powertools how long a request in progress can last."""

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return IN_PROGRESS


class IdempotencyCache:
    """Runs work once for an arrival, as far as Redis remembers."""

    def __init__(self, redis: LeanRedis, clock: Clock, degraded: Callable[[], None]) -> None:
        self._clock = clock
        self._degraded = degraded
        self._resting_until = 0.0
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
            # The layer is the current one; it warns under its former name.
            store = CachePersistenceLayer(client=redis)  # type: ignore[arg-type]
        config = IdempotencyConfig(expires_after_seconds=LIFETIME, lambda_context=_Request())  # type: ignore[arg-type]
        self._guarded = idempotent_function(
            _run, data_keyword_argument="arrival", persistence_store=store, config=config, key_prefix=PREFIX
        )

    def run(self, arrival: Arrival, work: Callable[[], None]) -> bool:
        """Do the work unless the very same event is known to be recorded; returns whether it was done.

        The same key with another body is another entry: it goes to the ledger, which knows what to say. (The cache
        layer's own payload validation forgets the hash when it saves the result.) Work that raises leaves no entry.
        """
        if self._clock.elapsed() < self._resting_until:
            work()
            return True
        attempt = _Attempt(work)
        try:
            self._guarded(arrival=f"{arrival.id}:{arrival.fingerprint.hex()}", work=attempt)
        except IdempotencyAlreadyInProgressError:
            attempt()  # a copy of the same request is on its way: the ledger sorts them out
        except (BaseError, RedisError, ValueError, KeyError, TypeError) as error:
            if attempt.error is not None:
                raise attempt.error from None
            self._rest(error)
            if not attempt.done:
                attempt()
        return attempt.done

    def _rest(self, error: Exception) -> None:
        self._resting_until = self._clock.elapsed() + REST
        self._degraded()
        _LOG.warning("idempotency_bypassed", extra={"error": type(error).__name__})


class _Attempt:
    """Remembers how the work went, whatever becomes of the entry in Redis afterwards."""

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
