"""Violations of the invariants from which no person has resumed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from drumbeat.ledger.database import Database

MOST_LISTED = 100

# A subject of which several things are wrong counts once.
OPEN = """
    SELECT invariant, sum(n)::bigint AS n
      FROM (SELECT invariant, max(n) AS n
              FROM violations
             WHERE resumed_at IS NULL
             GROUP BY invariant, subject) AS subjects
     GROUP BY invariant
"""


def open_violations(db: Database) -> Mapping[str, int]:
    """Count them by invariant."""
    return {row["invariant"]: row["n"] for row in db.run(OPEN)}


@dataclass(frozen=True, slots=True)
class OpenViolation:
    """One of them; `account` or `run_id` is what stands still because of it, and neither: everything."""

    invariant: str
    kind: str
    subject: UUID
    facts: Mapping[str, Any]
    n: int
    account: str | None
    run_id: UUID | None
    found_at: datetime


LISTED = """
    SELECT invariant, kind, subject, facts, n, account, run_id, found_at
      FROM violations
     WHERE resumed_at IS NULL
     ORDER BY id DESC
     LIMIT %(most)s
"""


def listed_violations(db: Database, *, most: int = MOST_LISTED) -> list[OpenViolation]:
    """List the newest of them."""
    return [OpenViolation(**row) for row in db.run(LISTED, {"most": most})]
