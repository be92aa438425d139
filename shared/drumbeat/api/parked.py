"""`/v1/parked`: what was buffered for an API key that was revoked meanwhile, and what a person decides about it."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from drumbeat.api.access import OPERATE, READ
from drumbeat.api.body import Reason
from drumbeat.api.named import named
from drumbeat.api.query import PagedById
from drumbeat.api.response import Answer, reply
from drumbeat.api.routing import ApiRoutes, refuses
from drumbeat.core.errors import Ambiguous, Invalid, NotFound
from drumbeat.ingest import parking, parking_sql
from drumbeat.ingest.parking_sql import Choice, ParkedEvent
from drumbeat.services import services
from drumbeat.views import Page

router = ApiRoutes()


class Decision(BaseModel):
    """Release or discard these events, or all that one API key sent."""

    model_config = ConfigDict(extra="forbid")
    decision: Literal["release", "discard"]
    reason: Reason
    events: Annotated[list[str], Field(min_length=1, max_length=200)] | None = None
    caller: Annotated[str, Field(min_length=1, max_length=40)] | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """How many a decision took, and how many of those it is about are left."""

    decided: int
    left: int


@router.get("/v1/parked", middlewares=READ)
def list_parked(query: PagedById) -> Answer[Page[ParkedEvent]]:
    """List what waits for a decision, in the order of ids, without bodies."""
    most = query.limit
    found = parking_sql.listed(services().db, after=query.cursor, limit=most + 1)
    return reply(Page(found[:most], str(found[most - 1].event_id) if len(found) > most else None))


@router.post("/v1/parked", middlewares=OPERATE)
@refuses(NotFound, Ambiguous)
def decide(request: Decision) -> Answer[Taken]:
    """Decide about some of them: `left` says how many of those are still to decide about; ask again for them."""
    if (request.events is None) == (request.caller is None):
        raise Invalid("name either events or the caller whose events are meant; nothing was changed")
    events = None if request.events is None else tuple(named("parked event", each) for each in request.events)
    choice = Choice(events, request.caller)
    act = parking.release if request.decision == "release" else parking.discard
    decided = act(choice, reason=request.reason, actor=router.actor, services=services())
    return reply(Taken(decided.decided, decided.left))
