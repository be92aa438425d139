"""The numbers of the first page, asked for again and again while it is open: from Redis, and for ten minutes."""

from datetime import timedelta
from typing import Any

from aws_lambda_powertools.event_handler import Response

from drumbeat.api.routing import Routes
from drumbeat.console.access import Page, follower
from drumbeat.console.now import needs
from drumbeat.core.status import Status
from drumbeat.observability import snapshot
from drumbeat.observability.snapshot import Snapshot
from drumbeat.services import services

router = Routes()

FOLLOWED = timedelta(minutes=10)  # after a page was opened; then it asks for nothing any more
STOP_POLLING = 286  # the status by which htmx 2 ends a poll (htmx's docs, "Polling")


@router.get("/live", middlewares=follower())
def live() -> Response[Any]:
    """Show the numbers of the first page again, from Redis; ten minutes after it was opened for the last time."""
    page: Page = router.context["page"]
    opened = page.query.get("since", "")
    now = services().clock.now().timestamp()
    since = int(opened[:12]) if opened.isdecimal() else 0
    follows = now - since < FOLLOWED.total_seconds()
    known = snapshot.kept(services())
    return page.show(
        "now_live.html",
        "Now",
        status=200 if follows else STOP_POLLING,
        totals={"events": known.events if known else {}},
        accounts=known.accounts if known else [],
        follows=follows,
        changed=known is not None and known.at > since and _needs(known) != page.query.get("seen"),
        seen=page.query.get("seen", ""),
        since=since,
        known=known is not None,
    )


def _needs(known: Snapshot) -> str:
    held = sum(each.effects.get(Status.HELD, 0) for each in known.accounts)
    return needs(held, known.events, known.accounts)
