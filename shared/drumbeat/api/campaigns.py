"""`/v1/campaigns`: what they are, and having one planned, run or fired by hand."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from drumbeat import views
from drumbeat.api import named
from drumbeat.api.access import ASK_FOR_RUNS, OPERATE, SEE_RUNS
from drumbeat.api.body import Keyed
from drumbeat.api.query import Listed
from drumbeat.api.response import Answer, once, reply
from drumbeat.api.routing import ApiRoutes, refuses
from drumbeat.api.runs import run_answer
from drumbeat.campaigns import asking, trigger
from drumbeat.campaigns.asking import Asked
from drumbeat.campaigns.forms import CampaignForm, form, forms
from drumbeat.campaigns.run_story import RunStory
from drumbeat.core.errors import Ambiguous, ConfigurationChanged, KeyReused, Stale
from drumbeat.services import services
from drumbeat.views import Page, RunItem

router = ApiRoutes()

RUNS_SHOWN = 10


class NewRun(Keyed):
    """A run, or the plan that is to become one."""

    plan: str | None = None


@dataclass(frozen=True, slots=True)
class CampaignShown:
    """One campaign, with its newest runs."""

    campaign: CampaignForm
    runs: list[RunItem]


@dataclass(frozen=True, slots=True)
class Recorded:
    """The event that a request became."""

    event_id: UUID
    status: str  # recorded; or buffered, while the ledger is away


@router.get("/v1/campaigns", middlewares=SEE_RUNS)
def list_campaigns(_: Listed) -> Answer[Page[CampaignForm]]:
    """List the campaigns in force by name, each with its next firing and its newest run."""
    return reply(Page(forms(services()), None))


@router.get("/v1/campaigns/<name>", middlewares=SEE_RUNS)
def show_campaign(name: str) -> Answer[CampaignShown]:
    """Show one campaign as it is in force, with its newest runs."""
    newest = views.runs(services().db, views.RunFilter(campaign=name), limit=RUNS_SHOWN)
    return reply(CampaignShown(form(name, services()), newest.items))


@router.post("/v1/campaigns/<name>/plan", middlewares=ASK_FOR_RUNS)
@refuses(Stale, KeyReused)
def plan_campaign(name: str, request: Keyed | None) -> Answer[RunStory, Literal[200, 202]]:
    """Plan a run that sends nothing until a person starts it: 202, or 200 when the key was used before. `plan` in the
    answer is null while people are being recorded; the run's own route has it then.
    """
    key = _key(request)
    return _asked(asking.ask(name, key, actor=router.actor, plans=True, approves=_may_send(), services=services()))


@router.post("/v1/campaigns/<name>/runs", middlewares=ASK_FOR_RUNS)
@refuses(Ambiguous, Stale, ConfigurationChanged, KeyReused)
def run_campaign(name: str, request: NewRun | None) -> Answer[RunStory, Literal[200, 202]]:
    """Start a new run, or the `plan` that is named. Who may only propose has it wait for a person's approval."""
    if request is not None and request.plan is not None:
        plan = named.run_id(request.plan)
        return _asked(asking.start(name, plan, actor=router.actor, approves=_may_send(), services=services()))
    key = _key(request)
    return _asked(asking.ask(name, key, actor=router.actor, plans=False, approves=_may_send(), services=services()))


@router.post("/v1/campaigns/<name>/trigger", middlewares=OPERATE)
@refuses(Stale, KeyReused)
def trigger_campaign(name: str, request: Keyed | None) -> Answer[Recorded, Literal[200, 202]]:
    """Record a CAMPAIGN_TRIGGER now: 202, or 200 when the key was used before."""
    receipt = trigger(name, _key(request), actor=router.actor, services=services())
    return once(Recorded(receipt.event_id, receipt.status), replayed=receipt.replayed)


def _asked(asked: Asked) -> Answer[RunStory, Literal[200, 202]]:
    return once(run_answer(asked.run), replayed=asked.replayed)


def _may_send() -> bool:
    return "operate" in router.caller.scopes


def _key(request: Keyed | None) -> str:
    return (request or Keyed()).key(router.current_event.raw_event)
