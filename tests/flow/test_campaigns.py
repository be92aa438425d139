"""Campaigns of a whole stack in a night on which the clock goes forward: each instant is one event and one mail."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from drumbeat.calendar import Calendar, zone
from drumbeat.local.frames import Handler
from tests.flow.stacks import Stack, eventually

ZONE = "America/New_York"
CONFIG = """
version: 1
defaults: {timezone: America/New_York}
accounts:
  mail:
    provider: mailgun
    settings: {domain: mg.example.com, from: "Ada <ada@example.com>"}
    secrets: {api_key: "env:FLOW_SECRET"}
flows:
  digest:
    on: CAMPAIGN_TRIGGER
    steps:
      - id: mail
        account: mail
        action: send_email
        with:
          {to: "{{ payload.campaign }}@example.com", subject: "{{ payload.scheduledAt }}", text: "{{ payload.local }}"}
campaigns:
  nightly: {schedule: "cron(30 2 * * ? *)"}
  skipping: {schedule: "cron(30 2 * * ? *)", on_gap: skip}
  often: {schedule: "cron(0/30 * * * ? *)"}
  soon: {schedule: "cron(* 3 * * ? *)"}
"""


def spring() -> datetime:
    """Return the next instant at which New York's clocks go forward, some days ahead of now."""
    days = (datetime.now(UTC) + timedelta(days=2 + day) for day in range(366))
    for before, after in pairwise(days):
        if after.astimezone(zone(ZONE)).dst() and not before.astimezone(zone(ZONE)).dst():
            night = Calendar("cron(30 2 * * ? *)", ZONE)
            return next(each.at for each in night.between(before, after + timedelta(days=1)) if each.note and each.at)
    raise AssertionError("no spring in a year")


def moved(to: datetime) -> str:
    return f"{(to - datetime.now(UTC)).total_seconds():+.0f}s"


def subjects(stack: Stack, campaign: str) -> Counter[str]:
    """Count the mails of a campaign by the instant that they are for."""
    found: Counter[str] = Counter()
    for mail in stack.mails(f"{campaign}@example.com"):
        found[mail["subject"]] += mail["copies"]
    return found


def instants(expression: str, first: datetime, last: datetime, on_gap: str = "shift") -> Counter[str]:
    calendar = Calendar(expression, ZONE, on_gap)
    return Counter(f"{each.at:%Y-%m-%dT%H:%M:%SZ}" for each in calendar.between(first, last))


@pytest.mark.point(56)
@pytest.mark.point(57)
@pytest.mark.point(58)
@pytest.mark.timeout(300)
def test_over_the_night_of_the_gap_every_instant_is_one_mail(own_stack: Callable[..., Stack], tmp_path: Path) -> None:
    stack = own_stack()
    stack.config = tmp_path / "drumbeat.yaml"
    stack.config.write_text(CONFIG)
    gap_end = spring()
    applied_at = gap_end - timedelta(hours=9, minutes=10)
    stack.start("--clock", moved(applied_at))
    stack.end()  # all firings of the night are lost

    stack.config = None
    stack.start("--clock", moved(gap_end + timedelta(seconds=40)))
    handler = Handler(stack.home / "run" / "campaign.sock")
    for _ in range(3):  # and what comes late comes several times
        for campaign in ("nightly", "skipping", "often"):
            handler.invoke({"campaign": campaign, "scheduled": f"{gap_end:%Y-%m-%dT%H:%M:%SZ}"})
    handler.close()

    night = gap_end - timedelta(hours=9), gap_end
    expected = {
        "nightly": instants("cron(30 2 * * ? *)", *night),
        "skipping": instants("cron(30 2 * * ? *)", *night, "skip"),
        "often": instants("cron(0/30 * * * ? *)", *night),
    }
    assert [sum(each.values()) for each in expected.values()] == [1, 0, 19]
    eventually(lambda: {campaign: subjects(stack, campaign) for campaign in expected} == expected)
    # The clock that stands in for the scheduler takes over where it finds itself.
    eventually(lambda: len(subjects(stack, "soon")) >= 2, within=150)
    assert set(subjects(stack, "soon").values()) == {1}
    assert {campaign: subjects(stack, campaign) for campaign in expected} == expected
