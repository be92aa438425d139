"""`/v1/effects`: what was intended, and what a person decides about it."""

from typing import Any, Literal
from uuid import UUID

from aws_lambda_powertools.event_handler import Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from drumbeat import views
from drumbeat.api.access import OPERATE, READ, READ_PEOPLE
from drumbeat.api.named import effect_id as named_effect
from drumbeat.api.named import event_id as named_event
from drumbeat.api.named import only
from drumbeat.api.query import Reason, Version, body, instant, limit, listing, query
from drumbeat.api.response import page, reply
from drumbeat.api.routing import Routes
from drumbeat.core.errors import Invalid, NotFound
from drumbeat.core.status import Status
from drumbeat.ledger import legacy
from drumbeat.operations.decisions import Decision, decide, decide_all
from drumbeat.operations.decisions_sql import Selection
from drumbeat.services import services
from drumbeat.views.effect_pages import ID_ORDER, NEWEST_ORDER
from drumbeat.views.pages import PAGE_SIZE

router = Routes()

type Resolution = Literal["resend", "accepted", "drop"]


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

    def selection(self, status: Status) -> Selection:
        """Return which effects are meant. Raises Invalid for a cause that does not exist."""
        cause = legacy.cause(self.cause) if self.cause is not None else None
        return Selection((status,), self.seen_at, self.account, _event(self.event), cause)


class ResolveMany(Many):
    """What to do about held effects."""

    decision: Resolution


class RedriveMany(Many):
    """Send ended effects again."""

    status: Literal["refused", "cancelled"]
    even_if_sent: bool = Field(default=False, alias="evenIfSent")


@router.get("/v1/effects", middlewares=READ)
def list_effects() -> Response[Any]:
    """List effects in the order of their ids, or with `order=newest` those first that changed their status last.

    `since` an instant goes with that order; its pages may be short, even empty, while there are more: follow `next`.
    """
    parameters = listing(router, "id", "status", "account", "event", "since", "order", "cursor", "limit")
    id = parameters.get("id")
    found = only("effect", id) if id is not None else None
    if id is not None and found is None:
        return page(views.Page([], None))
    wanted = views.EffectFilter(
        id=found,
        status=parameters.get("status"),
        account=parameters.get("account"),
        event=_event(parameters.get("event")),
        since=instant(parameters.get("since")),
        order=parameters.get("order", ID_ORDER),
    )
    read = views.newest_effects if wanted.order == NEWEST_ORDER else views.effects
    return page(read(services().db, wanted, cursor=parameters.get("cursor"), limit=limit(parameters, PAGE_SIZE)))


@router.get("/v1/effects/<effect_id>/request", middlewares=READ_PEOPLE)
def show_request(effect_id: str) -> Response[Any]:
    """Show the body of what was sent for an effect, to the letter and in parts: follow `next`."""
    from drumbeat.api.sent import part  # reads requests, which few routes need

    parameters = query(router, "cursor")
    kept = views.request(services().db, named_effect(effect_id))
    shown = part(kept.frozen, kept.hash, parameters.get("cursor")) if kept else None
    if shown is None:
        raise NotFound(
            f"no request of effect {effect_id} can be shown: there is one from its first attempt until it is pruned."
            " `drumbeat verify` names one whose bytes are not those that were sent"
        )
    return reply(shown)


@router.get("/v1/effects/groups", middlewares=READ)
def summarise() -> Response[Any]:
    """Summarise the effects of one status, and say at which instant that was so."""
    parameters = query(router, "status", "account", "event")
    try:
        status = Status(parameters.get("status", ""))
    except ValueError:
        raise Invalid(f"status is one of {', '.join(Status)}") from None
    event = _event(parameters.get("event"))
    return reply(views.groups(services().db, status, account=parameters.get("account"), event=event))


@router.get("/v1/effects/held", middlewares=READ)
def summarise_held() -> Response[Any]:
    """Summarise what waits for a decision: the groups of the status `held`."""
    parameters = query(router, "account")
    return reply(views.groups(services().db, Status.HELD, account=parameters.get("account")))


@router.post("/v1/effects/resolve", middlewares=OPERATE)
def resolve_many() -> Response[Any]:
    """Decide about the next chunk of held effects; call again while `left` is true."""
    request = body(router, ResolveMany)
    return _decide_all(Decision(request.decision), request, Status.HELD)


@router.post("/v1/effects/redrive", middlewares=OPERATE)
def redrive_many() -> Response[Any]:
    """Send the next chunk of ended effects again; call again while `left` is true."""
    request = body(router, RedriveMany)
    return _decide_all(Decision.REDRIVE, request, Status(request.status), even_if_sent=request.even_if_sent)


@router.post("/v1/effects/cancel", middlewares=OPERATE)
def cancel_many() -> Response[Any]:
    """Cancel the next chunk of waiting effects; call again while `left` is true."""
    return _decide_all(Decision.CANCEL, body(router, Many), Status.WAITING)


@router.post("/v1/effects/<effect_id>/resolve", middlewares=OPERATE)
def resolve_one(effect_id: str) -> Response[Any]:
    """Decide about one held effect; 409 when it moved since the version named."""
    request = body(router, ResolveOne)
    return _decide(effect_id, Decision(request.decision), request)


@router.post("/v1/effects/<effect_id>/redrive", middlewares=OPERATE)
def redrive_one(effect_id: str) -> Response[Any]:
    """Send one ended effect again; 409 when it moved since the version named, or might be done twice."""
    request = body(router, RedriveOne)
    return _decide(effect_id, Decision.REDRIVE, request, even_if_sent=request.even_if_sent)


@router.post("/v1/effects/<effect_id>/cancel", middlewares=OPERATE)
def cancel_one(effect_id: str) -> Response[Any]:
    """Cancel one effect that waits or is held; 409 when it moved since the version named, or may be on its way."""
    return _decide(effect_id, Decision.CANCEL, body(router, One))


def _decide(effect_id: str, decision: Decision, request: One, *, even_if_sent: bool = False) -> Response[Any]:
    return reply(
        decide(
            named_effect(effect_id),
            decision,
            reason=request.reason,
            version=request.version,
            actor=router.actor,
            services=services(),
            even_if_sent=even_if_sent,
        )
    )


def _decide_all(decision: Decision, request: Many, status: Status, *, even_if_sent: bool = False) -> Response[Any]:
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


def _event(text: str | None) -> UUID | None:
    return named_event(text) if text is not None else None
