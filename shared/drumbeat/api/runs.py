"""`/v1/runs`: campaigns that were fired for an audience: where each person is, and what a person decides about them."""

import re
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from drumbeat import views
from drumbeat.api import leads
from drumbeat.api.access import OPERATE, SEE_RUNS
from drumbeat.api.body import Reason, Version
from drumbeat.api.named import RunId
from drumbeat.api.query import Paged
from drumbeat.api.response import Answer, reply
from drumbeat.api.routing import ApiRoutes, refuses
from drumbeat.campaigns.run_story import RunStory, story
from drumbeat.core.errors import ConfigurationChanged, Invalid, NotFound, Stale
from drumbeat.runs import control, missing
from drumbeat.runs.missing import Missing
from drumbeat.services import services
from drumbeat.views import Page, RunItem
from drumbeat.views.run_people import PeopleFilter, RunPerson, people_of_run
from drumbeat.views.run_story import run_head

router = ApiRoutes()

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
    """The plan that a person has looked at, and why it may be sent, where there is something to say."""

    model_config = ConfigDict(extra="forbid", strict=True)
    hash: str
    reason: Reason | None = None


class RunQuery(Paged):
    """Which runs are listed."""

    campaign: str | None = None
    state: Annotated[str, Field(description="one, or `open`")] | None = None
    q: Annotated[str, Field(description="how an id begins")] | None = None


class PeopleQuery(Paged):
    """Which people of a run are listed."""

    left_out: Annotated[str, Field(description="those whom a step leaves out for this reason")] | None = None
    status: Annotated[str, Field(description="those with an effect of this status")] | None = None
    lead: Annotated[str, Field(description="one person, by address or id; takes the scope `people`")] | None = None


@router.get("/v1/runs", middlewares=SEE_RUNS)
def list_runs(query: RunQuery) -> Answer[Page[RunItem]]:
    """List runs, newest first. `state`: one, or `open`; `q`: how an id begins."""
    wanted = views.RunFilter(query.campaign, query.state, query.q)
    return reply(views.runs(services().db, wanted, cursor=query.cursor, limit=query.limit))


@router.get("/v1/runs/<run_id>", middlewares=SEE_RUNS)
def show_run(run_id: RunId) -> Answer[RunStory]:
    """Show one run: its state, its plan, where its people are step by step, and what was done with it."""
    return reply(run_answer(run_id))


@router.get("/v1/runs/<run_id>/recipients", middlewares=SEE_RUNS)
def list_people(run_id: RunId, query: PeopleQuery) -> Answer[Page[RunPerson]]:
    """List the people of a run, and why each that is not mailed is not. A page may be short, and with a filter empty,
    while there are more: follow `next`.
    """
    if query.lead is not None:
        router.need_people()
    wanted = PeopleFilter(query.left_out, query.status, keys=leads.known_keys(query.lead) if query.lead else None)
    head = run_head(services().db, run_id)
    if head is None:
        raise NotFound(f"there is no run {run_id}")
    return reply(people_of_run(services().db, head, wanted, cursor=query.cursor, limit=query.limit))


@router.post("/v1/runs/<run_id>/approve", middlewares=OPERATE)
@refuses(Stale, ConfigurationChanged)
def approve_run(run_id: RunId, request: Approval) -> Answer[RunStory]:
    """Approve the plan with this hash; 409 when it is another, or what it depends on was configured otherwise."""
    try:
        hash = bytes.fromhex(request.hash)
    except ValueError:
        raise Invalid("hash is the plan's, in hex, as the run shows it; nothing was changed") from None
    control.approve(run_id, hash, actor=router.actor, services=services(), reason=request.reason)
    return reply(run_answer(run_id))


@router.post("/v1/runs/<run_id>/pause", middlewares=OPERATE)
@refuses(Stale)
def pause_run(run_id: RunId, request: Pause) -> Answer[RunStory]:
    """Pause a run: once this is answered no mail of it is opened any more."""
    until = services().clock.now() + span_of(request.lasts) if request.lasts is not None else None
    control.pause(
        run_id, actor=router.actor, reason=request.reason, services=services(), until=until, seq=request.version
    )
    return reply(run_answer(run_id))


@router.post("/v1/runs/<run_id>/resume", middlewares=OPERATE)
@refuses(Stale)
def resume_run(run_id: RunId, request: Decision) -> Answer[RunStory]:
    """Let a paused run go on."""
    control.resume(run_id, actor=router.actor, reason=request.reason, services=services(), seq=request.version)
    return reply(run_answer(run_id))


@router.post("/v1/runs/<run_id>/cancel", middlewares=OPERATE)
@refuses(Stale)
def cancel_run(run_id: RunId, request: Decision) -> Answer[RunStory]:
    """End a run: what is not opened yet is never sent."""
    control.cancel(run_id, actor=router.actor, reason=request.reason, services=services(), seq=request.version)
    return reply(run_answer(run_id))


@router.post("/v1/runs/<run_id>/missing", middlewares=OPERATE)
@refuses(Stale)
def send_missing(run_id: RunId, request: SendMissing | None) -> Answer[Missing | RunStory]:
    """Count who of a run that ended did not get it and still may, by reason; with `send`, send to them: 409 when they
    are not as many as expected.
    """
    if request is None or not request.send:
        return reply(missing.missing(run_id, services()))
    if request.expect is None or request.reason is None:
        raise Invalid("to send, say how many mails you `expect`, and the `reason`; nothing was changed")
    missing.send(run_id, expected=request.expect, reason=request.reason, actor=router.actor, services=services())
    return reply(run_answer(run_id))


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
