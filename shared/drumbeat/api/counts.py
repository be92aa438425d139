"""`/v1/counts`: what became of effects hour by hour, for charts."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from drumbeat.api.access import READ
from drumbeat.api.query import identifier, instant, listing, number
from drumbeat.api.response import page
from drumbeat.api.routing import Routes
from drumbeat.services import services
from drumbeat.views import hours

router = Routes()


@router.get("/v1/counts", middlewares=READ)
def list_counts() -> Response[Any]:
    """List hours in which effects came to an end, or to be held or unknown, oldest first: the last 48, or from `since`
    up to `until`, of one `account` or `run`, or of all.
    """
    parameters = listing(router, "since", "until", "account", "run", "cursor", "limit")
    wanted = hours.HourFilter(
        since=instant(parameters.get("since")),
        until=instant(parameters.get("until")),
        account=parameters.get("account"),
        run=identifier(parameters["run"]) if "run" in parameters else None,
    )
    most = number(parameters.get("limit", str(hours.PAGE_ROWS)), least=1, most=hours.PAGE_ROWS, name="limit")
    return page(hours.hours(services().db, wanted, cursor=parameters.get("cursor"), limit=most))
