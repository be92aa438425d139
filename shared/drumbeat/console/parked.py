"""Events that came with an API key which was revoked meanwhile: a person lets them in, or keeps them out."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from drumbeat.api.named import named
from drumbeat.api.routing import Routes
from drumbeat.console.access import Page, changes, reads, see
from drumbeat.core.errors import Invalid
from drumbeat.ingest import parking, parking_sql
from drumbeat.ingest.parking_sql import Choice
from drumbeat.services import services

router = Routes()

MOST_CHUNKS = 20
ACTS = {"release": parking.release, "discard": parking.discard}


@router.get("/audit/parked", middlewares=reads("read", "operate"))
def ask() -> Response[Any]:
    """Say how many are meant, and ask what becomes of them."""
    page = _page()
    choice = _choice(page.query.get("event"), page.query.get("caller"))
    return page.show(
        "parked.html",
        "Parked events",
        here="audit",
        events=parking_sql.count(services().db, choice),
        event=str(choice.events[0]) if choice.events else "",
        caller=choice.caller or "",
    )


@router.post("/audit/parked", middlewares=changes("operate"))
def decide() -> Response[Any]:
    """Decide about them, as far as this request lasts."""
    page = _page()
    choice = _choice(page.form.get("event"), page.form.get("caller"))
    if (decision := page.form.get("decision", "")) not in ACTS:
        raise Invalid("Say whether they are released or discarded. Nothing was changed.")
    for _ in range(MOST_CHUNKS):
        decided = ACTS[decision](choice, reason=page.reason, actor=page.actor, services=services())
        if not decided.left or not decided.decided:
            break
    return see(f"/audit?did={decision}#parked")


def _page() -> Page:
    asked: Page = router.context["page"]
    return asked


def _choice(event: str | None, caller: str | None) -> Choice:
    """Read which are meant: one, or all that one API key sent. Raises Invalid."""
    if bool(event) == bool(caller):
        raise Invalid("Name either one event or the API key whose events are meant. Nothing was changed.")
    return Choice((named("parked event", event),)) if event else Choice(caller=caller)
