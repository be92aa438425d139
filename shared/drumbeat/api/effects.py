"""`/v1/effects`: what was intended, and decisions about what is held."""

from datetime import datetime
from typing import Any

from aws_lambda_powertools.event_handler import Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from drumbeat import views
from drumbeat.api.access import OPERATE, READ
from drumbeat.api.query import body, identifier, limit, query
from drumbeat.api.response import page, reply
from drumbeat.api.routing import Routes
from drumbeat.operations.resolve import Decision, resolve, resolve_held
from drumbeat.services import services
from drumbeat.views.pages import PAGE_SIZE

router = Routes()


class Resolution(BaseModel):
    """A decision about one effect at one version."""

    model_config = ConfigDict(extra="forbid")
    decision: Decision
    reason: str = Field(min_length=1, max_length=500)
    version: int


class HeldResolution(BaseModel):
    """A decision about all effects of a filter that were held at `seenAt` and have not changed since."""

    model_config = ConfigDict(extra="forbid")
    decision: Decision
    reason: str = Field(min_length=1, max_length=500)
    seen_at: AwareDatetime = Field(alias="seenAt")
    account: str | None = None
    cause: str | None = None


@router.get("/v1/effects", middlewares=READ)
def list_effects() -> Response[Any]:
    """List effects, in id order."""
    parameters = query(router, "status", "account", "event", "cursor", "limit")
    wanted = views.EffectFilter(
        status=parameters.get("status"),
        account=parameters.get("account"),
        event=identifier(parameters["event"]) if "event" in parameters else None,
    )
    return page(
        views.effects(services().db, wanted, cursor=parameters.get("cursor"), limit=limit(parameters, PAGE_SIZE))
    )


@router.get("/v1/effects/held", middlewares=READ)
def summarise_held() -> Response[Any]:
    """Summarise what waits for a decision, and at which instant that was so."""
    parameters = query(router, "account")
    return reply(views.held(services().db, parameters.get("account")))


@router.post("/v1/effects/resolve", middlewares=OPERATE)
def resolve_many() -> Response[Any]:
    """Decide about the next chunk of held effects; call again while `left` is true."""
    request = body(router, HeldResolution)
    seen_at: datetime = request.seen_at
    return reply(
        resolve_held(
            request.decision,
            reason=request.reason,
            seen_at=seen_at,
            account=request.account,
            cause=request.cause,
            actor=router.actor,
            services=services(),
        )
    )


@router.post("/v1/effects/<effect_id>/resolve", middlewares=OPERATE)
def resolve_one(effect_id: str) -> Response[Any]:
    """Decide about one held effect; 409 when it moved since the version named."""
    request = body(router, Resolution)
    now = resolve(
        identifier(effect_id),
        request.decision,
        reason=request.reason,
        version=request.version,
        actor=router.actor,
        services=services(),
    )
    return reply({"effectId": now.id, "status": now.status, "version": now.version})
