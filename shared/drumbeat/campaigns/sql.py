"""What campaigns read from the ledger: which are in force since when, and which firings were recorded."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from drumbeat.core.compatibility import known as known_fields
from drumbeat.core.compatibility import not_understood
from drumbeat.core.configuration import Campaign
from drumbeat.ledger.database import Database


@dataclass(frozen=True, slots=True)
class Since:
    """A campaign of the configuration in force, unchanged since an instant or for longer than was read."""

    campaign: Campaign
    since: datetime


@dataclass(frozen=True, slots=True)
class InForce:
    """The campaigns in force at one instant of the ledger's clock."""

    now: datetime
    campaigns: tuple[Since, ...]


# Every version that was in force at some time of the reach, newest first; a row without a version when there is none.
VERSIONS = """
    SELECT clock.now, configs.applied_at, coalesce(configs.compiled -> 'campaigns', '{}') AS campaigns,
           configs.compiled -> 'must_understand' AS must_understand
      FROM (SELECT drumbeat_now() AS now) AS clock
      LEFT JOIN configs
             ON version >= (SELECT coalesce(max(version), 0)
                              FROM configs
                             WHERE applied_at <= drumbeat_now() - %(reach)s::interval)
     ORDER BY version DESC
"""


def in_force(db: Database, *, reach: timedelta) -> InForce:
    """Read the campaigns in force. Since when each has been is only read as far back as `reach`.

    A version that this release must not act on has none here: its instants are caught up by one that may.
    """
    versions = db.run(VERSIONS, {"reach": reach})
    found: list[Since] = []
    if not_understood(versions[0]["must_understand"]):
        return InForce(versions[0]["now"], ())
    for name, entry in versions[0]["campaigns"].items():
        since = versions[0]["applied_at"]
        for version in versions:
            if version["campaigns"].get(name) != entry:
                break
            since = version["applied_at"]
        found.append(Since(known_fields(Campaign, entry, name=name), since))
    return InForce(versions[0]["now"], tuple(found))


KNOWN = "SELECT id FROM events WHERE id = ANY (%(ids)s)"


def known(db: Database, ids: Collection[UUID]) -> set[UUID]:
    """Return which of these events are recorded."""
    return {row["id"] for row in db.run(KNOWN, {"ids": list(ids)})} if ids else set()
