"""What campaigns read from the ledger: which versions were in force when, and which firings were recorded."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from drumbeat.core.compatibility import not_understood
from drumbeat.ledger.database import Database


@dataclass(frozen=True, slots=True)
class Version:
    """The campaigns of one configuration version, as compiled, and when it was applied."""

    applied_at: datetime
    campaigns: Mapping[str, Mapping[str, Any]]


# Every version that was in force at some time of the reach; a row without a version when there is none.
VERSIONS = """
    SELECT clock.now, configs.applied_at, coalesce(configs.compiled -> 'campaigns', '{}') AS campaigns,
           configs.compiled -> 'must_understand' AS must_understand
      FROM (SELECT drumbeat_now() AS now) AS clock
      LEFT JOIN configs
             ON version >= (SELECT coalesce(max(version), 0)
                              FROM configs
                             WHERE applied_at <= drumbeat_now() - %(reach)s::interval)
     ORDER BY version
"""


def versions(db: Database, *, reach: timedelta) -> tuple[datetime, list[Version]]:
    """Return the ledger's now, and the versions that were in force at some time of the reach, oldest first.

    A version that this release must not act on has no campaigns here: its instants are caught up by one that may.
    """
    rows = db.run(VERSIONS, {"reach": reach})
    found = [
        Version(row["applied_at"], {} if not_understood(row["must_understand"]) else row["campaigns"])
        for row in rows
        if row["applied_at"] is not None
    ]
    return rows[0]["now"], found


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """What is recorded under a firing's id: the firing itself, or what another sent under its key."""

    fingerprint: bytes
    door: str


KNOWN = "SELECT id, fingerprint, door FROM events WHERE id = ANY (%(ids)s)"


def known(db: Database, ids: Collection[UUID]) -> dict[UUID, RecordedEvent]:
    """Return those of these events that are recorded."""
    rows = db.run(KNOWN, {"ids": list(ids)}) if ids else []
    return {row["id"]: RecordedEvent(row["fingerprint"], row["door"]) for row in rows}
