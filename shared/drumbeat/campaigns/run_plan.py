"""The plan of a run as a person reads it: who is mailed, how long that takes, and what speaks against sending it."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from drumbeat.audiences import counting_sql
from drumbeat.audiences.counting_sql import Unknown
from drumbeat.audiences.showing import PATIENCE_SECONDS
from drumbeat.core.campaigns import Campaign
from drumbeat.core.configuration import Config
from drumbeat.core.runs import ENDED, RunReason, RunState
from drumbeat.core.steps import Limit
from drumbeat.ledger import configs
from drumbeat.planning.run_content import configuration_differences
from drumbeat.runs import complaints, sql
from drumbeat.runs.said_before import says_the_same
from drumbeat.runs.sql import LastSent
from drumbeat.services import Services
from drumbeat.views.run_cap import people_over_cap
from drumbeat.views.run_people import PeopleFilter, RunPerson, people_of_run
from drumbeat.views.run_story import RunHead, ZoneOfRun
from drumbeat.views.run_totals import StepTotals

SAMPLE = 20
BYTES_A_MAIL = 3_000  # of the ledger, at most; docs/performance.md
CLIPPED_BYTES = 102 * 1024  # mail programs show no more of a mail
LONG_SECONDS = 3600.0
NOT_STARTED = (RunState.PLANNED, RunState.AWAITING_APPROVAL, RunState.MISSED)


@dataclass(frozen=True, slots=True)
class AccountLoad:
    """What a run asks of an account. `seconds`: how long that takes by its limits; None: it has none."""

    account: str
    mails: int
    limits: Sequence[Limit]
    seconds: float | None


@dataclass(frozen=True, slots=True)
class PlanOfRun:
    """What would be sent. `changed`: what it depends on is configured otherwise now, so it cannot be started."""

    hash: bytes
    mails: Mapping[str, int]  # by step
    first: datetime | None
    last: datetime | None
    sample: Sequence[RunPerson]  # of those who get a mail
    accounts: Sequence[AccountLoad]
    pace_seconds: float | None  # how long it takes at the campaign's own pace
    ledger_bytes: int
    approval: str | None  # why a person has to approve it; None: none has to
    changed: Sequence[str]
    unknown: Sequence[Unknown]  # people who are not in it, or may be, as an attribute is of another type than asked
    warnings: Sequence[str]


def plan_of(
    head: RunHead, config: Config, totals: Sequence[StepTotals], zones: Sequence[ZoneOfRun], services: Services
) -> PlanOfRun:
    """Tell the plan of a run whose people are recorded. Before it has started, all leads are read."""
    campaign = config.campaigns[head.campaign]
    run = sql.get(services.db, [head.run_id])[head.run_id] if head.state in NOT_STARTED else None
    last = sql.last_sent(services.db, run) if run is not None else None
    before = last if run and last and says_the_same(run, last, services) else None
    mails = {each.step: each.matched - sum(each.left_out.values()) for each in totals}
    most = max(mails.values(), default=0)
    accounts = list(_loads(campaign, config, mails))
    changed = _changed(head, config, services) if head.state in NOT_STARTED else []
    assert head.plan_hash is not None
    return PlanOfRun(
        hash=head.plan_hash,
        mails=mails,
        first=min((zone.first for zone in zones), default=None),
        last=max((zone.last for zone in zones), default=None),
        sample=people_of_run(services.db, head, PeopleFilter(mailed=True), limit=SAMPLE).items,
        accounts=accounts,
        pace_seconds=most * campaign.pace.period / campaign.pace.count if campaign.pace else None,
        ledger_bytes=sum(mails.values()) * BYTES_A_MAIL,
        approval=_approval(head, before),
        changed=changed,
        unknown=_unknown(head, campaign, config, services) if head.state in NOT_STARTED else (),
        warnings=[
            *_warnings(head, campaign, config, mails, accounts),
            *_capped(head, campaign, services),
            *_complained_of(last, services),
            *_repeats(before),
        ],
    )


def _loads(campaign: Campaign, config: Config, mails: Mapping[str, int]) -> Iterator[AccountLoad]:
    for name in sorted({step.account for step in campaign.steps}):
        number = sum(mails[step.id] for step in campaign.steps if step.account == name)
        limits = config.accounts[name].limits if name in config.accounts else ()
        yield AccountLoad(name, number, limits, _seconds(number, limits))


def _seconds(mails: int, limits: Sequence[Limit]) -> float | None:
    """Return how long an account's limits keep so many calls: what comes at once by them takes no time."""
    return max((_kept(mails, limit) for limit in limits), default=None)


