"""`/v1/journal`: what happens, as it happens."""

from typing import Annotated

from pydantic import Field

from drumbeat import views
from drumbeat.api.access import READ
from drumbeat.api.named import EventId
from drumbeat.api.query import Instant, Limit, Query, Word
from drumbeat.api.response import Answer, reply
from drumbeat.api.routing import ApiRoutes
from drumbeat.core.errors import Invalid
from drumbeat.services import services
from drumbeat.views.journal_pages import JournalPage
from drumbeat.views.pages import PAGE_SIZE

router = ApiRoutes()


class JournalQuery(Query):
    """Which changes are followed, and from where on."""

    after: Annotated[str, Field(description="`next` of the answer before; without `since`")] | None = None
    since: Instant | None = None
    account: Annotated[str, Field(description="of this account alone")] | None = None
    event: Annotated[EventId, Field(description="of this event alone")] | None = None
    every: Annotated[str, Word("every", "true", "false"), Field(description="what a worker does on the way, too")] = (
        "false"
    )
    limit: Limit = PAGE_SIZE


@router.get("/v1/journal", middlewares=READ)
def follow(query: JournalQuery) -> Answer[JournalPage]:
    """Return what changed its status after a cursor, each change once and in the order of time, and the next cursor.

    There always is one; `behind`: there are more at once, though the page may be empty. Without `after` from `since`
    on, or from now on, which is nothing yet. With `every=true` also what a worker does on the way of each effect.
    """
    if query.after is not None and query.since is not None:
        raise Invalid("after and since do not go together: a cursor says where to go on")
    return reply(
        views.journal(
            services().db,
            views.JournalFilter(query.account, query.event, query.every == "true"),
            after=query.after,
            since=query.since,
            limit=query.limit,
        )
    )
