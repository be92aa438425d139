"""Why nothing of a run is sent at this moment, and from when on it is: what a person at night wants to know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from drumbeat.calendar.open_hours import OpenHours, next_allowed
from drumbeat.calendar.run_times import UNKNOWN, zone_of
from drumbeat.calendar.zones import zone
from drumbeat.core.campaigns import Campaign
from drumbeat.core.reasons import PAUSES, ReasonCode
from drumbeat.core.runs import RunState
from drumbeat.views.run_story import ZoneOfRun
from drumbeat.views.run_totals import StepTotals
from drumbeat.views.run_waits import NextMail

TO_BEGIN = (RunState.PLANNED, RunState.AWAITING_APPROVAL)
GOING = (RunState.EXPANDING, RunState.RUNNING)


class WaitsFor(StrEnum):
    """What people of a run wait for."""

    QUIET_HOURS = "quiet_hours"
    BUSINESS_DAYS = "business_days"
    LOCAL_TIME = "local_time"
    PACE = "pace"
    SCHEDULED = "scheduled"
    RATE_LIMITED = "rate_limited"
    ACCOUNT_PAUSED = "account_paused"
    TRIED_AGAIN = "tried_again"


SENTENCES: Mapping[WaitsFor, str] = {
    WaitsFor.QUIET_HOURS: "their quiet hours are not over",
    WaitsFor.BUSINESS_DAYS: "it is their weekend",
    WaitsFor.LOCAL_TIME: "it is not yet time by their clocks",
    WaitsFor.PACE: "the pace of the campaign",
    WaitsFor.SCHEDULED: "it is planned for later",
    WaitsFor.RATE_LIMITED: "the limits of the account",
    WaitsFor.ACCOUNT_PAUSED: "the account is paused",
    WaitsFor.TRIED_AGAIN: "a try did not succeed",
}


@dataclass(frozen=True, slots=True)
class RunWaits:
    """So many people (of a plan) or mails (of a run that is sent) wait; the first leaves at `next`."""

    number: int
    next: datetime
    reason_code: str
    reason: str  # the sentence of the code


def waits(
    state: str, campaign: Campaign, zones: Sequence[ZoneOfRun], totals: Sequence[StepTotals], mail: NextMail
) -> RunWaits | None:
    """Return what holds up a run that may be sent; None: nothing does, or a person decides about it."""
    if state not in (*TO_BEGIN, *GOING):
        return None
    if state in GOING:
        number = sum(each.waiting + each.not_expanded for each in totals)
        if mail.at is None or mail.at <= mail.now:
            return None
        return _waits(number, mail.at, _of_mail(mail, mail.at, campaign, zones))
    found = [each for each in (_of_zone(each, campaign, mail.now) for each in zones) if each is not None]
    if not found:
        return None
    first = min(found, key=lambda each: each.next)
    return _waits(sum(each.number for each in found), first.next, WaitsFor(first.reason_code))


def _waits(number: int, at: datetime, code: WaitsFor) -> RunWaits:
    return RunWaits(number, at, code.value, SENTENCES[code])


def _of_zone(people: ZoneOfRun, campaign: Campaign, now: datetime) -> RunWaits | None:
    """Return how the people of one zone would wait, were the run begun now."""
    if not people.mailed:
        return None
    if (closed := _closed(people, campaign, now)) is not None:
        return _waits(people.mailed, _allowed(people, campaign, max(now, people.first)), closed)
    return _waits(people.later, people.next, _of_plan(people.next, campaign, [people])) if people.next else None


def _of_mail(mail: NextMail, at: datetime, campaign: Campaign, zones: Sequence[ZoneOfRun]) -> WaitsFor:
    """Return why the next mail of a run that is being sent leaves later."""
    for each in zones:
        closed = _closed(each, campaign, mail.now)
        if closed is not None and _allowed(each, campaign, mail.now) == at:
            return closed
    match mail.reason_code:
        case None | ReasonCode.RUN_PAUSED | ReasonCode.QUIET_HOURS:
            return _of_plan(at, campaign, zones)
        case ReasonCode.RATE_LIMITED | ReasonCode.LIMITER_AWAY:
            return WaitsFor.RATE_LIMITED
        case code if code in PAUSES:
            return WaitsFor.ACCOUNT_PAUSED
    return WaitsFor.TRIED_AGAIN


def _of_plan(at: datetime, campaign: Campaign, zones: Sequence[ZoneOfRun]) -> WaitsFor:
    if campaign.is_by_recipient and any(each.first == at for each in zones):
        return WaitsFor.LOCAL_TIME
    return WaitsFor.PACE if campaign.pace else WaitsFor.SCHEDULED


def _closed(people: ZoneOfRun, campaign: Campaign, now: datetime) -> WaitsFor | None:
    """Return why people of a zone may not be mailed now; None: they may."""
    name = zone_of(campaign, people.zone or UNKNOWN)
    if OpenHours(zone(name), campaign.quiet_hours, business_days=False).next(now) > now:
        return WaitsFor.QUIET_HOURS
    return WaitsFor.BUSINESS_DAYS if _allowed(people, campaign, now) > now else None


def _allowed(people: ZoneOfRun, campaign: Campaign, instant: datetime) -> datetime:
    return next_allowed(campaign, zone_of(campaign, people.zone or UNKNOWN), instant)
