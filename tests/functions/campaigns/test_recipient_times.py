"""Campaigns that each person has at their own local time, and those without a schedule."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from drumbeat.campaigns import catch_up, fire, firing, missed
from drumbeat.campaigns.schedules import missing
from drumbeat.core.campaigns import Campaign, campaign
from drumbeat.core.configuration import Config
from drumbeat.infrastructure.settings import Settings
from drumbeat.relay.sweep import sweep
from drumbeat.services import Services
from tests.faults.clock import SimulatedClock
from tests.functions.campaigns.conftest import SEEDS
from tests.functions.campaigns.test_campaign import applied, delays, fired, to, utc, watched
from tests.functions.console import Console

DIGEST: dict[str, Any] = {
    "schedule": "cron(0 9 * * ? *)",
    "timezone": "recipient",
    "on_gap": "shift",
    "fallback_timezone": "Europe/Berlin",
    "audience": "readers",
}
BY_HAND: dict[str, Any] = {"schedule": None, "timezone": "UTC", "on_gap": "shift"}
NINE = utc("2030-03-10T19:00")  # the eleventh, 9:00, at UTC+14
HOUR = timedelta(hours=1)


def keys(services: Services, source: str = "digest") -> list[str]:
    rows = services.db.run("SELECT key FROM events WHERE source = %s ORDER BY scheduled_at", (source,))
    return [row["key"] for row in rows]


@pytest.mark.point(56)
def test_a_local_time_is_one_event_however_often_it_is_fired(services: Services, clock: SimulatedClock) -> None:
    applied(services, digest=DIGEST)
    to(clock, NINE + timedelta(seconds=5))

    first, again = (fire("digest", NINE, services) for _ in range(2))

    assert (first.new, again.new, first.event == again.event) == (True, False, True)
    assert keys(services) == ["digest@2030-03-11T09:00"]
    assert fired(services, "digest") == [NINE]
    _, event, _ = Console(services).call("GET", f"/v1/events/{first.event}")
    assert event["payload"] == {
        "campaign": "digest",
        "scheduledAt": "2030-03-10T19:00:00Z",
        "local": "2030-03-11T09:00:00",
        "timezone": "recipient",
    }


@pytest.mark.point(57)
def test_one_that_never_comes_is_corrected_by_the_relay(services: Services, clock: SimulatedClock) -> None:
    applied(services, digest=DIGEST)
    watched(services)
    to(clock, NINE + timedelta(minutes=2))

    assert sweep(services).fired == 1
    assert fired(services, "digest") == [NINE]


@pytest.mark.point(57)
def test_it_is_caught_up_until_a_day_after_the_last_zone_had_it(services: Services, clock: SimulatedClock) -> None:
    applied(services, digest=DIGEST, other={**DIGEST, "timezone": "Pacific/Kiritimati"})
    to(clock, NINE + 49 * HOUR)

    found = catch_up(services, full=True)

    assert fired(services, "digest") == [NINE, NINE + 24 * HOUR, NINE + 48 * HOUR]
    assert fired(services, "other") == [NINE + 48 * HOUR]
    assert [(each.campaign, each.scheduled_at) for each in found.missed] == [
        ("other", NINE + 24 * HOUR),
        ("other", NINE),
    ]


@pytest.mark.point(57)
def test_what_is_older_is_missed(services: Services, clock: SimulatedClock) -> None:
    applied(services, digest=DIGEST)
    to(clock, NINE + 51 * HOUR)

    catch_up(services)

    assert fired(services, "digest") == [NINE + 24 * HOUR, NINE + 48 * HOUR]
    assert [each.scheduled_at for each in missed(services.db)] == [NINE]
    assert "no instant lately" in str(fire("digest", NINE, services).ignored)


def test_a_night_on_which_a_zone_skips_the_time_is_an_event_all_the_same(
    services: Services, clock: SimulatedClock
) -> None:
    """Its people are another matter: New York has no 2:30 on the tenth."""
    applied(services, night={**DIGEST, "schedule": "cron(30 2 * * ? *)", "on_gap": "skip"})
    to(clock, utc("2030-03-11T12:31"))

    catch_up(services)

    assert keys(services, "night") == ["night@2030-03-11T02:30", "night@2030-03-12T02:30"]


@pytest.mark.point(56)
@pytest.mark.point(57)
@pytest.mark.parametrize("seed", SEEDS)
def test_days_of_lost_doubled_and_late_firings(services: Services, clock: SimulatedClock, seed: int) -> None:
    chance = Random(seed)
    applied(services, digest=DIGEST)
    days = [NINE + number * 24 * HOUR for number in range(3)]
    firings = sorted((at + delay, at) for at in days for delay in delays(chance))

    while clock.now() < days[-1] + 4 * HOUR:
        while firings and firings[0][0] <= clock.now():
            fire("digest", firings.pop(0)[1], services)
        sweep(services)
        to(clock, clock.now() + timedelta(minutes=20))

    assert fired(services, "digest") == days
    assert keys(services) == [f"digest@2030-03-{day}T09:00" for day in (11, 12, 13)]


# ---------------------------------------------------------------- by hand, and around


def test_a_campaign_without_a_schedule_never_fires_by_itself(services: Services, clock: SimulatedClock) -> None:
    applied(services, launch=BY_HAND)
    watched(services)
    to(clock, clock.now() + 72 * HOUR)

    summary = sweep(services)

    assert (summary.fired, summary.missed) == (0, 0)
    assert "no instant lately" in str(fire("launch", clock.now(), services).ignored)
    code, _, _ = Console(services).call("POST", "/v1/campaigns/launch/trigger", {"idempotencyKey": "k"})
    assert (code, keys(services, "launch")) == (202, ["trigger:k"])


def test_a_schedule_that_is_taken_away_keeps_the_instants_that_it_had(
    services: Services, clock: SimulatedClock
) -> None:
    applied(services, digest=DIGEST)
    to(clock, NINE + timedelta(seconds=10))
    applied(services, digest={**DIGEST, "schedule": None})
    to(clock, NINE + 48 * HOUR)

    catch_up(services)

    assert fired(services, "digest") == [NINE]


def test_status_lists_them_with_their_next_time(services: Services, clock: SimulatedClock) -> None:
    applied(services, digest=DIGEST, launch=BY_HAND)

    _, status, _ = Console(services).call("GET", "/v1/status")

    assert status["campaigns"] == [
        {
            "campaign": "digest",
            "schedule": "cron(0 9 * * ? *)",
            "timezone": "recipient",
            "next": "2030-03-10T19:00:00.000Z",
        },
        {"campaign": "launch", "schedule": None, "timezone": "UTC", "next": None},
    ]


def test_one_with_an_audience_is_run_and_not_triggered(services: Services) -> None:
    applied(services, digest=DIGEST)

    code, problem, _ = Console(services).call("POST", "/v1/campaigns/digest/trigger", {"idempotencyKey": "k"})

    assert code == 400
    assert "Nothing was recorded; start it with `drumbeat campaign run digest`" in problem["detail"]
    assert services.db.run("SELECT id FROM events") == []


DOCUMENT = """version: 1
accounts: {mail: {provider: resend, settings: {from: a@b.example}, secrets: {api_key: "env:KEY"}}}
audiences: {readers: {field: plan, is: paid}}
campaigns:
  launch: {}
  digest:
    schedule: "SCHEDULE"
    timezone: recipient
    audience: readers
    steps: [{id: m, account: mail, action: send_email, transactional: r,
             with: {to: "{{ lead.email }}", subject: s, text: t}}]
