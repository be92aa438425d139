"""Lists of runs, a page at a time, newest first."""

import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from drumbeat.core.clock import from_microseconds, microseconds
from drumbeat.core.errors import Invalid
from drumbeat.core.runs import RunState
from drumbeat.ledger.database import Database
from drumbeat.views.pages import INVALID_CURSOR, PAGE_SIZE, Page, one_of

OPEN = (
    RunState.PLANNED,
    RunState.AWAITING_APPROVAL,
    RunState.EXPANDING,
    RunState.RUNNING,
    RunState.PAUSED,
    RunState.MISSED,
)
OPEN_WORD = "open"  # as a state in a filter: any of these

_CURSOR = re.compile("([0-9]{1,17})-([0-9a-f]{32})", re.ASCII)
_ID_BEGINS = re.compile("[0-9a-f]{4,32}", re.ASCII)


@dataclass(frozen=True, slots=True)
class RunItem:
    """One run in a list. `version` is what a decision about it names; `people`: of its audience, so far."""

    run_id: UUID
    campaign: str
    state: str
    version: int
    config_version: int
    reason_code: str | None
    reason_detail: str | None
    resumes_at: datetime | None
    starts: bool  # false: a plan to look at, that no person has started
    approved: bool
    planned: bool  # all its people are recorded
    people: int
    scheduled_at: datetime | None
    created_at: datetime
    created_by: str
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs; None leaves a field open. `q`: how an id begins, at least four digits of it."""

    campaign: str | None = None
    state: str | None = None
    q: str | None = None

    def __post_init__(self) -> None:
        """Refuse what no run can have: an empty answer would look like "there are none"."""
        one_of("state", self.state, (*RunState, OPEN_WORD))
        if self.q is not None and not _ID_BEGINS.fullmatch(self.q.replace("-", "").lower()):
            raise Invalid("q takes the beginning of a run's id, at least four digits of it")

    @property
    def states(self) -> list[str] | None:
        """The states that are meant; None: any."""
        if self.state is None:
            return None
        return [state.value for state in OPEN] if self.state == OPEN_WORD else [self.state]


RUNS = """
    SELECT runs.id AS run_id, runs.campaign, runs.state, runs.seq AS version, runs.version AS config_version,
           runs.reason_code, runs.reason_detail, runs.resumes_at, runs.starts, approvals.run_id IS NOT NULL AS approved,
           plans.event_id IS NOT NULL AS planned, progress.matched AS people, runs.starts_at AS scheduled_at,
           runs.created_at, runs.created_by, runs.updated_at
      FROM runs
      JOIN run_progress progress ON progress.run_id = runs.id
      LEFT JOIN plans ON plans.event_id = runs.id
      LEFT JOIN approvals ON approvals.run_id = runs.id
     WHERE (%(campaign)s::text IS NULL OR runs.campaign = %(campaign)s)
       AND (%(states)s::text[] IS NULL OR runs.state = ANY (%(states)s))
       AND (%(first)s::uuid IS NULL OR runs.id BETWEEN %(first)s AND %(last)s)
       AND (%(at)s::timestamptz IS NULL OR (runs.created_at, runs.id) < (%(at)s, %(id)s::uuid))
     ORDER BY runs.created_at DESC, runs.id DESC
     LIMIT %(limit)s
"""


def runs(db: Database, filter: RunFilter, *, cursor: str | None = None, limit: int = PAGE_SIZE) -> Page[RunItem]:
    """List runs, newest first. Raises Invalid for a cursor that is not valid."""
    at, id = _read(cursor)
    digits = filter.q.replace("-", "").lower() if filter.q is not None else None
    rows = db.run(
        RUNS,
        {
            "campaign": filter.campaign,
            "states": filter.states,
            "first": digits and UUID(digits.ljust(32, "0")),
            "last": digits and UUID(digits.ljust(32, "f")),
            "at": at,
            "id": id,
            "limit": limit + 1,
        },
    )
    items = [RunItem(**row) for row in rows[:limit]]
    more = len(rows) > limit
    return Page(items, f"{microseconds(items[-1].created_at)}-{items[-1].run_id.hex}" if more else None)


def _read(cursor: str | None) -> tuple[datetime | None, UUID | None]:
    if cursor is None:
        return None, None
    if (found := _CURSOR.fullmatch(cursor)) is None:
        raise Invalid(INVALID_CURSOR)
    return from_microseconds(int(found[1])), UUID(found[2])


NEWEST = """
    SELECT DISTINCT ON (campaign) campaign, id, state, created_at
      FROM unnest(%(names)s::text[]) AS wanted (name)
     CROSS JOIN LATERAL (SELECT campaign, id, state, created_at
                           FROM runs
                          WHERE runs.campaign = wanted.name
                          ORDER BY created_at DESC, id DESC
                          LIMIT 1) AS newest
     ORDER BY campaign
"""


@dataclass(frozen=True, slots=True)
class NewestRun:
    """The newest run of a campaign."""

    run_id: UUID
    state: str
    created_at: datetime


def newest(db: Database, campaigns: list[str]) -> dict[str, NewestRun]:
    """Return the newest run of each of these campaigns that has one."""
    rows = db.run(NEWEST, {"names": campaigns})
    return {row["campaign"]: NewestRun(row["id"], row["state"], row["created_at"]) for row in rows}
