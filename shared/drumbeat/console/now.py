"""Now: what needs a person, what went out, what holds something back, what comes next."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from aws_lambda_powertools.event_handler import Response

from drumbeat import campaigns, views
from drumbeat.api.accounts import all_accounts
from drumbeat.api.routing import Routes
from drumbeat.console.access import Page, reads
from drumbeat.console.hours import by_hour
from drumbeat.core.runs import RunState
from drumbeat.core.status import Status
from drumbeat.ingest import parking_sql
from drumbeat.ledger import stops
from drumbeat.observability.snapshot import AccountNumbers
from drumbeat.operations import cost_measured
from drumbeat.services import Services, services
from drumbeat.views.hours import HourCount, hourly
from drumbeat.views.reports import complaints_before
from drumbeat.views.run_pages import OPEN_WORD

router = Routes()

CHART = timedelta(hours=48)
USAGE_SECONDS = 1_800  # for which what the last month used is not added up again
CHARTED = ("accepted", "refused", "held")
MOST_RUNS = 50
REFUSED_SINCE = timedelta(hours=24)
MOST_REFUSED = 5  # causes; the page of effects has all
WANTING = (RunState.AWAITING_APPROVAL, RunState.MISSED, RunState.PAUSED)


@router.get("/", middlewares=reads("read"))
def show() -> Response[Any]:
    """Show what a person looks at first."""
    page: Page = router.context["page"]
    db, now = services().db, services().clock.now()
    runs = views.runs(db, views.RunFilter(state=OPEN_WORD), limit=MOST_RUNS).items
    counted = views.by_account(db)
    totals, accounts = views.totals(db, accounts=counted), all_accounts(counted)
    return page.show(
        "now.html",
        "Now",
        stops=stops.in_force(db),
        held=views.groups(db, Status.HELD),
        refused=views.groups(db, Status.REFUSED, since=now - REFUSED_SINCE),
        refused_since=(now - REFUSED_SINCE).isoformat(),
        most_refused=MOST_REFUSED,
        unplannable=views.unplannable(db),
        runs=[run for run in runs if run.state in WANTING and not (run.state == RunState.PAUSED and run.resumes_at)],
        attention=_attention(totals, accounts),
        totals=totals,
        accounts=accounts,
        hours=_hours(hourly(db, now - CHART, now), now),
        campaigns=sorted(campaigns.upcoming(db), key=lambda each: (each.next is None, each.next, each.campaign)),
        usage=_usage(services(), int(now.timestamp()) // USAGE_SECONDS),
        follows=True,
        changed=False,
        seen=needs(totals.effects.get(Status.HELD, 0), totals.events, accounts),
        known=True,
        since=int(now.timestamp()),
        did=page.query.get("did", ""),
    )


def needs(held: int, events: Mapping[str, int], accounts: Iterable[views.AccountItem | AccountNumbers]) -> str:
    """Return what needs a person, in numbers: while they are the same, an open page shows what is so."""
    stopped = sum(each.state == "stopped" for each in accounts)
    return f"{held}.{events.get('attention', 0)}.{stopped}"


@lru_cache(maxsize=1)
def _usage(services: Services, _: int) -> dict[str, object]:
    """Return what a month used and costs: it changes slowly, and takes a while to add up."""
    used = views.usage(services.db)
    load = cost_measured.load_of(
        used.until - used.since,
        events=used.events,
        effects=used.effects,
        awake_seconds=used.awake_seconds,
        ledger_bytes=used.ledger_bytes,
    )
    return {"used": used, "dollars": cost_measured.totals(load)}


def _attention(totals: views.Totals, accounts: Sequence[views.AccountItem]) -> list[dict[str, object]]:
    """Say what else waits for a person, and where it is."""
    complaints = sum(each.reports.get("complained", 0) for each in accounts)
    slope = _slope(accounts) if complaints else ""
    found = [
        (
            totals.events.get("attention", 0),
            "event of the last 24 hours needs attention: for what stands above, another body that came under its key,"
            " or a report that contradicts what was known",
            "events of the last 24 hours need attention: for what stands above, other bodies that came under their"
            " keys, or reports that contradict what was known",
            "/events?status=attention",
            "Which",
        ),
        (
            totals.unplanned,
            "event is recorded and has no plan yet",
            "events are recorded and have no plan yet",
            "/events?status=recorded",
            "Look at them",
        ),
        (
            parking_sql.count(services().db),
            "event came with an API key that was revoked, and waits for a decision",
            "events came with an API key that was revoked, and wait for a decision",
            "/audit#parked",
            "Decide",
        ),
        (
            complaints,
            f"person called a mail spam in the last seven days, and gets no more of lists. {slope}",
            f"people called a mail spam in the last seven days, and get no more of lists. {slope}",
            "/people?suppressed=yes",
            "Who complained, or is suppressed",
        ),
    ]
    return [
        {"count": number, "one": one, "what": many, "path": path, "link": link}
        for number, one, many, path, link in found
        if number
    ]


def _slope(accounts: Sequence[views.AccountItem]) -> str:
    """Say whether complaints become more, and their share of the mails, where deliveries are reported."""
    before = f"In the seven days before there were {complaints_before(services().db):,}."
    reported = [each.reports for each in accounts if each.reports.get("delivered")]
    if not reported:
        return before
    share = 100 * sum(each.get("complained", 0) for each in reported) / sum(each["delivered"] for each in reported)
    # Google, "Email sender guidelines": below 0.10 %, and never 0.30 % or more.
    return f"These are {share:.2f} % of what was delivered; mailboxes want less than 0.1 %. {before}"


def _hours(counts: list[HourCount], now: datetime) -> list[dict[str, object]]:
    """Return the last hours, also those of nothing; nothing at all is no hours."""
    if not counts:
        return []
    last = now.replace(minute=0, second=0, microsecond=0)
    hours = [last - CHART + timedelta(hours=place + 1) for place in range(int(CHART / timedelta(hours=1)))]
    return by_hour(counts, hours, CHARTED)
