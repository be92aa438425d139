"""A run as a person reads it: where its people are, when they are mailed, and what speaks for or against sending."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID

from drumbeat.campaigns.run_plan import PlanOfRun, plan_of
from drumbeat.campaigns.run_waits import RunWaits, waits
from drumbeat.core.campaigns import Campaign
from drumbeat.core.configuration import Config
from drumbeat.core.errors import NotFound
from drumbeat.core.runs import sentence
from drumbeat.runs.times import needs_zones
from drumbeat.services import Services
from drumbeat.views.run_story import RunHead, RunMove, ZoneOfRun, run_head, run_journal, zones_of_run
from drumbeat.views.run_totals import StepTotals, run_totals
from drumbeat.views.run_waits import next_mail


@dataclass(frozen=True, slots=True)
class StepSays:
    """What a step of a run does, and with which words. `subject`: as it is configured, before it is filled."""

    step: str
    account: str
    action: str
    list: str | None
    transactional: str | None
    template: str | None
    subject: str | None


@dataclass(frozen=True, slots=True)
class RunBrief(RunHead):
    """One run, as far as that is known without reading its people."""

    audience: str | None  # by name
    reason: str | None
    says: Sequence[StepSays]
    home_zone: str  # by whose clock it is told when it is sent
    by_zone: bool  # whether people of different zones are mailed at different times; without it `zone` says nothing
    journal: Sequence[RunMove]


@dataclass(frozen=True, slots=True)
class RunProgressed:
    """Where the people of a run are."""

    totals: Sequence[StepTotals]
    unaccounted: int  # people who are nowhere, or twice: 0, always
    when: Sequence[ZoneOfRun]
    waits: RunWaits | None  # for which hour or turn, where nothing can be sent now


@dataclass(frozen=True, slots=True)
class RunStory(RunHead):
    """One run. `plan` is None until all its people are recorded."""

    reason: str | None
    says: Sequence[StepSays]
    totals: Sequence[StepTotals]
    unaccounted: int  # people who are nowhere, or twice: 0, always
    when: Sequence[ZoneOfRun]
    by_zone: bool  # whether people of different zones are mailed at different times; without it `zone` says nothing
    waits: RunWaits | None  # for which hour or turn, where nothing can be sent now
    plan: PlanOfRun | None
    journal: Sequence[RunMove]


def brief(id: UUID, services: Services) -> RunBrief:
    """Tell what is known of a run without reading its people, who may be a million. Raises NotFound."""
    head, config = _head(id, services)
    campaign = config.campaigns[head.campaign]
    return RunBrief(
        **_fields(head),
        audience=campaign.audience,
        reason=sentence(head.reason_code, head.reason_detail),
        says=list(_says(campaign, config)),
        home_zone=campaign.home_zone,
        by_zone=needs_zones(campaign),
        journal=run_journal(services.db, id),
    )


def progress(head: RunHead, services: Services) -> RunProgressed:
    """Tell where the people of a run are; all of it is read."""
    campaign = _configuration(head, services).campaigns[head.campaign]
    totals = run_totals(services.db, head.run_id)
    zones = zones_of_run(services.db, head.run_id) if head.plan_hash is not None else []
    return RunProgressed(
        totals=totals,
        unaccounted=sum(abs(each.unaccounted) for each in totals),
        when=zones,
        waits=waits(head.state, campaign, zones, totals, next_mail(services.db, head.run_id)),
    )


def plan(head: RunHead, progressed: RunProgressed, services: Services) -> PlanOfRun | None:
    """Tell what would be sent; None until all its people are recorded. Before a run has started, all leads are read."""
    if head.plan_hash is None:
        return None
    config = _configuration(head, services)
    return plan_of(head, config, progressed.totals, progressed.when, services)


def story(id: UUID, services: Services) -> RunStory:
    """Tell of one run. Raises NotFound."""
    head, config = _head(id, services)
    campaign, progressed = config.campaigns[head.campaign], progress(head, services)
    return RunStory(
        **_fields(head),
        reason=sentence(head.reason_code, head.reason_detail),
        says=list(_says(campaign, config)),
        totals=progressed.totals,
        unaccounted=progressed.unaccounted,
        when=progressed.when,
        by_zone=needs_zones(campaign),
        waits=progressed.waits,
        plan=plan(head, progressed, services),
        journal=run_journal(services.db, id),
    )


def _head(id: UUID, services: Services) -> tuple[RunHead, Config]:
    head = run_head(services.db, id)
    if head is None:
        raise NotFound(f"there is no run {id}; `drumbeat campaign list` shows the newest ones")
    return head, _configuration(head, services)


def _configuration(head: RunHead, services: Services) -> Config:
    return services.configuration(head.config_version).by(head.semantics)


def _fields(head: RunHead) -> dict[str, Any]:
    return {each.name: getattr(head, each.name) for each in fields(RunHead)}


def _says(campaign: Campaign, config: Config) -> Iterator[StepSays]:
    for step in campaign.steps:
        said = {name: step.arguments.get(name) for name in ("list", "template", "subject")}
        if said["subject"] is None and (template := config.templates.get(str(said["template"]))) is not None:
            said["subject"] = template.subject
        words = {name: None if value is None else str(value) for name, value in said.items()}
        yield StepSays(step.id, step.account, step.action, transactional=step.transactional, **words)
