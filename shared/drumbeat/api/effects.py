"""`/v1/effects`: what was intended, and what a person decides about it."""

from typing import TYPE_CHECKING, Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from drumbeat import views
from drumbeat.api.access import OPERATE, READ, READ_PEOPLE
from drumbeat.api.body import Reason, Version
from drumbeat.api.named import EffectId, EventId, event_id, only
from drumbeat.api.query import Cursor, Instant, Paged, Query, Word
from drumbeat.api.response import Answer, reply
from drumbeat.api.routing import ApiRoutes, refuses
from drumbeat.core.errors import Ambiguous, Invalid, NotFound, Stale
from drumbeat.core.status import Status
from drumbeat.ledger import legacy
from drumbeat.operations.decisions import DecidedEffect, Decision, Progress, decide, decide_all
from drumbeat.operations.decisions_sql import Selection
from drumbeat.services import services
from drumbeat.views import EffectItem, Page
from drumbeat.views.effect_pages import ID_ORDER, NEWEST_ORDER
from drumbeat.views.totals import EffectGroups

if TYPE_CHECKING:
    from drumbeat.api.sent import Part

router = ApiRoutes()

type Resolution = Literal["resend", "accepted", "drop"]
type StatusWord = Annotated[str, Word("status", *Status)]
type OfAccount = Annotated[str, Field(description="effects of this account")]
type OfEvent = Annotated[EventId, Field(description="effects of this event")]


class EffectQuery(Paged):
    """Which effects are listed."""

    id: Annotated[str, Field(description="an id, or how it begins: four digits or more")] | None = None
    status: StatusWord | None = None
    account: OfAccount | None = None
    event: OfEvent | None = None
    since: Annotated[Instant, Field(description="with `order=newest`: that changed then or later")] | None = None
    order: Annotated[str, Word("order", ID_ORDER, NEWEST_ORDER)] = ID_ORDER


class RequestQuery(Query):
    """Which part of a request is shown."""

    cursor: Cursor | None = None


class HeldQuery(Query):
    """Which held effects are summarised."""

    account: OfAccount | None = None


class GroupsQuery(HeldQuery):
    """Which effects are summarised."""

    status: Annotated[StatusWord, Field(description="has to be there")] | None = None
    event: OfEvent | None = None
    since: Annotated[Instant, Field(description="those that came to it then or later")] | None = None


class One(BaseModel):
    """A decision about one effect at one version."""

    model_config = ConfigDict(extra="forbid")
    reason: Reason
    version: Version


class ResolveOne(One):
    """What to do about a held effect."""

    decision: Resolution


class RedriveOne(One):
    """Send an ended effect again."""

    even_if_sent: bool = Field(default=False, alias="evenIfSent")


class Many(BaseModel):
    """A decision about all effects of a selection that stood so at `seenAt` and have not changed since."""

    model_config = ConfigDict(extra="forbid")
    reason: Reason
    seen_at: AwareDatetime = Field(alias="seenAt")
    account: str | None = None
    event: str | None = None
    cause: str | None = None
    since: AwareDatetime | None = Field(default=None, description="those that came to their status then or later")

    def selection(self, status: Status) -> Selection:
        """Return which effects are meant. Raises Invalid for a cause that does not exist."""
        cause = legacy.cause(self.cause) if self.cause is not None else None
        event = event_id(self.event) if self.event is not None else None
        return Selection((status,), self.seen_at, self.account, event, cause, self.since)


class ResolveMany(Many):
    """What to do about held effects."""

    decision: Resolution


class RedriveMany(Many):
    """Send ended effects again."""

    status: Literal["refused", "cancelled"]
    even_if_sent: bool = Field(default=False, alias="evenIfSent")


@router.get("/v1/effects", middlewares=READ)
@refuses(Ambiguous)
def list_effects(query: EffectQuery) -> Answer[Page[EffectItem]]:
    """List effects in the order of their ids, or with `order=newest` those first that changed their status last.

    `since` an instant goes with that order; its pages may be short, even empty, while there are more: follow `next`.
    """
    found = only("effect", query.id) if query.id is not None else None
    if query.id is not None and found is None:
        return reply(Page([], None))
    wanted = views.EffectFilter(
        id=found,
        status=query.status,
        account=query.account,
        event=query.event,
        since=query.since,
        order=query.order,
    )
    read = views.newest_effects if wanted.order == NEWEST_ORDER else views.effects
    return reply(read(services().db, wanted, cursor=query.cursor, limit=query.limit))


