"""Audit: what was stopped and let go on, who has keys, whether the ledger keeps its promises."""

import re
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from aws_lambda_powertools.event_handler import Response

from drumbeat.access import sql as stored_keys
from drumbeat.api.query import Whole, identifier
from drumbeat.api.routing import Routes
from drumbeat.api.verification import verified
from drumbeat.console.access import Page, reads
from drumbeat.console.invariants import invariants
from drumbeat.console.lists import older, table
from drumbeat.core.errors import Invalid
from drumbeat.ingest import parking_sql
from drumbeat.ledger import stops
from drumbeat.ledger.stops import StopEntry
from drumbeat.services import services
from drumbeat.views import Page as Items
from drumbeat.views.pages import INVALID_CURSOR

router = Routes()

STOPS_SHOWN, KEYS_SHOWN, PARKED_SHOWN = 25, 200, 25
AT_ONCE_SECONDS = 1.5  # of a request, for chunks of verify
IDS = 2**128
MOST = 2**53
COUNTED = ("events", "effects", "attempts", "found")
_CURSOR = re.compile("[0-9]{1,18}", re.ASCII)


@router.get("/audit", middlewares=reads("read"))
def show() -> Response[Any]:
    """Show what was stopped, what waits for a decision, and who has keys."""
    page, db = _page(), services().db
    journal = _stops(page.query.get("cursor"))
    if page.query.get("format") == "csv":
        return table(page, journal)
    parked = parking_sql.listed(db, after=None, limit=PARKED_SHOWN)
    return page.show(
        "audit.html",
        "Audit",
        invariants=invariants(db),
        journal=journal.items,
        older=older(page, journal.next),
        csv=older(page, page.query.get("cursor"), format="csv"),
        parked=parked,
        parked_in_all=parking_sql.count(db) if len(parked) == PARKED_SHOWN else len(parked),
        keys=stored_keys.listed(db, limit=KEYS_SHOWN) if page.may("operate") else None,
        did=page.query.get("did", ""),
    )


@router.get("/audit/verify", middlewares=reads("read"))
def verify() -> Response[Any]:
    """Verify the next part of the ledger, as much as fits into a request, up to what is found broken.

    What was counted before comes with the address: so it goes on wherever it was left.
    """
    page, begun = _page(), services().clock.elapsed()
    counted = {name: Whole(name, 0, MOST).read(page.query.get(name, "0")) for name in COUNTED}
    after = identifier(page.query["cursor"]) if "cursor" in page.query else None
    while True:
        chunk = verified(after)
        after = chunk.next
        for name in ("events", "effects", "attempts"):
            counted[name] += getattr(chunk.checked, name)
        counted["found"] += len(chunk.items)
        if after is None or chunk.items or services().clock.elapsed() - begun > AT_ONCE_SECONDS:
            break
    return page.show(
        "verify.html",
        "Verify",
        here="audit",
        counted=counted,
        items=chunk.items,
        share=round(_share(after), 1),
        following=f"/audit/verify?{urlencode({'cursor': after, **counted})}" if after is not None else "",
    )


def _page() -> Page:
    asked: Page = router.context["page"]
    return asked


def _stops(cursor: str | None) -> Items[StopEntry]:
    if cursor is not None and not _CURSOR.fullmatch(cursor):
        raise Invalid(INVALID_CURSOR)
    found = stops.journal(services().db, before=int(cursor) if cursor else None, limit=STOPS_SHOWN + 1)
    return Items(found[:STOPS_SHOWN], str(found[STOPS_SHOWN - 1].id) if len(found) > STOPS_SHOWN else None)


def _share(after: UUID | None) -> float:
    """Return how far through the ledger this is, in percent: ids are hashes, spread evenly."""
    return 100.0 if after is None else 100 * after.int / IDS
