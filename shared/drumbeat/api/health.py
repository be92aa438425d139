"""`/healthz` and `/metrics` for monitoring; `/v1/status` and `/v1/usage` for people."""

from dataclasses import dataclass
from typing import Annotated, Literal

from aws_lambda_powertools.event_handler import Response
from pydantic import Field

from drumbeat import __version__, campaigns, views
from drumbeat.api.access import READ, polled, require
from drumbeat.api.accounts import all_accounts
from drumbeat.api.dead_letters import dead_letters
from drumbeat.api.query import Query
from drumbeat.api.response import Answer, reply
from drumbeat.api.routing import ApiRoutes, refuses
from drumbeat.campaigns.catch_up import Missed
from drumbeat.campaigns.upcoming import Upcoming
from drumbeat.core.errors import Forbidden, Unauthorized
from drumbeat.infrastructure.sqs.client import SqsError
from drumbeat.ingest import parking_sql
from drumbeat.ledger import configs, stops
from drumbeat.ledger.stops import Stop
from drumbeat.observability.exposition import exposition
from drumbeat.observability.snapshot import kept
from drumbeat.operations.checks import Check
from drumbeat.operations.doctor import connections
from drumbeat.services import services
from drumbeat.views import AccountItem, Pulse, RunItem, Totals, UnplannableFlow, Usage
from drumbeat.views.run_pages import OPEN_WORD
from drumbeat.views.violations import OpenViolation, listed_violations

router = ApiRoutes()

MAX_MISSED_LISTED = 100
MAX_RUNS_LISTED = 20
EXPOSITION = "text/plain; version=0.0.4; charset=utf-8"


class HealthQuery(Query):
    """How much is checked."""

    deep: Annotated[str, Field(description="1: check what it depends on, too; needs a key with `read`")] | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """Whether this function runs; `checks`: of what it depends on, where they were asked for."""

    status: str  # ok | failing
    version: str
    checks: list[Check] | None = None


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything that fits one screen."""

    config_version: int | None
    totals: Totals
    accounts: list[AccountItem]
    stops: list[Stop]  # what is stopped, by people or by invariants
    violations: list[OpenViolation]
    unplannable: list[UnplannableFlow]  # of the last 24 hours
    dead_letters: int | None  # None: it is not known
    campaigns: list[Upcoming]
    runs: list[RunItem]  # those that have not ended
    parked: int
    missed: list[Missed]
    relay: Pulse | None


@router.get("/healthz")
@refuses(Unauthorized, Forbidden)
def health(query: HealthQuery) -> Answer[Health, Literal[200, 503]]:
    """Answer that this function runs; with `deep=1` and a key, check what it depends on, too."""
    if query.deep != "1":
        return reply(Health("ok", __version__), 200)
    require(router.current_event, "read")
    checks = connections(services())
    ok = all(check.ok for check in checks)
    return reply(Health("ok" if ok else "failing", __version__, checks), 200 if ok else 503)


@router.get("/v1/status", middlewares=READ)
def status() -> Answer[Overview]:
    """Everything that fits one screen."""
    return reply(
        Overview(
            config_version=configs.newest_version(services().db),
            totals=views.totals(services().db),
            accounts=all_accounts(),
            stops=stops.in_force(services().db),
            violations=listed_violations(services().db),
            unplannable=views.unplannable(services().db),
            dead_letters=_dead_letters(),
            campaigns=campaigns.upcoming(services().db),
            runs=views.runs(services().db, views.RunFilter(state=OPEN_WORD), limit=MAX_RUNS_LISTED).items,
            parked=parking_sql.count(services().db),
            missed=campaigns.missed(services().db)[:MAX_MISSED_LISTED],
            relay=views.pulse(services().due_index, services().clock.now()),
        )
    )


@router.get("/v1/usage", middlewares=READ)
def usage() -> Answer[Usage]:
    """What the last 30 days used, to work out what they cost."""
    return reply(views.usage(services().db))


@router.get("/metrics", middlewares=polled("read"))
def metrics() -> Annotated[Response[str], EXPOSITION]:
    """Prometheus text, from Redis alone: a scraper keeps no database awake."""
    return Response(200, EXPOSITION, exposition(kept(services()), services().clock.now().timestamp()))


def _dead_letters() -> int | None:
    try:
        return dead_letters().count()
    except SqsError:
        return None  # unknown, which is not zero
