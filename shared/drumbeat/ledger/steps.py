"""The schema's numbered `.sql` steps, each applied once and remembered in the database.

A step is one transaction under one lock, so that a run may be repeated, doubled or cut at any point. Steps only add
(expand first, contract a release later): the code of the release before goes on working while they run and after.
"""

import hashlib
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources

import psycopg

from drumbeat.core.errors import DrumbeatError

ONE_RUN_AT_A_TIME = 0x6472756D62656174  # "drumbeat"; a transaction's lock: a session's would not survive PgBouncer
LOCK_TIMEOUT_SECONDS = 3  # a step waits no longer for a table: later statements queue behind it
STEP_TRIES = 40  # a second apart: well inside the function's five minutes
STEP_NAME = re.compile(r"(\d{3})_[a-z0-9_]+\.sql")

CREATE_MIGRATIONS = """
    CREATE TABLE IF NOT EXISTS migrations (
        step       integer PRIMARY KEY,
        name       text NOT NULL,
        checksum   bytea NOT NULL,             -- SHA-256 of the file
        applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
"""
APPLIED = "SELECT step, checksum FROM migrations ORDER BY step"
REMEMBER = "INSERT INTO migrations (step, name, checksum) VALUES (%s, %s, %s)"


class MigrationFailed(DrumbeatError):
    """The schema could not be brought up to date; says which step, what still works and what to do."""


@dataclass(frozen=True)
class Step:
    """One numbered file."""

    number: int
    name: str
    sql: bytes

    @property
    def checksum(self) -> bytes:
        """SHA-256 of the file: a step that was applied anywhere must never change again."""
        return hashlib.sha256(self.sql).digest()


def packaged() -> tuple[Step, ...]:
    """Return the steps that this package carries, in order."""
    files = resources.files("drumbeat.ledger") / "migrations"
    return numbered({file.name: file.read_bytes() for file in files.iterdir() if file.name.endswith(".sql")})


def numbered(files: Mapping[str, bytes]) -> tuple[Step, ...]:
    """Turn files into steps. Raises ValueError unless they are called 001_name.sql, 002_name.sql ... without a gap."""
    names = sorted(files)
    for number, name in enumerate(names, start=1):
        match = STEP_NAME.fullmatch(name)
        if match is None or int(match[1]) != number:
            raise ValueError(f"{name} should be step {number:03d}: steps are called 001_name.sql, without a gap")
    return tuple(Step(number, name, files[name]) for number, name in enumerate(names, start=1))


def apply(
    owner: psycopg.Connection,
    steps: Sequence[Step],
    *,
    tries: int = STEP_TRIES,
    pause: Callable[[], None] = lambda: time.sleep(1),
) -> list[str]:
    """Apply the steps that the database lacks and return their names; `owner` is in autocommit mode.

    Safe to repeat and to run twice at once: the second waits and finds nothing to do. A database that is ahead of
    this package (a release was rolled back) is left as it is.

    Raises:
        MigrationFailed: names the step; earlier ones stay applied, the failed one left nothing behind.
    """
    return [step.name for step in steps if _apply_with_retries(owner, step, steps, tries, pause)]


def _apply_with_retries(
    owner: psycopg.Connection, step: Step, steps: Sequence[Step], tries: int, pause: Callable[[], None]
) -> bool:
    """Apply one step unless it is there already, giving way to running statements between tries."""
    for left in range(tries - 1, -1, -1):
        try:
            return _apply(owner, step, steps)
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as error:
            if not left:
                raise _failed(step, "another migration or the tables it changes were busy", tries=tries) from error
            pause()
        except psycopg.Error as error:
            if owner.closed:
                raise MigrationFailed(
                    f"The connection to the database was lost in step {step.name}: it is there as a whole or not at "
                    f"all. Nothing was lost and the version deployed before goes on working. Deploy again to find out."
                ) from error
            raise _failed(step, _short(error)) from error
    raise AssertionError("tries is at least 1")


def _apply(owner: psycopg.Connection, step: Step, steps: Sequence[Step]) -> bool:
    with owner.transaction():
        owner.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_SECONDS}s'")
        owner.execute("SELECT pg_advisory_xact_lock(%s)", [ONE_RUN_AT_A_TIME])
        owner.execute(CREATE_MIGRATIONS)
        known: dict[int, bytes] = dict(owner.execute(APPLIED).fetchall())
        _refuse_drift(known, steps)
        if step.number in known:
            return False
        owner.execute(step.sql)
        owner.execute(REMEMBER, [step.number, step.name, step.checksum])
        return True


def _refuse_drift(known: Mapping[int, bytes], steps: Sequence[Step]) -> None:
    for step in steps:
        if step.number in known and bytes(known[step.number]) != step.checksum:
            raise MigrationFailed(
                f"Step {step.name} is not the file that was applied to this database. Nothing was changed and the "
                f"deployed version goes on working. Put the file back as released and make the change a new step."
            )


def _failed(step: Step, why: str, tries: int = 1) -> MigrationFailed:
    before = f"the schema of step {step.number - 1:03d}" if step.number > 1 else "no tables of Drumbeat"
    return MigrationFailed(
        f"Step {step.name} failed{f' {tries} times' if tries > 1 else ''}: {why}. It was rolled back as a whole: the "
        f"database has {before}, nothing was lost, and the version deployed before goes on working. Remove the cause "
        f"and deploy again (or migrate again): steps that are applied are skipped."
    )


def _short(error: psycopg.Error) -> str:
    """Return Postgres' message without its details: those may quote rows."""
    return error.diag.message_primary or type(error).__name__
