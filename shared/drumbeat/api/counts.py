"""`/v1/counts`: what became of effects hour by hour, for charts."""

from typing import Annotated

from pydantic import Field

from drumbeat.api.access import READ
from drumbeat.api.query import Cursor, Id, Instant, Listed, Whole
from drumbeat.api.response import Answer, reply
from drumbeat.api.routing import ApiRoutes
from drumbeat.services import services
from drumbeat.views import Page, hours
from drumbeat.views.hours import PAGE_ROWS, HourCount

router = ApiRoutes()


class CountQuery(Listed):
    """Which hours are listed."""

    since: Instant | None = None
    until: Instant | None = None
    account: Annotated[str, Field(description="of this account alone")] | None = None
    run: Annotated[Id, Field(description="of this run alone")] | None = None
    cursor: Cursor | None = None
    limit: Annotated[int, Whole("limit", 1, PAGE_ROWS)] = PAGE_ROWS


@router.get("/v1/counts", middlewares=READ)
def list_counts(query: CountQuery) -> Answer[Page[HourCount]]:
    """List hours in which effects came to an end, or to be held or unknown, oldest first: the last 48, or from `since`
    up to `until`, of one `account` or `run`, or of all.
    """
    wanted = hours.HourFilter(query.since, query.until, query.account, query.run)
    return reply(hours.hours(services().db, wanted, cursor=query.cursor, limit=query.limit))
