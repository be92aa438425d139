"""What the other stages on this Redis mean for this one."""

from collections.abc import Iterator, Mapping

import psycopg
from redis.exceptions import RedisError

from drumbeat.observability.stages import Mark, leave_mark, other_marks, our_mark
from drumbeat.operations.checks import Check
from drumbeat.services import Services

NAME = "stages on this Redis"
HOUR_SECONDS = 3600.0


def neighbours(services: Services) -> Iterator[Check]:
    """Check whom this stage shares Redis with: that is harmless, unless a ledger or the keys are shared as well."""
    yield Check("keys in Redis", True, f"begin with {services.redis_prefix}")
    leave_mark(services)
    try:
        ours, others = our_mark(services), other_marks(services)
    except (RedisError, OSError, psycopg.OperationalError) as error:
        yield Check(NAME, False, f"cannot be read ({type(error).__name__})", "check Redis and Postgres, then ask again")
        return
    yield from judge(ours, others)


def judge(ours: Mark, others: Mapping[Mark, float]) -> Iterator[Check]:
    """Judge every other mark, each with the seconds since it was left."""
    found = [check for other, age in others.items() if (check := _judged(ours, other, age)) is not None]
    yield from found or [Check(NAME, True, "no other has been seen for two days")]


def _judged(ours: Mark, other: Mark, age: float) -> Check | None:
    seen = f"seen {age / HOUR_SECONDS:.0f} h ago" if age >= HOUR_SECONDS else "seen within the hour"
    known = bool(ours.ledger and other.ledger)
    same_ledger = known and other.ledger == ours.ledger
    if other.prefix == ours.prefix:
        return _same_keys(seen) if known and not same_ledger else None
    if same_ledger and other.address == ours.address and other.stage != ours.stage:
        return _same_ledger(other.stage, seen)
    notes = [
        "nothing is left to do: their keys are apart. The limits of an account are counted for each stage, so a"
        " provider that both call meets the sum"
    ]
    if other.stage == ours.stage:
        notes.append("if that was this stage, before its secret or its database changed, it disappears after two days")
    if same_ledger:
        notes.append("its database is ours under another name, or a copy: two stages must never work on one")
    return Check(NAME, True, f"stage {other.stage} uses it too, {seen}", "; ".join(notes))


def _same_keys(seen: str) -> Check:
    detail = f"another database has the keys of this stage, {seen}: repeats are answered for what only it has recorded"
    fix = (
        "if the database was restored, upgraded or made anew: remove this stage's keys (docs/operate.md, Redis is"
        " shared). If a second installation has this one's parameters: give it a secret of its own, by `drumbeat init"
        " aws`"
    )
    return Check(NAME, False, detail, fix)


def _same_ledger(stage: str, seen: str) -> Check:
    detail = f"stage {stage}, {seen}, works on the database of this stage"
    fix = (
        "each replaces the other's configuration, and neither knows the other's API keys and suppressions: give one of"
        " them a database of its own, by `drumbeat init aws`"
    )
    return Check(NAME, False, detail, fix)
