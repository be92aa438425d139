"""What the ledger holds of a newsletter, with the moment of each commit.

An opening locks the row of its person and then that of its run until it commits; a withdrawal, a suppression and a
bounce lock the first, a pause the second. So the moments of the commits are the order in which they held it.
"""

from dataclasses import dataclass, field
from typing import Any, Self
from uuid import UUID

import psycopg
from psycopg.rows import class_row

MAILS = """
    SELECT id, event_id AS run, contact, status, reason_code AS reason,
           EXISTS (SELECT FROM attempts WHERE attempts.effect_id = effects.id) AS tried
      FROM effects
     WHERE of_run
"""
OUT = """
    SELECT run_id AS run, contact, coalesce(left_since, left_out) AS reasons
      FROM recipients
     WHERE left_out IS NOT NULL OR left_since IS NOT NULL
"""
ATTEMPTS = """
    SELECT a.effect_id AS mail, e.event_id AS run, e.contact, extract(epoch FROM a.opened_at)::float8 AS opened,
           extract(epoch FROM pg_xact_commit_timestamp(a.xmin))::float8 AS committed
      FROM attempts a JOIN effects e ON e.id = a.effect_id
     WHERE e.of_run
"""
LEAVINGS = """
    SELECT contact, 'no_consent' AS reason, extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8 AS committed
      FROM consents
     WHERE kind = 'withdrawn' AND list IN ('letter', '*')
     UNION ALL
    SELECT contact, 'suppressed', extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8
      FROM suppressions
     WHERE NOT lifted
     UNION ALL
    SELECT e.contact, 'suppressed', extract(epoch FROM pg_xact_commit_timestamp(f.xmin))::float8
      FROM feedback f JOIN effects e ON e.id = f.effect_id
     WHERE f.kind = 'bounced'
"""
MOVES = """
    SELECT run_id AS run, to_state AS state, extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8 AS committed
      FROM run_journal
     ORDER BY run_id, seq
"""


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail of a run. `tried`: an attempt of it was opened."""

    id: UUID
    run: UUID
    contact: bytes
    status: str
    reason: str | None
    tried: bool


@dataclass(frozen=True, slots=True)
class Out:
    """A person who was left out of a run, and why: a reason for each of its steps."""

    run: UUID
    contact: bytes
    reasons: list[str | None]


@dataclass(frozen=True, slots=True)
class Attempt:
    """An opened attempt. All times are in seconds of the epoch."""

    mail: UUID
    run: UUID
    contact: bytes
    opened: float
    committed: float


@dataclass(frozen=True, slots=True)
class Leaving:
    """A person who must not be mailed any more, why, and since which commit."""

    contact: bytes
    reason: str
    committed: float


@dataclass(frozen=True, slots=True)
class Move:
    """A run that came into a state."""

    run: UUID
    state: str
    committed: float


@dataclass
class RunsLedger:
    """All of it."""

    mails: list[Mail] = field(default_factory=list)
    out: list[Out] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    leavings: list[Leaving] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)

    @classmethod
    def read(cls, url: str) -> Self:
        """Read it as the owner."""
        with psycopg.connect(url, autocommit=True) as owner:
            return cls(
                _rows(owner, Mail, MAILS),
                _rows(owner, Out, OUT),
                _rows(owner, Attempt, ATTEMPTS),
                _rows(owner, Leaving, LEAVINGS),
                _rows(owner, Move, MOVES),
            )


def _rows[T](owner: psycopg.Connection[Any], kind: type[T], query: str) -> list[T]:
    return owner.cursor(row_factory=class_row(kind)).execute(query).fetchall()
