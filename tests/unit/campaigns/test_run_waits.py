"""Why nothing of a run is sent now, by what its campaign says and what its next mail does."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from drumbeat.campaigns.run_waits import waits
from drumbeat.core.campaigns import RECIPIENT, Campaign, QuietHours
from drumbeat.core.steps import Limit
from drumbeat.views.run_story import ZoneOfRun
from drumbeat.views.run_totals import StepTotals
from drumbeat.views.run_waits import NextMail

SATURDAY = datetime(2026, 11, 28, 22, tzinfo=UTC)
LATER = SATURDAY + timedelta(minutes=30)
MONDAY = datetime(2026, 11, 30, tzinfo=UTC)
ANY_HOUR = Campaign("digest", None, "UTC", "shift", audience="readers")
AWAKE = replace(ANY_HOUR, quiet_hours=QuietHours(21 * 60, 7 * 60))


def zone(name: str | None = None, *, due: datetime = LATER, mailed: int = 3) -> ZoneOfRun:
    later = mailed if due > SATURDAY else 0
    return ZoneOfRun(name, 5, due, due, mailed, later, due if later else None)


def found(campaign: Campaign, *zones: ZoneOfRun, mail: NextMail | None = None, state: str = "planned") -> object:
    """Return for what, until when and how many wait."""
    totals = [StepTotals("mail", 5, waiting=2, not_expanded=1)]
    said = waits(state, campaign, zones, totals, mail or NextMail(SATURDAY, None, None))
    return said and (said.reason_code, said.next, said.number)


def mail(at: datetime, reason: str | None = None) -> NextMail:
    return NextMail(SATURDAY, at, reason)


def test_a_plan_whose_time_has_come_waits_for_nothing() -> None:
    assert found(ANY_HOUR, zone(due=SATURDAY)) is None
    assert found(AWAKE, zone("America/New_York", due=SATURDAY)) is None
    assert found(ANY_HOUR, zone(mailed=0)) is None


@pytest.mark.parametrize(
    ("campaign", "reason", "until"),
    [
        (AWAKE, "quiet_hours", SATURDAY + timedelta(hours=9)),
        (replace(ANY_HOUR, business_days=True), "business_days", MONDAY + timedelta(hours=22)),
        (replace(ANY_HOUR, timezone=RECIPIENT), "local_time", LATER),
        (replace(ANY_HOUR, pace=Limit(1, 3600, 1)), "pace", LATER),
        (ANY_HOUR, "scheduled", LATER),
    ],
)
def test_a_plan_says_for_what_its_people_would_wait(campaign: Campaign, reason: str, until: datetime) -> None:
    assert found(campaign, zone(due=SATURDAY if reason == "business_days" else LATER)) == (reason, until, 3)


def test_of_several_zones_the_first_one_says_why() -> None:
    night, day, later = zone("Europe/Berlin", due=SATURDAY), zone("America/New_York", due=SATURDAY), zone("Asia/Tokyo")

    assert found(AWAKE, night, day, later) == ("scheduled", LATER, 6)


@pytest.mark.parametrize(
    ("campaign", "next_mail", "reason"),
    [
        (AWAKE, mail(SATURDAY + timedelta(hours=9), "quiet_hours"), "quiet_hours"),
        (ANY_HOUR, mail(LATER, "rate_limited"), "rate_limited"),
        (ANY_HOUR, mail(LATER, "paused"), "account_paused"),
        (ANY_HOUR, mail(LATER, "not_sent"), "tried_again"),
        (replace(ANY_HOUR, pace=Limit(1, 3600, 1)), mail(LATER), "pace"),
    ],
)
def test_a_run_that_is_sent_says_why_its_next_mail_leaves_later(
    campaign: Campaign, next_mail: NextMail, reason: str
) -> None:
    assert found(campaign, zone(), mail=next_mail, state="running") == (reason, next_mail.at, 3)


@pytest.mark.parametrize(
    ("state", "at"), [("running", SATURDAY), ("running", None), ("paused", LATER), ("finished", LATER)]
)
def test_what_is_due_or_stands_still_waits_for_no_hour(state: str, at: datetime | None) -> None:
    assert found(AWAKE, zone(), mail=NextMail(SATURDAY, at, None), state=state) is None