@router.get("/v1/effects/<effect_id>/request", middlewares=READ_PEOPLE)
def show_request(effect_id: EffectId, query: RequestQuery) -> "Answer[Part]":
    """Show the body of what was sent for an effect, to the letter and in parts: follow `next`."""
    from drumbeat.api.sent import part  # reads requests, which few routes need

    kept = views.request(services().db, effect_id)
    shown = part(kept.frozen, kept.hash, query.cursor) if kept else None
    if shown is None:
        raise NotFound(
            f"no request of effect {effect_id} can be shown: there is one from its first attempt until it is pruned."
            " `drumbeat verify` names one whose bytes are not those that were sent"
        )
    return reply(shown)


@router.get("/v1/effects/groups", middlewares=READ)
def summarise(query: GroupsQuery) -> Answer[EffectGroups]:
    """Summarise the effects of one status, and say at which instant that was so."""
    if query.status is None:
        raise Invalid(f"status is one of {', '.join(Status)}")
    found = views.groups(
        services().db, Status(query.status), account=query.account, event=query.event, since=query.since
    )
    return reply(found)


@router.get("/v1/effects/held", middlewares=READ)
def summarise_held(query: HeldQuery) -> Answer[EffectGroups]:
    """Summarise what waits for a decision: the groups of the status `held`."""
    return reply(views.groups(services().db, Status.HELD, account=query.account))


@router.post("/v1/effects/resolve", middlewares=OPERATE)
@refuses(NotFound, Ambiguous)
def resolve_many(request: ResolveMany) -> Answer[Progress]:
    """Decide about the next chunk of held effects; call again while `left` is true."""
    return _decide_all(Decision(request.decision), request, Status.HELD)


@router.post("/v1/effects/redrive", middlewares=OPERATE)
@refuses(NotFound, Ambiguous)
def redrive_many(request: RedriveMany) -> Answer[Progress]:
    """Send the next chunk of ended effects again; call again while `left` is true."""
    return _decide_all(Decision.REDRIVE, request, Status(request.status), even_if_sent=request.even_if_sent)


@router.post("/v1/effects/cancel", middlewares=OPERATE)
@refuses(NotFound, Ambiguous)
def cancel_many(request: Many) -> Answer[Progress]:
    """Cancel the next chunk of waiting effects; call again while `left` is true."""
    return _decide_all(Decision.CANCEL, request, Status.WAITING)


@router.post("/v1/effects/<effect_id>/resolve", middlewares=OPERATE)
@refuses(Stale)
def resolve_one(effect_id: EffectId, request: ResolveOne) -> Answer[DecidedEffect]:
    """Decide about one held effect; 409 when it moved since the version named."""
    return _decide(effect_id, Decision(request.decision), request)


@router.post("/v1/effects/<effect_id>/redrive", middlewares=OPERATE)
@refuses(Stale)
def redrive_one(effect_id: EffectId, request: RedriveOne) -> Answer[DecidedEffect]:
    """Send one ended effect again; 409 when it moved since the version named, or might be done twice."""
    return _decide(effect_id, Decision.REDRIVE, request, even_if_sent=request.even_if_sent)


@router.post("/v1/effects/<effect_id>/cancel", middlewares=OPERATE)
@refuses(Stale)
def cancel_one(effect_id: EffectId, request: One) -> Answer[DecidedEffect]:
    """Cancel one effect that waits or is held; 409 when it moved since the version named, or may be on its way."""
    return _decide(effect_id, Decision.CANCEL, request)


def _decide(id: UUID, decision: Decision, request: One, *, even_if_sent: bool = False) -> Answer[DecidedEffect]:
    return reply(
        decide(
            id,
            decision,
            reason=request.reason,
            version=request.version,
            actor=router.actor,
            services=services(),
            even_if_sent=even_if_sent,
        )
    )


def _decide_all(decision: Decision, request: Many, status: Status, *, even_if_sent: bool = False) -> Answer[Progress]:
    return reply(
        decide_all(
            decision,
            request.selection(status),
            reason=request.reason,
            actor=router.actor,
            services=services(),
            even_if_sent=even_if_sent,
        )
    )
