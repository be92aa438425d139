"""A run: its plan, where its people are, who they are, and what was done with it.

What reads all people of a run stands apart: of many it is asked for by the page that is open already, or by a link.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self
from urllib.parse import urlencode
from uuid import UUID

from aws_lambda_powertools.event_handler import Response

from drumbeat.access.keys import PEOPLE
from drumbeat.api import named
from drumbeat.api.leads import known_keys
from drumbeat.api.routing import Routes
from drumbeat.campaigns import run_story
from drumbeat.campaigns.run_plan import NOT_STARTED
from drumbeat.campaigns.run_story import RunBrief
from drumbeat.console import following
from drumbeat.console.access import Page, reads
from drumbeat.console.campaigns import may_ask
from drumbeat.console.hours import by_hour
from drumbeat.console.lists import older, table
from drumbeat.console.run_bars import bar, words
from drumbeat.core.runs import ENDED, LeftOut, RunState
from drumbeat.core.status import Status
from drumbeat.ledger import stops
from drumbeat.observability import snapshot
from drumbeat.observability.snapshot import Snapshot
from drumbeat.services import services
from drumbeat.views.hours import LONGEST, HourCount, hourly
from drumbeat.views.run_people import ANY, PeopleFilter, people_of_run

router = Routes()

COUNTED_AT_ONCE = 20_000  # people, whom a page reads before it answers
PEOPLE_SHOWN = 50
LOOKED_AT = 2_000  # people, for one page of those with a mail in one status: each mail is looked up
HOUR = timedelta(hours=1)
LONGEST_CHART = timedelta(days=14)  # of a longer one only the hours are shown in which anything ended
CHARTED = ("accepted", "refused", "held", "cancelled")
# What a page may be asked to count.
PROGRESS, PLAN = "progress", "plan"
BEGUN = (RunState.EXPANDING, RunState.RUNNING, RunState.PAUSED, *ENDED)


@dataclass(frozen=True, slots=True)
class Followed:
    """What the open page of a run asks for again and again, and what it has read."""

    path: str
    since: int  # when it was opened, in unix seconds
    seen: str  # of what moves, as it was when it was read
    state: str  # of the run, when it was opened
    accounts: tuple[str, ...]  # of the run
    reads: bool  # its numbers again by itself: of a large run, or one that is no more than planned, it says so only

    @classmethod
    def asked_for(cls, run: UUID, page: Page) -> Self:
        """Read what a page says of itself."""
        query = page.query
        return cls(
            path=path_of(run),
            since=following.opened(page),
            seen=following.seen(page),
            state=query.get("was", ""),
            accounts=tuple(query.get("of", "").split(",")),
            reads=query.get("reads") == "1",
        )

    @property
    def shown(self) -> dict[str, object]:
        """What a template needs of it: where it asks, where its numbers are read again, and whether it does so."""
        opened = {"since": self.since, "was": self.state}
        asks = opened | {"seen": self.seen, "of": ",".join(self.accounts)} | ({"reads": 1} if self.reads else {})
        return {
            "path": self.path,
            "asks": f"{self.path}/live?{urlencode(asks)}",
            "again": f"{self.path}?{urlencode(opened | {'show': PROGRESS})}",
            "reads": self.reads,
        }


@router.get("/runs/<run>", middlewares=reads("read"))
def show(run: str) -> Response[Any]:
    """Show one run, or some of its people."""
    page: Page = router.context["page"]
    known = snapshot.kept(services())  # before the run is read: what moves in between is looked at again
    told = run_story.brief(named.run_id(run), services())
    if page.query.keys() & {"left_out", "status", "people", "lead"}:
        return _people(page, told)
    asked = page.query.get("show", "")
    counts = asked in (PROGRESS, PLAN) or (told.people <= COUNTED_AT_ONCE and told.plan_hash is not None)
    progress = run_story.progress(told, services()) if counts else None
    plan = run_story.plan(told, progress, services()) if progress and asked == PLAN else None
    return page.show(
        "run.html",
        f"Run {str(told.run_id)[:8]} of {told.campaign}",
        here="campaigns",
        run=told,
        progress=progress,
        bars=[bar(each) for each in progress.totals] if progress else None,
        plan=plan,
        not_started=told.state in NOT_STARTED,
        hours=_hours(told),
        stops=[each for each in stops.in_force(services().db) if each.account in (None, *accounts_of(told))],
        may_ask=may_ask(page),
        ended=told.state in ENDED,
        followed=_followed(told, page, known).shown,
        follows=told.state not in ENDED,
        moved=False,
        was=page.query.get("was", told.state),
        did=page.query.get("did", ""),
    )


def _followed(run: RunBrief, page: Page, known: Snapshot | None) -> Followed:
    """Return what the page that is made now is to ask for; it may be one that is open already, and is read again."""
    accounts = tuple(sorted(accounts_of(run)))
    return Followed(
        path=path_of(run.run_id),
        since=following.opened(page) or int(services().clock.now().timestamp()),
        seen=following.digest(known, accounts),
        state=page.query.get("was", run.state),
        accounts=accounts,
        reads=run.state in BEGUN and run.people <= COUNTED_AT_ONCE,
    )


def accounts_of(run: RunBrief) -> set[str]:
    """Name the accounts that a run mails by."""
    return {each.account for each in run.says}


def _people(page: Page, run: RunBrief) -> Response[Any]:
    lead = page.query.get("lead", "").strip()
    if lead:
        page.caller.need(PEOPLE)
    wanted = PeopleFilter(page.query.get("left_out"), page.query.get("status"), keys=known_keys(lead) if lead else None)
    found = people_of_run(
        services().db, run, wanted, cursor=page.query.get("cursor"), limit=PEOPLE_SHOWN, looked_at=LOOKED_AT
    )
    if page.query.get("format") == "csv":
        return table(page, found)
    return page.show(
        "run_people.html",
        f"People of run {str(run.run_id)[:8]}",
        here="campaigns",
        run=run,
        people=found.items,
        why={each.left_out: words(each.left_out) for one in found.items for each in one.steps if each.left_out},
        older=older(page, found.next),
        csv=older(page, page.query.get("cursor"), format="csv"),
        looked_at=LOOKED_AT,
        reasons={ANY: "any reason", **{each.value: words(each) for each in LeftOut}},
        statuses=[each.value for each in Status],
        left_out=page.query.get("left_out", ""),
        is_in=page.query.get("status", ""),
        lead=lead,
    )


def _hours(run: RunBrief) -> list[dict[str, object]]:
    """Return the hours in which mails of a run came to an end, oldest first."""
    begun = next((move.at for move in run.journal if move.to_state in BEGUN), None)
    if begun is None:
        return []
    now = services().clock.now()
    # What was reported of a mail later may have changed it after the run ended; no day of that is looked for here.
    until = min(now, run.updated_at + 25 * HOUR) if run.state in ENDED else now
    since = max(begun, until - LONGEST + HOUR)
    return hours_of(hourly(services().db, since, max(until, since + HOUR), run=run.run_id))


def hours_of(counts: list[HourCount]) -> list[dict[str, object]]:
    """Return the hours from the first to the last in which anything ended; of a long time those alone."""
    if not counts:
        return []
    first, last = counts[0].hour, counts[-1].hour
    if last - first > LONGEST_CHART:
        hours = sorted({each.hour for each in counts})
    else:
        hours = [first + place * HOUR for place in range(int((last - first) / HOUR) + 1)]
    return by_hour(counts, hours, CHARTED)


def path_of(run: UUID) -> str:
    """Return where a run is shown."""
    return f"/runs/{run}"
