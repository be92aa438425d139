"""`/v1/parked`: what was buffered for an API key that was revoked meanwhile, and what a person decides about it."""

from typing import Annotated, Any, Literal

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, ConfigDict, Field

from drumbeat.api.access import OPERATE, READ
from drumbeat.api.named import named
from drumbeat.api.query import Reason, body, identifier, limit, listing
from drumbeat.api.response import page, reply
from drumbeat.api.routing import Routes
from drumbeat.core.errors import Invalid
from drumbeat.ingest import parking, parking_sql
from drumbeat.ingest.parking_sql import Choice
from drumbeat.services import services
from drumbeat.views import Page
from drumbeat.views.pages import PAGE_SIZE

router = Routes()


class Decision(BaseModel):
    """Release or discard these events, or all that one API key sent."""

    model_config = ConfigDict(extra="forbid")
    decision: Literal["release", "discard"]
    reason: Reason
    events: Annotated[list[str], Field(min_length=1, max_length=200)] | None = None
    caller: Annotated[str, Field(min_length=1, max_length=40)] | None = None


@router.get("/v1/parked", middlewares=READ)
def list_parked() -> Response[Any]:
    """List what waits for a decision, in the order of ids, without bodies."""
    parameters = listing(router, "cursor", "limit")
    after = identifier(parameters["cursor"]) if "cursor" in parameters else None
    most = limit(parameters, PAGE_SIZE)
    found = parking_sql.listed(services().db, after=after, limit=most + 1)
    return page(Page(found[:most], str(found[most - 1].event_id) if len(found) > most else None))


@router.post("/v1/parked", middlewares=OPERATE)
def decide() -> Response[Any]:
    """Decide about some of them: `left` says how many of those are still to decide about; ask again for them."""
    request = body(router, Decision)
    if (request.events is None) == (request.caller is None):
        raise Invalid("name either events or the caller whose events are meant; nothing was changed")
    events = None if request.events is None else tuple(named("parked event", each) for each in request.events)
    choice = Choice(events, request.caller)
    act = parking.release if request.decision == "release" else parking.discard
    decided = act(choice, reason=request.reason, actor=router.actor, services=services())
    return reply({"decided": decided.decided, "left": decided.left})
