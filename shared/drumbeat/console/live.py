"""What an open page asks for again and again: answered from Redis alone, and for ten minutes.

Of the first page these are its numbers; of a run's page whether its numbers are to be read again, which they are then,
once: what has moved kept the database awake anyway.
"""

import json
from datetime import timedelta
from hashlib import blake2b
from typing import Any

from aws_lambda_powertools.event_handler import Response

from drumbeat.api.query import identifier
from drumbeat.api.routing import Routes
from drumbeat.console.access import Page, follower
from drumbeat.console.now import needs
from drumbeat.console.runs import path_of
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
    since, follows = _opened(page)
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
    """Say whether a run may have moved since its page was opened, or was read again."""
    page: Page = router.context["page"]
    since, follows = _opened(page)
    known, seen = snapshot.kept(services()), page.query.get("seen", "")
    reads = page.query.get("reads") == "1"
    moved = known is not None and known.at > since and (now := _moved(known)) != seen
    return page.show(
        "run_live.html",
        "Run",
        status=200 if follows else STOP_POLLING,
        base=path_of(identifier(run)),
        follows=follows,
        moved=moved,
        reads=reads,
        seen=now if moved and reads else seen,
        since=since,
    )


def _opened(page: Page) -> tuple[int, bool]:
    """Return when the page was opened, in unix seconds, and whether it is followed still."""
    said = page.query.get("since", "")
    since = int(said[:12]) if said.isdecimal() else 0
    return since, services().clock.now().timestamp() - since < FOLLOWED.total_seconds()


def _moved(known: Snapshot) -> str:
    """Return a digest of what changes whenever a mail of a run comes to an end, or a run to another state."""
    moving = [known.runs, *((each.account, each.state, each.effects) for each in known.accounts)]
    return blake2b(json.dumps(moving, sort_keys=True).encode(), digest_size=8).hexdigest()


def _needs(known: Snapshot) -> str:
    held = sum(each.effects.get(Status.HELD, 0) for each in known.accounts)
    return needs(held, known.events, known.accounts)
