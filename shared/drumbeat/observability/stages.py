"""Which stages use this Redis: each leaves a mark, with which database it works on, for the others to find."""

import hashlib
import json
from contextlib import suppress
from dataclasses import asdict, dataclass

import psycopg
from redis.exceptions import RedisError

from drumbeat.infrastructure.redis import SharedKey
from drumbeat.ledger.database import address
from drumbeat.ledger.identity import identity
from drumbeat.services import Services

MARKS = SharedKey("drumbeat:{stages}")  # a sorted set: mark -> unix time at which it was left
MARK_SECONDS = 2 * 86_400  # a mark that was not left again for this long is forgotten


@dataclass(frozen=True, slots=True)
class Mark:
    """One stage, as it says itself."""

    stage: str
    prefix: str  # of its keys
    address: str  # of its database, hashed: other stages need not know it
    ledger: str  # its database's identity; empty: not known


def our_mark(services: Services) -> Mark:
    """Return the mark of this stage. Raises psycopg.OperationalError."""
    where = address(services.value(services.settings.database_url))
    hashed = hashlib.sha256(where.encode()).hexdigest()[:12]
    return Mark(services.settings.stage, services.redis_prefix, hashed, identity(services.db))


def leave_mark(services: Services) -> None:
    """Say that this stage uses this Redis. Raises nothing: a mark that is missing is missed in `doctor` only."""
    with suppress(RedisError, OSError, psycopg.Error):
        now = services.clock.now().timestamp()
        services.redis.run_all(
            [
                ("ZADD", MARKS, now, json.dumps(asdict(our_mark(services)))),
                ("ZREMRANGEBYSCORE", MARKS, "-inf", now - MARK_SECONDS),
                ("EXPIRE", MARKS, MARK_SECONDS),
            ]
        )


def other_marks(services: Services) -> dict[Mark, float]:
    """Return every other mark with the seconds since it was left. Raises RedisError, OSError, psycopg.OperationalError.

    A mark that this release cannot read is left out.
    """
    now = services.clock.now().timestamp()
    flat = services.redis.run("ZRANGE", MARKS, now - MARK_SECONDS, "+inf", "BYSCORE", "WITHSCORES")
    found: dict[Mark, float] = {}
    for member, left_at in zip(flat[::2], flat[1::2], strict=True):
        with suppress(ValueError, TypeError):
            found[Mark(**json.loads(member))] = now - float(left_at)
    found.pop(our_mark(services), None)
    return found
