"""`/v1/runs`: campaigns that were fired for an audience: where each person is, and what a person decides about them."""

import re
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, ConfigDict, Field

from drumbeat import views
from drumbeat.api import named
from drumbeat.api.access import OPERATE, SEE_RUNS
from drumbeat.api.query import Reason, Version, body, limit, listing, query
from drumbeat.api.response import page, reply
from drumbeat.api.routing import Routes
from drumbeat.campaigns.run_story import RunStory, story
from drumbeat.core.errors import Invalid, NotFound
from drumbeat.runs import control, missing
from drumbeat.services import services
from drumbeat.views.pages import PAGE_SIZE
from drumbeat.views.run_people import PeopleFilter, people_of_run
from drumbeat.views.run_story import run_head

router = Routes()

_FOR = re.compile("([1-9][0-9]{0,4})(m|h|d)", re.ASCII)
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
LONGEST_PAUSE = timedelta(days=30)


class Decision(BaseModel):
    """What a person decides about a run, and why; at one version of it, if they say so."""

    model_config = ConfigDict(extra="forbid", strict=True)
    reason: Reason
    version: Version | None = None


class Pause(Decision):
    """Pause a run, perhaps only for a while, such as 2h."""

    lasts: str | None = Field(default=None, alias="for")


class SendMissing(BaseModel):
    """Count those who did not get it; with `send`, send to them if they are as many as `expect`."""

    model_config = ConfigDict(extra="forbid", strict=True)
    send: bool = False
    expect: Annotated[int, Field(ge=0)] | None = None
    reason: Reason | None = None


class Approval(BaseModel):
    """The plan that a person has looked at."""

    model_config = ConfigDict(extra="forbid", strict=True)
    hash: str


@router.get("/v1/runs", middlewares=SEE_RUNS)
def list_runs() -> Response[Any]:
    """List runs, newest first. `state`: one, or `open`; `q`: how an id begins."""
    parameters = listing(router, "campaign", "state", "q", "cursor", "limit")
    wanted = views.RunFilter(parameters.get("campaign"), parameters.get("state"), parameters.get("q"))
    most = limit(parameters, PAGE_SIZE)
    return page(views.runs(services().db, wanted, cursor=parameters.get("cursor"), limit=most))


@router.get("/v1/runs/<run_id>", middlewares=SEE_RUNS)
def show_run(run_id: str) -> Response[Any]:
    """Show one run: its state, its plan, where its people are step by step, and what was done with it."""
    query(router)
    return reply(story(named.run_id(run_id), services()))


@router.get("/v1/runs/<run_id>/recipients", middlewares=SEE_RUNS)
def list_people(run_id: str) -> Response[Any]:
    """List the people of a run, and why each that is not mailed is not. A page may be short, and with a filter empty,
    while there are more: follow `next`.
    """
    parameters = listing(router, "left_out", "status", "cursor", "limit")
    wanted = PeopleFilter(parameters.get("left_out"), parameters.get("status"))
    head = run_head(services().db, named.run_id(run_id))
    if head is None:
        raise NotFound(f"there is no run {run_id}")
    most = limit(parameters, PAGE_SIZE)
    return page(people_of_run(services().db, head, wanted, cursor=parameters.get("cursor"), limit=most))


@router.post("/v1/runs/<run_id>/approve", middlewares=OPERATE)
def approve_run(run_id: str) -> Response[Any]:
    """Approve the plan with this hash; 409 when it is another, or what it depends on was configured otherwise."""
    request = body(router, Approval)
    try:
        hash = bytes.fromhex(request.hash)
    except ValueError:
        raise Invalid("hash is the plan's, in hex, as the run shows it; nothing was changed") from None
    id = named.run_id(run_id)
    control.approve(id, hash, actor=router.actor, services=services())
    return reply(run_answer(id))


@router.post("/v1/runs/<run_id>/pause", middlewares=OPERATE)
def pause_run(run_id: str) -> Response[Any]:
    """Pause a run: once this is answered no mail of it is opened any more."""
    request, id = body(router, Pause), named.run_id(run_id)
    until = services().clock.now() + span_of(request.lasts) if request.lasts is not None else None
    control.pause(id, actor=router.actor, reason=request.reason, services=services(), until=until, seq=request.version)
    return reply(run_answer(id))


@router.post("/v1/runs/<run_id>/resume", middlewares=OPERATE)
def resume_run(run_id: str) -> Response[Any]:
    """Let a paused run go on."""
    request, id = body(router, Decision), named.run_id(run_id)
    control.resume(id, actor=router.actor, reason=request.reason, services=services(), seq=request.version)
    return reply(run_answer(id))


@router.post("/v1/runs/<run_id>/cancel", middlewares=OPERATE)
def cancel_run(run_id: str) -> Response[Any]:
    """End a run: what is not opened yet is never sent."""
    request, id = body(router, Decision), named.run_id(run_id)
    control.cancel(id, actor=router.actor, reason=request.reason, services=services(), seq=request.version)
    return reply(run_answer(id))


@router.post("/v1/runs/<run_id>/missing", middlewares=OPERATE)
def send_missing(run_id: str) -> Response[Any]:
    """Count who of a run that ended did not get it and still may, by reason; with `send`, send to them: 409 when they
    are not as many as expected.
    """
    request = body(router, SendMissing) if router.current_event.body else SendMissing()
    id = named.run_id(run_id)
    if not request.send:
        return reply(missing.missing(id, services()))
    if request.expect is None or request.reason is None:
        raise Invalid("to send, say how many mails you `expect`, and the `reason`; nothing was changed")
    missing.send(id, expected=request.expect, reason=request.reason, actor=router.actor, services=services())
    return reply(run_answer(id))


def run_answer(id: UUID) -> RunStory:
    """Tell of a run as it stands since what was asked."""
    return story(id, services())


def span_of(text: str) -> timedelta:
    """Read for how long a pause lasts. Raises Invalid."""
    found = _FOR.fullmatch(text)
    span = timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else None
    if span is None or span > LONGEST_PAUSE:
        raise Invalid("for is a time such as 30m, 2h or 1d, at most 30d; nothing was changed")
    return span
