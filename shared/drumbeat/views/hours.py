"""What became of effects hour by hour, for charts: each hour was counted as it passed, and nothing counts it again."""

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from drumbeat.core.clock import from_microseconds, microseconds
from drumbeat.core.errors import Invalid
from drumbeat.ledger.database import Database
from drumbeat.views.counts import COUNTED_HOURS
from drumbeat.views.pages import INVALID_CURSOR, Page

WINDOW = timedelta(hours=48)
LONGEST = timedelta(days=366)  # that one question may span
PAGE_ROWS = 2_000  # 30 days of an account, people's and campaigns' effects apart, are 1,440

_CURSOR = re.compile("([0-9]{1,17})-([01])-(.{1,200})", re.ASCII | re.DOTALL)


@dataclass(frozen=True, slots=True)
class HourCount:
    """How many effects of an account came to stand so within the hour that begins then, and how many attempts ended.

    An effect that was sent again counts each time. `campaign`: those that a campaign sends, not what people caused.
    """

    hour: datetime
    account: str
    campaign: bool
    accepted: int
    refused: int
    cancelled: int
    held: int
    unknown: int
    attempts: int


@dataclass(frozen=True, slots=True)
class HourFilter:
    """Which hours: from that of `since` on, up to `until`; None: the last 48. Of one account or run, or of all."""

    since: datetime | None = None
    until: datetime | None = None
    account: str | None = None
    run: UUID | None = None

    def between(self, now: datetime) -> "HourFilter":
        """Return it with both ends. Raises Invalid when they are the wrong way round, or too far apart."""
        until = self.until or now
        try:
            since = self.since or until - WINDOW
        except OverflowError:
            raise Invalid("until is before there were calendars") from None
        if since >= until:
            raise Invalid("since is not before until")
        if until - since > LONGEST:
            raise Invalid(f"since and until are more than {LONGEST.days} days apart; ask for a part of it")
        return replace(self, since=since, until=until)


# What was added up, and what is not yet: in one statement, so that nothing is in both or in neither.
HOURS = f"""
    SELECT hour, account, campaign, sum(accepted)::bigint AS accepted, sum(refused)::bigint AS refused,
           sum(cancelled)::bigint AS cancelled, sum(held)::bigint AS held, sum(unknown)::bigint AS unknown,
           sum(attempts)::bigint AS attempts
      FROM ({COUNTED_HOURS}) AS counts
     WHERE hour >= hour_of(%(since)s) AND hour < %(until)s
       AND (%(account)s::text IS NULL OR account = %(account)s)
       AND (%(run)s::uuid IS NULL OR run = %(run)s)
       AND (%(hour)s::timestamptz IS NULL
            OR (hour, account, campaign) > (%(hour)s, %(after)s::text, %(campaign)s::boolean))
     GROUP BY hour, account, campaign
     ORDER BY hour, account, campaign
     LIMIT %(limit)s
"""  # noqa: S608 - put together from constants
NOW = "SELECT drumbeat_now() AS at"


def hourly(
    db: Database,
    since: datetime,
    until: datetime,
    account: str | None = None,
    *,
    run: UUID | None = None,
) -> list[HourCount]:
    """Return the hours between two instants in which anything came to an end, oldest first; one of none is absent."""
    return _rows(db, HourFilter(since, until, account, run).between(until), None, None)


def hours(db: Database, filter: HourFilter, *, cursor: str | None = None, limit: int = PAGE_ROWS) -> Page[HourCount]:
    """List hours in which anything came to an end, oldest first. Raises Invalid."""
    after = _read(cursor)
    found = _rows(db, filter.between(db.run(NOW)[0]["at"]), after, limit + 1)
    more = found[limit - 1] if len(found) > limit else None
    return Page(
        found[:limit], f"{microseconds(more.hour)}-{more.campaign:d}-{more.account}" if more is not None else None
    )


def _rows(
    db: Database, filter: HourFilter, after: tuple[datetime, bool, str] | None, limit: int | None
) -> list[HourCount]:
    hour, campaign, account = after or (None, None, None)
    parameters = {
        "since": filter.since,
        "until": filter.until,
        "account": filter.account,
        "run": filter.run,
        "hour": hour,
        "campaign": campaign,
        "after": account,
        "limit": limit,
    }
    return [HourCount(**row) for row in db.run(HOURS, parameters)]


def _read(cursor: str | None) -> tuple[datetime, bool, str] | None:
    if cursor is None:
        return None
    if (found := _CURSOR.fullmatch(cursor)) is None:
        raise Invalid(INVALID_CURSOR)
    return from_microseconds(int(found[1])), found[2] == "1", found[3]
