"""One event over the API."""

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import psycopg

from drumbeat.access.keys import ApiKey
from drumbeat.core.errors import KeyReused, Unauthorized
from drumbeat.core.events import Arrival
from drumbeat.ingest import buffer, recording, request
from drumbeat.ingest.door import CONFLICTS, DEGRADED, Door
from drumbeat.ingest.receipt import RECORDED, Receipt

if TYPE_CHECKING:
    from drumbeat.ingest.idempotency_cache import IdempotencyCache

# What Postgres raises while it is unreachable, full, failing over or read-only. Anything else is an error of ours.
UNREACHABLE = (psycopg.OperationalError, psycopg.InternalError, psycopg.InterfaceError)


class Single:
    """The door for single events."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def ingest(self, body: bytes, *, caller: ApiKey, key: str | None = None, trace: bytes | None = None) -> Receipt:
        """Record one event, or buffer it while the ledger is unreachable; returns only when one of the two is certain.

        A repeat of the same event gives the same id. `key` is the request's Idempotency-Key header, `trace` what
        its `traceparent` says.

        Raises:
            Invalid, TooLarge, Forbidden: the request; see `request.read`.
            KeyReused: the key belongs to another body.
            Unauthorized: the caller's key was revoked, or never made here; while the ledger is unreachable that is
                judged as far as it is known.
            Unavailable: neither ledger nor buffer took it.
        """
        door = self._door
        door.catalog.admit(caller)
        arrival = request.read(
            body, key=key, caller=caller, configured=door.catalog.names(), now=door.services.clock.now()
        )
        if trace is not None:
            arrival = replace(arrival, trace=trace)
        new = False

        def record() -> None:
            nonlocal new
            recorded = recording.record(arrival, door, caller=caller)
            if recorded.fingerprint != arrival.fingerprint:
                door.count(CONFLICTS)
                raise reused(arrival)
            new = recorded.inserted

        try:
            self._cache.run(arrival, caller.id, record)
        except UNREACHABLE:
            return buffer.put([arrival], door, caller=caller)[0]
        except Unauthorized:
            door.catalog.refuse(caller)
            raise
        door.catalog.refresh()
        return Receipt(arrival.id, RECORDED, replayed=not new)

    def prepare(self) -> None:
        """Make what a request needs, with its imports; connects to nothing. Raises what a bad setting does."""
        services = self._door.services
        _ = (services.key_secret, services.db, services.notifier, self._cache)

    @cached_property
    def _cache(self) -> "IdempotencyCache":
        # 85 ms of imports (its package brings boto3): at the start on AWS, else when first used.
        from drumbeat.ingest.idempotency_cache import IdempotencyCache

        services = self._door.services
        return IdempotencyCache(services.redis, services.clock, degraded=lambda: self._door.count(DEGRADED))


def reused(arrival: Arrival) -> KeyReused:
    """Return the error for a key that belongs to another body."""
    return KeyReused(
        f"This idempotency key already belongs to event {arrival.id}, whose body is another one. That event is kept "
        "and unchanged; this body was not stored. Send it with a key of its own if it is a new event.",
        arrival.id,
    )
