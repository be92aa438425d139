"""`/v1/journal`: what happens, as it happens."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from drumbeat import views
from drumbeat.api.access import READ
from drumbeat.api.named import event_id
from drumbeat.api.query import instant, limit, query
from drumbeat.api.response import reply
from drumbeat.api.routing import Routes
from drumbeat.core.errors import Invalid
from drumbeat.services import services
from drumbeat.views.pages import PAGE_SIZE

router = Routes()


@router.get("/v1/journal", middlewares=READ)
def follow() -> Response[Any]:
    """Return what changed its status after a cursor, each change once and in the order of time, and the next cursor.

    There always is one; `behind`: there are more at once, though the page may be empty. Without `after` from `since`
    on, or from now on, which is nothing yet. With `every=true` also what a worker does on the way of each effect.
    """
    parameters = query(router, "after", "since", "account", "event", "every", "limit")
    if (every := parameters.get("every", "false")) not in ("true", "false"):
        raise Invalid("every is true or false")
    if "after" in parameters and "since" in parameters:
        raise Invalid("after and since do not go together: a cursor says where to go on")
    event = event_id(parameters["event"]) if "event" in parameters else None
    return reply(
        views.journal(
            services().db,
            views.JournalFilter(parameters.get("account"), event, every == "true"),
            after=parameters.get("after"),
            since=instant(parameters.get("since")),
            limit=limit(parameters, PAGE_SIZE),
        )
    )
