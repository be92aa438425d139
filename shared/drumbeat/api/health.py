"""`/healthz` and `/metrics` for monitoring; `/v1/status` and `/v1/usage` for people."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from drumbeat import __version__, campaigns, views
from drumbeat.api.access import READ, require, require_polling
from drumbeat.api.accounts import all_accounts
from drumbeat.api.dead_letters import dead_letters
from drumbeat.api.query import query
from drumbeat.api.response import reply
from drumbeat.api.routing import Routes
from drumbeat.infrastructure.sqs.client import SqsError
from drumbeat.ingest import parking_sql
from drumbeat.ledger import configs, stops
from drumbeat.observability.exposition import exposition
from drumbeat.observability.snapshot import kept
from drumbeat.operations.doctor import connections
from drumbeat.services import services
from drumbeat.views.run_pages import OPEN_WORD
from drumbeat.views.violations import listed_violations

router = Routes()

MAX_MISSED_LISTED = 100
MAX_RUNS_LISTED = 20
EXPOSITION = "text/plain; version=0.0.4; charset=utf-8"


@router.get("/healthz")
def health() -> Response[Any]:
    """Answer that this function runs; with `deep=1` and a key, check what it depends on, too."""
    parameters = query(router, "deep")
    if parameters.get("deep") != "1":
        return reply({"status": "ok", "version": __version__})
    require(router.current_event, "read")
    checks = connections(services())
    ok = all(check.ok for check in checks)
    return reply({"status": "ok" if ok else "failing", "version": __version__, "checks": checks}, 200 if ok else 503)


@router.get("/v1/status", middlewares=READ)
def status() -> Response[Any]:
    """Everything that fits one screen."""
    query(router)
    return reply(
        {
            "configVersion": configs.newest_version(services().db),
            "totals": views.totals(services().db),
            "accounts": all_accounts(),
            "stops": stops.in_force(services().db),
            "violations": listed_violations(services().db),
            "deadLetters": _dead_letters(),
            "campaigns": campaigns.upcoming(services().db),
            "runs": views.runs(services().db, views.RunFilter(state=OPEN_WORD), limit=MAX_RUNS_LISTED).items,
            "parked": parking_sql.count(services().db),
            "missed": campaigns.missed(services().db)[:MAX_MISSED_LISTED],
            "relay": views.pulse(services().due_index, services().clock.now()),
        }
    )


@router.get("/v1/usage", middlewares=READ)
def usage() -> Response[Any]:
    """What the last 30 days used, to work out what they cost."""
    query(router)
    return reply(views.usage(services().db))


@router.get("/metrics")
def metrics() -> Response[Any]:
    """Prometheus text, from Redis alone: a scraper keeps no database awake."""
    require_polling(router.current_event, "read")
    query(router)
    return Response(200, EXPOSITION, exposition(kept(services()), services().clock.now().timestamp()))


def _dead_letters() -> int | None:
    try:
        return dead_letters().count()
    except SqsError:
        return None  # unknown, which is not zero
