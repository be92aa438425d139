"""Campaigns: what each does, when it fires next, and its runs; and a plan of one, which sends nothing."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from aws_lambda_powertools.event_handler import Response

from drumbeat import views
from drumbeat.access.keys import PROPOSE
from drumbeat.api.routing import Routes
from drumbeat.audiences import wording
from drumbeat.calendar.wording import in_words
from drumbeat.campaigns import asking
from drumbeat.campaigns.forms import CampaignForm, form, forms
from drumbeat.console import conditions
from drumbeat.console.access import Page, changes, reads, see
from drumbeat.console.lists import older, table
from drumbeat.core.campaigns import RECIPIENT
from drumbeat.core.configuration import Template
from drumbeat.core.errors import Forbidden
from drumbeat.core.runs import RunState
from drumbeat.ingest.request import one_key
from drumbeat.ledger import configs
from drumbeat.services import services
from drumbeat.views.run_pages import OPEN_WORD

router = Routes()

OPERATE = "operate"
RUNS_SHOWN = 25
STATES = (OPEN_WORD, *(state.value for state in RunState))


@router.get("/campaigns", middlewares=reads("read"))
def show_all() -> Response[Any]:
    """Show all campaigns in force, and runs, newest first."""
    page = _page()
    found = _runs(page, None)
    if page.query.get("format") == "csv":
        return table(page, found)
    campaigns = forms(services())
    return page.show(
        "campaigns.html",
        "Campaigns",
        campaigns=campaigns,
        schedules={each.name: _schedule(each) for each in campaigns},
        runs=found.items,
        older=older(page, found.next),
        csv=older(page, page.query.get("cursor"), format="csv"),
        states=STATES,
        state=page.query.get("state", ""),
    )


@router.get("/campaigns/<name>", middlewares=reads("read"))
def show(name: str) -> Response[Any]:
    """Show one campaign as it is in force."""
    page = _page()
    found = _runs(page, name)
    if page.query.get("format") == "csv":
        return table(page, found)
    campaign = form(name, services())
    config = configs.newest(services().db)
    audiences = config.audiences if config else {}
    templates = config.templates if config else {}
    meant = audiences.get(campaign.audience) if campaign.audience is not None else None
    return page.show(
        "campaign.html",
        campaign.name,
        here="campaigns",
        campaign=campaign,
        schedule=_schedule(campaign),
        version=config.version if config else None,
        subjects={str(step["id"]): _subject(step["arguments"], templates) for step in campaign.steps},
        condition=conditions.written(wording.written(meant)) if meant is not None else None,
        runs=found.items,
        older=older(page, found.next),
        csv=older(page, page.query.get("cursor"), format="csv"),
        states=STATES,
        state=page.query.get("state", ""),
        key=f"console-{uuid4()}",
        plans=may_ask(page) and campaign.audience is not None,
    )


@router.post("/campaigns/<name>/plan", middlewares=changes())
def plan(name: str) -> Response[Any]:
    """Plan a run, which sends nothing; the same form again is the same plan."""
    page = _page()
    need_to_ask(page)
    key = one_key(None, page.form.get("key"))
    asked = asking.ask(name, key, actor=page.actor, plans=True, approves=page.may(OPERATE), services=services())
    return see(f"/runs/{asked.run}?did=planned")


def may_ask(page: Page) -> bool:
    """Return whether a person may ask for a run, be it that another has to approve it."""
    return page.may(PROPOSE) or page.may(OPERATE)


def need_to_ask(page: Page) -> None:
    """Check that; raises Forbidden."""
    if not may_ask(page):
        raise Forbidden(f"Your API key has neither the scope `{PROPOSE}` nor `{OPERATE}`. Nothing was changed.")


def _page() -> Page:
    asked: Page = router.context["page"]
    return asked


def _runs(page: Page, campaign: str | None) -> views.Page[views.RunItem]:
    wanted = views.RunFilter(campaign, page.query.get("state"))
    return views.runs(services().db, wanted, cursor=page.query.get("cursor"), limit=RUNS_SHOWN)


def _subject(arguments: Mapping[str, Any], templates: Mapping[str, Template]) -> str | None:
    """Return the subject of a step's mail before it is filled; None: it sends none."""
    if (own := arguments.get("subject")) is not None:
        return str(own)
    template = templates.get(str(arguments.get("template")))
    return template.subject if template else None


def _schedule(campaign: CampaignForm) -> dict[str, str]:
    """Say in words when a campaign fires, and by whose clock."""
    if campaign.schedule is None:
        return {"words": "by hand", "zone": "", "written": ""}
    if campaign.timezone == RECIPIENT:
        zone = f"by each person's own clock; {campaign.fallback_timezone} where that is not known"
    else:
        zone = campaign.timezone
    return {"words": in_words(campaign.schedule) or campaign.schedule, "zone": zone, "written": campaign.schedule}