"""


@pytest.fixture
def group(services: Services, monkeypatch: pytest.MonkeyPatch) -> str:
    name = "recipients"
    monkeypatch.setenv("SCHEDULE_GROUP", name)
    monkeypatch.setenv("SCHEDULE_ROLE_ARN", "arn:aws:iam::000000000000:role/schedule")
    monkeypatch.setenv("CAMPAIGN_FUNCTION_ARN", "arn:aws:lambda:us-east-1:000000000000:function:campaign")
    services.settings = Settings.from_env()
    services.scheduler.create_schedule_group(Name=name)
    return name


def test_apply_makes_a_schedule_at_the_first_zone_and_none_for_what_starts_by_hand(
    services: Services, group: str
) -> None:
    text = DOCUMENT.replace("SCHEDULE", "cron(0 9 ? * MON *)")

    code, answer, _ = Console(services).call("PUT", "/v1/config", {"document": text})

    assert (code, answer["alarms"]["created"]) == (200, ["campaign-digest"])
    made = services.scheduler.get_schedule(GroupName=group, Name="campaign-digest")
    assert (made["ScheduleExpression"], made["ScheduleExpressionTimezone"]) == (
        "cron(0 9 ? * MON *)",
        "Pacific/Kiritimati",
    )
    assert missing([Campaign("launch", None, "UTC", "shift"), campaign("news", DIGEST)], services) == ["news"]


def test_a_time_that_has_passed_in_the_first_zone_is_warned_of(services: Services, clock: SimulatedClock) -> None:
    to(clock, utc("2030-03-10T20:00"))  # in Berlin it is still the tenth
    text = DOCUMENT.replace("SCHEDULE", "at(2030-03-11T09:00:00)")

    _, answer, _ = Console(services).call("PUT", "/v1/config", {"document": text})

    assert [each["line"] for each in answer["warnings"]] == [7]
    assert "this time has passed" in answer["warnings"][0]["message"]


def test_the_key_of_a_local_time_has_seconds_where_it_names_some() -> None:
    digest = campaign("digest", DIGEST)

    assert firing.key(digest, datetime(2030, 3, 10, 19, tzinfo=UTC)) == "digest@2030-03-11T09:00"
    assert firing.key(digest, datetime(2030, 3, 10, 19, 0, 30, tzinfo=UTC)) == "digest@2030-03-11T09:00:30"
    assert Config.load(1, _compiled()).campaigns["digest"] == digest


def _compiled() -> dict[str, Any]:
    parts: dict[str, Any] = {part: {} for part in ("accounts", "sources", "flows", "templates")}
    return {**parts, "campaigns": {"digest": DIGEST}}