def _kept(mails: int, limit: Limit) -> float:
    if limit.burst is None:  # windows, of which the first may be nearly over
        return max(math.ceil(mails / limit.count) - 1, 0) * float(limit.period)
    return max(mails - limit.burst, 0) * limit.period / limit.count


def _repeats(before: LastSent | None) -> Iterator[str]:
    if before is not None:
        stands = "finished" if before.state in ENDED else f"{before.state} still, last changed"
        yield (
            f"its mails say what those of run {str(before.id)[:8]} said, {stands} {before.updated_at:%Y-%m-%d %H:%M}Z:"
            " who got those gets the same once more"
        )


def _capped(head: RunHead, campaign: Campaign, services: Services) -> Iterator[str]:
    if campaign.cap is None or head.state not in NOT_STARTED:
        return
    places = [place for place, step in enumerate(campaign.steps, 1) if step.arguments.get("list")]
    with services.db.patient(PATIENCE_SECONDS):
        people = people_over_cap(services.db, head.run_id, campaign.cap, places)
    if people:
        whom = "1 person" if people == 1 else f"{people:,} people"
        yield f"by what was sent so far, the cap stops mails of this run to {whom}"


def _complained_of(last: LastSent | None, services: Services) -> Iterator[str]:
    if last is None:
        return
    with services.db.patient(PATIENCE_SECONDS):
        said = complaints.said_of(last.id, services)
    if said:
        yield (
            f"people called mails of the last run, {str(last.id)[:8]}, spam: {said}. Above one complaint in a thousand,"
            " mailbox providers begin to treat all that you send as spam"
        )


def _approval(head: RunHead, before: LastSent | None) -> str | None:
    """Return why a person has to approve a run that is not started yet."""
    if head.approval is not None or head.state not in (RunState.PLANNED, RunState.AWAITING_APPROVAL):
        return None
    if head.state is RunState.AWAITING_APPROVAL:
        return head.reason_code
    if head.needs_approval is not None:
        return head.needs_approval
    return RunReason.UNCHANGED.value if before is not None else None


def _changed(head: RunHead, config: Config, services: Services) -> list[str]:
    newest = configs.newest(services.db)
    if newest is None or newest.version == head.config_version:
        return []
    return configuration_differences(config, newest, head.campaign)


def _unknown(head: RunHead, campaign: Campaign, config: Config, services: Services) -> Sequence[Unknown]:
    """Count the people of whom the audience does not know; all leads are read for that."""
    assert campaign.audience is not None
    db = services.db
    with db.patient(PATIENCE_SECONDS), counting_sql.snapshot(db):
        return counting_sql.counts(db, config.audiences, campaign.audience, head.as_of).unknown


def _warnings(
    head: RunHead, campaign: Campaign, config: Config, mails: Mapping[str, int], accounts: Sequence[AccountLoad]
) -> Iterator[str]:
    if head.people == 0:
        yield f"no person is in the audience {campaign.audience}"
    for step, number in mails.items():
        if head.people and not number:
            yield f"step {step}: every person of the audience is left out"
    if head.odd_zones:
        have = "person has" if head.odd_zones == 1 else "people have"
        yield (
            f"{head.odd_zones:,} {have} a time zone that does not exist: that of the campaign stands for it,"
            f" {campaign.home_zone}"
        )
    for name in sorted({str(step.arguments["template"]) for step in campaign.steps if step.arguments.get("template")}):
        html = config.templates[name].html if name in config.templates else None
        if html is not None and len(html.encode()) > CLIPPED_BYTES:
            yield f"template {name}: over 102 KB before it is filled; mail programs cut such mails off"
    for each in accounts:
        if each.seconds is not None and each.seconds > LONG_SECONDS:
            yield f"account {each.account}: by its limits this takes {each.seconds / LONG_SECONDS:,.1f} hours"
