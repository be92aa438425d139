"""`/v1/events`: what arrived, and what followed from it."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from drumbeat import views
from drumbeat.access.keys import PEOPLE, ApiKey
from drumbeat.api.access import OPERATE, READ
from drumbeat.api.body import Reason
from drumbeat.api.named import EventId, only
from drumbeat.api.query import Instant, Paged, Word
from drumbeat.api.response import Answer, Room, reply
from drumbeat.api.routing import ApiRoutes, refuses
from drumbeat.core.address import keys_of, normalise
from drumbeat.core.compatibility import SEMANTICS
from drumbeat.core.errors import Ambiguous, InvalidAddress, NotFound, Stale
from drumbeat.core.events import EventType
from drumbeat.ingest import parking
from drumbeat.operations.dismissals import Dismissed, dismiss
from drumbeat.services import services
from drumbeat.views import EventItem, Page
from drumbeat.views.timeline import EventStory

router = ApiRoutes()


class Dismissal(BaseModel):
    """Why an event that needs attention is left as it is."""

    model_config = ConfigDict(extra="forbid")
    reason: Reason


class EventQuery(Paged):
    """Which events are listed."""

    type: Annotated[str, Word("type", *EventType)] | None = None
    source: str | None = None
    status: str | None = None
    since: Instant | None = None
    q: Annotated[str, Field(description="an address, the beginning of an id, or a whole key")] | None = None


@router.get("/v1/events", middlewares=READ)
def list_events(query: EventQuery) -> Answer[Page[EventItem]]:
    """List events, newest first. `q`: an address, the beginning of an id, or a whole key. Only who may see persons
    finds events by address or key.
    """
    wanted = filter_of(
        router.caller, type=query.type, source=query.source, status=query.status, since=query.since, q=query.q
    )
    return reply(views.events(services().db, wanted, cursor=query.cursor, limit=query.limit))


@router.get("/v1/events/<event_id>", middlewares=READ)
@refuses(Ambiguous)
def show_event(event_id: str) -> Answer[EventStory]:
    """Show one event with what followed from it; of many effects, the first that fit into an answer."""
    id = only("event", event_id)
    story = views.event(services().db, id, fits=Room()) if id is not None else None
    if story is None:
        raise NotFound(not_recorded(event_id, id))
    return reply(story)


@router.post("/v1/events/<event_id>/dismiss", middlewares=OPERATE)
@refuses(Stale)
def dismiss_event(event_id: EventId, request: Dismissal) -> Answer[Dismissed]:
    """Dismiss one event from attention; 409 when nothing needs it, or an effect is held."""
    return reply(dismiss(event_id, reason=request.reason, actor=router.actor, services=services()))


def filter_of(
    caller: ApiKey,
    *,
    type: str | None = None,
    source: str | None = None,
    status: str | None = None,
    since: datetime | None = None,
    q: str | None = None,
) -> views.EventFilter:
    """Return which events are meant. Raises Invalid, and Forbidden for an address of whom the caller may not see."""
    if "@" in (q or ""):  # an address: an empty list would look as if there were none
        caller.need(PEOPLE)
    return views.EventFilter(
        type=type,
        source=source,
        status=status,
        since=since,
        q=q,
        keys=PEOPLE in caller.scopes,
        contacts=_contacts(q),
    )


def not_recorded(text: str, id: UUID | None) -> str:
    """Say what a text is that names no event."""
    if (parked := id or only("parked event", text)) is not None and parking.is_parked(services(), parked):
        return (
            f"event {text} is parked: its caller's API key was revoked before it could be recorded. It is kept"
            " until `drumbeat parked` releases or discards it"
        )
    effect = id or only("effect", text)
    if effect is not None and (owner := views.event_of_effect(services().db, effect)) is not None:
        return f"{text} is the id of an effect, not of an event. Its event: drumbeat event {owner}"
    return (
        f"no event {text} is recorded. If its receipt said `buffered`, it waits for the ledger; it will be here"
        " within minutes of its return"
    )


def _contacts(text: str | None) -> tuple[bytes, ...]:
    """Return the keys of the person that a text names; none when it is no address."""
    if text is None or "@" not in text:
        return ()
    try:
        return keys_of(services().contact_secret, normalise(text, SEMANTICS)).known
    except InvalidAddress:
        return ()
