"""`/v1/accounts`: which logins are running, which are paused and why; `/v1/pause` and `/v1/resume`: everything."""

from dataclasses import dataclass

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from drumbeat import views
from drumbeat.api.access import OPERATE, READ
from drumbeat.api.body import Reason
from drumbeat.api.query import Listed
from drumbeat.api.response import Answer, reply
from drumbeat.api.routing import ApiRoutes, refuses
from drumbeat.core.errors import Stale
from drumbeat.core.invariants import Invariant
from drumbeat.ledger import account_states, configs, stops
from drumbeat.ledger.stops import Stop
from drumbeat.operations.stops import Resumed, resume, resume_everything, stop
from drumbeat.services import services
from drumbeat.views import AccountItem, Page
from drumbeat.views.totals import AccountTotals

router = ApiRoutes()


SEEN = "`at` of a stop, or of the answer before: what was stopped after it stays so"


class Pause(BaseModel):
    """Why nothing may be sent."""

    model_config = ConfigDict(extra="forbid")
    reason: Reason


class ResumeAccount(BaseModel):
    """Why an account goes on."""

    model_config = ConfigDict(extra="forbid")
    reason: Reason | None = None
    seen_at: AwareDatetime | None = Field(default=None, alias="seenAt", description=SEEN)


class ResumeAll(BaseModel):
    """Why everything goes on, or what an invariant has stopped."""

    model_config = ConfigDict(extra="forbid")
    reason: Reason
    invariant: Invariant | None = None
    seen_at: AwareDatetime | None = Field(default=None, alias="seenAt", description=SEEN)


@dataclass(frozen=True, slots=True)
class Stops:
    """All stops in force."""

    stops: list[Stop]


@router.get("/v1/accounts", middlewares=READ)
def list_accounts(_: Listed) -> Answer[Page[AccountItem]]:
    """List all accounts with their state and what waits for them."""
    return reply(Page(all_accounts(), None))


@router.post("/v1/accounts/<name>/pause", middlewares=OPERATE)
def pause_account(name: str, request: Pause) -> Answer[Stops]:
    """Stop an account: once this is answered no attempt is opened at it any more. Returns all stops in force."""
    return reply(Stops(stop(name, reason=request.reason, actor=router.actor, services=services())))


@router.post("/v1/accounts/<name>/resume", middlewares=OPERATE)
@refuses(Stale)
def resume_account(name: str, request: ResumeAccount | None) -> Answer[Resumed]:
    """End an account's stop and its pause; call again while `left` is true."""
    reason, seen = (request.reason, request.seen_at) if request else (None, None)
    return reply(resume(name, reason=reason, actor=router.actor, services=services(), seen=seen))


@router.get("/v1/stops", middlewares=READ)
def list_stops(_: Listed) -> Answer[Page[Stop]]:
    """List what is stopped: accounts or everything, by people or by invariants that do not hold."""
    return reply(Page(stops.in_force(services().db), None))


@router.post("/v1/pause", middlewares=OPERATE)
def pause_everything(request: Pause) -> Answer[Stops]:
    """Stop everything: once this is answered no attempt is opened any more. Returns all stops in force."""
    return reply(Stops(stop(None, reason=request.reason, actor=router.actor, services=services())))


@router.post("/v1/resume", middlewares=OPERATE)
@refuses(Stale)
def resume_all(request: ResumeAll) -> Answer[Resumed]:
    """End the stop of everything, or all that an invariant has stopped; call again while `left` is true."""
    return reply(
        resume_everything(
            reason=request.reason,
            actor=router.actor,
            services=services(),
            invariant=request.invariant,
            seen=request.seen_at,
        )
    )


def all_accounts(counted: list[AccountTotals] | None = None) -> list[AccountItem]:
    """Join configuration, ledger and throttle; `counted`: what waits for them, where it is known already."""
    db = services().db
    return views.accounts(
        configs.newest(db),
        views.by_account(db) if counted is None else counted,
        account_states.states(db),
        stops.in_force(db),
        views.recent_reports(db),
        services().throttle,
    )
