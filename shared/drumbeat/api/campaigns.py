"""`/v1/campaigns`: what they are, and having one planned, run or fired by hand."""

from typing import Any

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, ConfigDict

from drumbeat import views
from drumbeat.api import named
from drumbeat.api.access import ASK_FOR_RUNS, OPERATE, SEE_RUNS
from drumbeat.api.query import body, listing, query
from drumbeat.api.response import reply
from drumbeat.api.routing import Routes
from drumbeat.api.runs import run_answer
from drumbeat.campaigns import asking, trigger
from drumbeat.campaigns.asking import Asked
from drumbeat.campaigns.forms import form, forms
from drumbeat.ingest.request import one_key
from drumbeat.services import services
from drumbeat.web.requests import key_of

router = Routes()

RUNS_SHOWN = 10


class Keyed(BaseModel):
    """The body; the key may come as a header instead."""

    model_config = ConfigDict(extra="forbid")
    idempotencyKey: str | None = None


class NewRun(Keyed):
    """A run, or the plan that is to become one."""

    plan: str | None = None


@router.get("/v1/campaigns", middlewares=SEE_RUNS)
def list_campaigns() -> Response[Any]:
    """List the campaigns in force by name, each with its next firing and its newest run."""
    listing(router)
    return reply({"items": forms(services()), "next": None})


@router.get("/v1/campaigns/<name>", middlewares=SEE_RUNS)
def show_campaign(name: str) -> Response[Any]:
    """Show one campaign as it is in force, with its newest runs."""
    query(router)
    newest = views.runs(services().db, views.RunFilter(campaign=name), limit=RUNS_SHOWN)
    return reply({"campaign": form(name, services()), "runs": newest.items})


@router.post("/v1/campaigns/<name>/plan", middlewares=ASK_FOR_RUNS)
def plan_campaign(name: str) -> Response[Any]:
    """Plan a run that sends nothing until a person starts it: 202, or 200 when the key was used before. `plan` in the
    answer is null while people are being recorded; the run's own route has it then.
    """
    return _asked(
        asking.ask(name, _key(Keyed), actor=router.actor, plans=True, approves=_may_send(), services=services())
    )


@router.post("/v1/campaigns/<name>/runs", middlewares=ASK_FOR_RUNS)
def run_campaign(name: str) -> Response[Any]:
    """Start a new run, or the `plan` that is named. Who may only propose has it wait for a person's approval."""
    request = body(router, NewRun) if router.current_event.body else NewRun()
    if request.plan is not None:
        plan = named.run_id(request.plan)
        return _asked(asking.start(name, plan, actor=router.actor, approves=_may_send(), services=services()))
    key = _key(NewRun)
    return _asked(asking.ask(name, key, actor=router.actor, plans=False, approves=_may_send(), services=services()))


@router.post("/v1/campaigns/<name>/trigger", middlewares=OPERATE)
def trigger_campaign(name: str) -> Response[Any]:
    """Record a CAMPAIGN_TRIGGER now: 202, or 200 when the key was used before."""
    receipt = trigger(name, _key(Keyed), actor=router.actor, services=services())
    answer = {"eventId": receipt.event_id, "status": receipt.status}
    if receipt.replayed:
        return reply(answer, 200, {"Idempotent-Replayed": "true"})
    return reply(answer, 202)


def _asked(asked: Asked) -> Response[Any]:
    answer = run_answer(asked.run)
    if asked.replayed:
        return reply(answer, 200, {"Idempotent-Replayed": "true"})
    return reply(answer, 202)


def _may_send() -> bool:
    return "operate" in router.caller.scopes


def _key(model: type[Keyed]) -> str:
    request = body(router, model) if router.current_event.body else model()
    return one_key(key_of(router.current_event.raw_event), request.idempotencyKey)
