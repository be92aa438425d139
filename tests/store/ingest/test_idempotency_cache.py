"""Entries of the idempotency cache that are not ours decide nothing."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from redis import Redis

from drumbeat.core import ids
from drumbeat.core.clock import SystemClock
from drumbeat.core.events import Arrival
from drumbeat.infrastructure.redis import LeanRedis
from drumbeat.ingest.idempotency_cache import IdempotencyCache
from tests.store.strange import STRANGE

ARRIVAL = Arrival(ids.event_id("crm", "one"), "crm", "one", "LEAD_CAPTURE", "api", b"f", None, datetime.now(UTC), b"{}")
LATER = 4_000_000_000
CLAIMS = {
    "completed, without a result": {"status": "COMPLETED"},
    "completed with another result": {"status": "COMPLETED", "expiration": LATER, "data": '"sent"'},
    "completed, false": {"status": "COMPLETED", "expiration": LATER, "data": "false"},
    "completed, garbled": {"status": "COMPLETED", "expiration": LATER, "data": "{"},
    "completed, some time": {"status": "COMPLETED", "expiration": "tomorrow", "data": "true"},
    "completed, data is a list": {"status": "COMPLETED", "expiration": LATER, "data": [1]},
    "in progress for ever": {"status": "INPROGRESS", "expiration": LATER},
    "in progress, some time": {"status": "INPROGRESS", "expiration": LATER, "in_progress_expiration": "tomorrow"},
    "unknown": {"status": "SENT"},
    "status is a list": {"status": []},
}


@pytest.fixture
def cache(lean: LeanRedis) -> IdempotencyCache:
    return IdempotencyCache(lean, SystemClock(), degraded=lambda: None)


@pytest.fixture
def key(cache: IdempotencyCache, redis: Redis) -> str:
    """The entry's key, which is empty again."""
    assert cache.run(ARRIVAL, "shop", lambda: None)
    assert not cache.run(ARRIVAL, "shop", lambda: None)
    keys: Any = redis.keys()
    redis.delete(*keys)
    return str(keys[0].decode())


@pytest.mark.point(32)
@pytest.mark.parametrize("kind", STRANGE)
def test_what_another_program_left_there_leaves_the_decision_to_the_ledger(
    cache: IdempotencyCache, key: str, redis: Redis, kind: str
) -> None:
    STRANGE[kind](redis, key)
    asked: list[str] = []

    done = cache.run(ARRIVAL, "shop", lambda: asked.append("the ledger"))

    assert (done, asked) == (True, ["the ledger"])


@pytest.mark.point(32)
@pytest.mark.parametrize("claim", CLAIMS)
def test_an_entry_that_claims_what_we_never_write_leaves_the_decision_to_the_ledger(
    cache: IdempotencyCache, key: str, redis: Redis, claim: str
) -> None:
    redis.set(key, json.dumps(CLAIMS[claim]))
    asked: list[str] = []

    done = cache.run(ARRIVAL, "shop", lambda: asked.append("the ledger"))

    assert (done, asked) == (True, ["the ledger"])


@pytest.mark.parametrize("kind", ["hash", "text"])
def test_what_the_ledger_raises_meanwhile_is_raised(cache: IdempotencyCache, key: str, redis: Redis, kind: str) -> None:
    STRANGE[kind](redis, key)

    def refuse() -> None:
        raise OSError("of the ledger")

    with pytest.raises(OSError, match="of the ledger"):
        cache.run(ARRIVAL, "shop", refuse)
