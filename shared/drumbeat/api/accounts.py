"""`/v1/accounts`: which logins are running, which are paused and why; `/v1/pause` and `/v1/resume`: everything."""

from typing import Any

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, ConfigDict

from drumbeat import views
from drumbeat.api.access import OPERATE, READ
from drumbeat.api.query import Reason, body, listing
from drumbeat.api.response import reply
from drumbeat.api.routing import Routes
from drumbeat.core.invariants import Invariant
from drumbeat.ledger import account_states, configs, stops
from drumbeat.operations.stops import resume, resume_everything, stop
from drumbeat.services import services

router = Routes()


class Pause(BaseModel):
    """Why nothing may be sent."""

    model_config = ConfigDict(extra="forbid")
    reason: Reason


class ResumeAccount(BaseModel):
    """Why an account goes on."""

    model_config = ConfigDict(extra="forbid")
    reason: Reason | None = None


class ResumeAll(BaseModel):
    """Why everything goes on, or what an invariant has stopped."""

    model_config = ConfigDict(extra="forbid")
    reason: Reason
    invariant: Invariant | None = None


@router.get("/v1/accounts", middlewares=READ)
def list_accounts() -> Response[Any]:
    """List all accounts with their state and what waits for them."""
    listing(router)
    return reply({"items": all_accounts(), "next": None})


@router.post("/v1/accounts/<name>/pause", middlewares=OPERATE)
def pause_account(name: str) -> Response[Any]:
    """Stop an account: once this is answered no attempt is opened at it any more. Returns all stops in force."""
    request = body(router, Pause)
    return reply({"stops": stop(name, reason=request.reason, actor=router.actor, services=services())})


@router.post("/v1/accounts/<name>/resume", middlewares=OPERATE)
def resume_account(name: str) -> Response[Any]:
    """End an account's stop and its pause; call again while `left` is true."""
    request = body(router, ResumeAccount) if router.current_event.body else ResumeAccount()
    return reply(resume(name, reason=request.reason, actor=router.actor, services=services()))


@router.get("/v1/stops", middlewares=READ)
def list_stops() -> Response[Any]:
    """List what is stopped: accounts or everything, by people or by invariants that do not hold."""
    listing(router)
    return reply({"items": stops.in_force(services().db), "next": None})


@router.post("/v1/pause", middlewares=OPERATE)
def pause_everything() -> Response[Any]:
    """Stop everything: once this is answered no attempt is opened any more. Returns all stops in force."""
    request = body(router, Pause)
    return reply({"stops": stop(None, reason=request.reason, actor=router.actor, services=services())})


@router.post("/v1/resume", middlewares=OPERATE)
def resume_all() -> Response[Any]:
    """End the stop of everything, or all that an invariant has stopped; call again while `left` is true."""
    request = body(router, ResumeAll)
    return reply(
        resume_everything(reason=request.reason, actor=router.actor, services=services(), invariant=request.invariant)
    )


def all_accounts() -> list[views.AccountItem]:
    """Join configuration, ledger and throttle."""
    db = services().db
    return views.accounts(
        configs.newest(db),
        views.by_account(db),
        account_states.states(db),
        stops.in_force(db),
        views.recent_reports(db),
        services().throttle,
    )
