"""What an open page asks for again and again: answered from Redis alone, and for ten minutes.

Of the first page these are its numbers; of a run's page whether its numbers are to be read again, which they are then,
once: what has moved kept the database awake anyway.
"""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from drumbeat.api.query import identifier
from drumbeat.api.routing import Routes
from drumbeat.console import following
from drumbeat.console.access import Page, follower
from drumbeat.console.following import STOP_POLLING
from drumbeat.console.now import needs
from drumbeat.console.runs import Followed
from drumbeat.core.status import Status
from drumbeat.observability import snapshot
from drumbeat.observability.snapshot import Snapshot
from drumbeat.services import services

router = Routes()


@router.get("/live", middlewares=follower())
def live() -> Response[Any]:
    """Show the numbers of the first page again, from Redis; ten minutes after it was opened for the last time."""
    page: Page = router.context["page"]
    since = following.opened(page)
    follows = following.is_followed(since)
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


@router.get("/runs/<run>/live", middlewares=follower())
def live_run(run: str) -> Response[Any]:
    """Say whether a run may have moved since its page was read."""
    page: Page = router.context["page"]
    followed = Followed.asked_for(identifier(run), page)
    known = following.digest(snapshot.kept(services()), followed.accounts)
    follows = following.is_followed(followed.since)
    return page.show(
        "run_live.html",
        "Run",
        status=200 if follows else STOP_POLLING,
        followed=followed.shown,
        follows=follows,
        ended=False,
        moved=bool(known) and known != followed.seen,
    )


def _needs(known: Snapshot) -> str:
    held = sum(each.effects.get(Status.HELD, 0) for each in known.accounts)
    return needs(held, known.events, known.accounts)
