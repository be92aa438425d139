"""What the ledger holds of providers' reports, and what was sent to the people whom they are about.

A statement that records a report about a person, or opens an attempt for them, holds the lock of their row until its
commit, so the moments of the commits are the order in which they held it.
"""

from dataclasses import dataclass, field
from typing import Any, Self
from uuid import UUID

import psycopg
from psycopg.rows import class_row

REPORTS = """
    SELECT f.account, f.effect_id AS effect, f.kind, extract(epoch FROM f.at)::float8 AS at, e.contact,
           extract(epoch FROM pg_xact_commit_timestamp(f.xmin))::float8 AS committed
      FROM feedback f LEFT JOIN effects e ON e.id = f.effect_id
"""
ATTEMPTS = """
    SELECT a.effect_id AS mail, e.contact, e.list IS NOT NULL AS marketing,
           extract(epoch FROM pg_xact_commit_timestamp(a.xmin))::float8 AS committed
      FROM attempts a JOIN effects e ON e.id = a.effect_id
     WHERE e.contact IS NOT NULL
"""
STOPPED = """
    SELECT j.effect_id AS mail, e.contact, e.list IS NOT NULL AS marketing,
           extract(epoch FROM pg_xact_commit_timestamp(j.xmin))::float8 AS committed
      FROM journal j JOIN effects e ON e.id = j.effect_id
     WHERE j.to_status = 'cancelled' AND j.reason_code = 'suppressed'
"""
ERASED = """
    SELECT contact, min(extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8)
      FROM suppressions
     WHERE reason = 'erased'
     GROUP BY contact
"""
STATUSES = "SELECT id, status FROM effects WHERE status IN ('waiting', 'claimed', 'sending', 'unknown', 'held')"


@dataclass(frozen=True, slots=True)
class Reported:
    """One report that is kept. All times are in seconds of the epoch; `at`: when it happened."""

    account: str
    effect: UUID | None
    kind: str
    at: float
    contact: bytes | None
    committed: float


@dataclass(frozen=True, slots=True)
class Sending:
    """A mail at the moment when its attempt was opened, or when it was stopped."""

    mail: UUID
    contact: bytes
    marketing: bool
    committed: float


@dataclass
class ReportsLedger:
    """All of it. `open`: what is not at its end, with its status; `erased`: when each person was."""

    reports: list[Reported] = field(default_factory=list)
    attempts: list[Sending] = field(default_factory=list)
    stops: list[Sending] = field(default_factory=list)
    erased: dict[bytes, float] = field(default_factory=dict)
    open: dict[UUID, str] = field(default_factory=dict)

    @classmethod
    def read(cls, url: str) -> Self:
        """Read it as the owner."""
        with psycopg.connect(url, autocommit=True) as owner:
            return cls(
                _rows(owner, Reported, REPORTS),
                _rows(owner, Sending, ATTEMPTS),
                _rows(owner, Sending, STOPPED),
                dict(owner.execute(ERASED).fetchall()),
                dict(owner.execute(STATUSES).fetchall()),
            )


def _rows[T](owner: psycopg.Connection[Any], kind: type[T], query: str) -> list[T]:
    return owner.cursor(row_factory=class_row(kind)).execute(query).fetchall()
