"""Campaigns over a real ledger: whatever happens to the schedules, each instant is one event.

Long, because apply, firing and mending are only right beside each other, over one world.
"""

import json
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, cast

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from drumbeat.access import sql as access_sql
from drumbeat.access.keys import ApiKey
from drumbeat.calendar import Calendar
from drumbeat.campaigns import fire, firing, missed
from drumbeat.core.campaigns import campaign
from drumbeat.infrastructure.settings import Settings
from drumbeat.ingest.door import Door
from drumbeat.ingest.single import Single
from drumbeat.ledger import configs
from drumbeat.relay.lots import FULL_SWEEP_SECONDS
from drumbeat.relay.sweep import sweep
from drumbeat.services import Services
from drumbeat.wakeups.due_index import AGAIN
from functions.campaign import app
from tests.faults.clock import SimulatedClock
from tests.functions.campaigns.conftest import NIGHT, SEEDS
from tests.functions.console import Console, Context

NIGHTLY = {"schedule": "cron(30 2 * * ? *)", "timezone": "America/New_York", "on_gap": "shift"}
MINUTE = timedelta(minutes=1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def applied(services: Services, **campaigns: Any) -> None:
    """Put campaigns in force."""
    parts: dict[str, Any] = {part: {} for part in ("accounts", "sources", "flows", "templates")}
    compiled = {**parts, "campaigns": campaigns}
    configs.insert(
        services.db,
        hash=uuid.uuid4().bytes,
        document="",
        templates={},
        compiled=compiled,
        identities={},
        actor="test",
    )


def fired(services: Services, campaign: str) -> list[datetime]:
    """Return the instants of a campaign that are events, in order."""
    rows = services.db.run(
        "SELECT scheduled_at FROM events WHERE source = %s AND door = 'schedule' ORDER BY scheduled_at", (campaign,)
    )
    return [row["scheduled_at"].astimezone(UTC) for row in rows]


def to(clock: SimulatedClock, at: datetime) -> None:
    clock.advance((at - clock.now()).total_seconds())


# ---------------------------------------------------------------- a firing


@pytest.mark.point(56)
def test_a_firing_is_one_event_however_often_it_comes(services: Services, clock: SimulatedClock) -> None:
    applied(services, hourly={"schedule": "cron(30 * * * ? *)", "timezone": "UTC", "on_gap": "shift"})
    at = utc("2030-03-10T06:30")
    to(clock, at + timedelta(seconds=20))

    first, again = fire("hourly", at, services), fire("hourly", at, services)

    assert (first.new, again.new) == (True, False)
    assert first.event == again.event
    assert fired(services, "hourly") == [at]
    [wake_up] = Console(services).notified()
    assert wake_up.events == (first.event,)


@pytest.mark.point(58)
def test_a_firing_at_the_second_coming_of_a_time_is_its_first(services: Services, clock: SimulatedClock) -> None:
    to(clock, utc("2030-11-03T05:00"))  # New York shows 01:30 at 05:30 and at 06:30
    applied(services, nightly={**NIGHTLY, "schedule": "cron(30 1 * * ? *)"})
    to(clock, utc("2030-11-03T06:30"))

    fire("nightly", utc("2030-11-03T06:30"), services)

    assert fired(services, "nightly") == [utc("2030-11-03T05:30")]


def test_a_scheduler_whose_clock_is_ahead_a_little_is_believed(services: Services, clock: SimulatedClock) -> None:
    applied(services, hourly={"schedule": "cron(30 * * * ? *)", "timezone": "UTC", "on_gap": "shift"})
    at = utc("2030-03-10T06:30")
    to(clock, at - timedelta(seconds=5))

    assert fire("hourly", at, services).new


@pytest.mark.parametrize(
    ("name", "scheduled", "why"),
    [
        ("other", "2030-03-10T06:30", "no campaign of this name"),
        ("nightly", "2030-03-10T06:30", "no instant lately"),  # yesterday's is from before it was in force
        ("nightly", "2031-01-01T00:00", "no instant lately"),  # the future is not fired
        ("nightly", "2030-03-09T07:30", "no instant lately"),
    ],
)
def test_a_firing_that_fits_no_instant_is_ignored(
    services: Services, clock: SimulatedClock, name: str, scheduled: str, why: str
) -> None:
    applied(services, nightly=NIGHTLY)
    to(clock, utc("2030-03-10T06:31"))

    done = fire(name, utc(scheduled), services)

    assert done.event is None
    assert why in str(done.ignored)
    assert services.db.run("SELECT id FROM events") == []


def test_the_handler_fires_and_ignores_what_is_no_firing(services: Services, clock: SimulatedClock) -> None:
    applied(services, hourly={"schedule": "cron(30 * * * ? *)", "timezone": "UTC", "on_gap": "shift"})
    to(clock, utc("2030-03-10T06:30:10"))

    good = invoke({"campaign": "hourly", "scheduled": "2030-03-10T06:30:00Z"})

    assert good["new"] is True
    for bad in ({}, {"campaign": "hourly"}, {"campaign": "hourly", "scheduled": "<aws.scheduler.scheduled-time>"}):
        assert invoke(bad) == {"ignored": "not a firing"}


def invoke(event: dict[str, Any]) -> dict[str, Any]:
    return app.handler(event, cast("LambdaContext", Context()))


# ---------------------------------------------------------------- what the relay corrects


def watched(services: Services) -> None:
    """Sweep as a relay that has run for a while: the next hours it checks only what is due."""
    sweep(services)
    services.due_index.clear([AGAIN])  # it looks again after entries were lost
    services.due_index.watch(full_at=services.clock.now().timestamp() + FULL_SWEEP_SECONDS)


@pytest.mark.point(57)
def test_a_firing_that_never_comes_is_corrected_by_the_relay(services: Services, clock: SimulatedClock) -> None:
    applied(services, hourly={"schedule": "cron(30 * * * ? *)", "timezone": "UTC", "on_gap": "shift"})
    watched(services)
    to(clock, utc("2030-03-10T06:31"))
    early = sweep(services)
    to(clock, utc("2030-03-10T06:31:30"))

    late = sweep(services)

    assert (early.idle, late.idle) == (True, False)  # the schedule gets its time before the ledger is read
    assert late.fired == 1
    assert fired(services, "hourly") == [utc("2030-03-10T06:30")]


@pytest.mark.point(58)
def test_the_time_that_the_scheduler_skips_is_fired_by_the_relay_at_the_end_of_the_gap(
    services: Services, clock: SimulatedClock
) -> None:
    applied(services, nightly=NIGHTLY)
    watched(services)
    to(clock, utc("2030-03-10T06:59:59"))
    before = sweep(services)
    to(clock, utc("2030-03-10T07:00"))

    at_the_end = sweep(services)

    assert (before.idle, at_the_end.fired) == (True, 1)
    assert fired(services, "nightly") == [utc("2030-03-10T07:00")]


def test_a_firing_in_time_leaves_the_ledger_asleep_until_the_next(services: Services, clock: SimulatedClock) -> None:
    applied(services, hourly={"schedule": "cron(30 * * * ? *)", "timezone": "UTC", "on_gap": "shift"})
    watched(services)
    to(clock, utc("2030-03-10T06:30:10"))
    done = fire("hourly", utc("2030-03-10T06:30"), services)
    services.notifier.clear(events=[done.event] if done.event else [])
    trips = services.db.round_trips
    to(clock, utc("2030-03-10T07:31"))

    assert sweep(services).idle
    assert services.db.round_trips == trips


@pytest.mark.point(57)
def test_an_old_firing_that_comes_again_does_not_hide_a_lost_one(services: Services, clock: SimulatedClock) -> None:
    applied(services, hourly={"schedule": "cron(30 * * * ? *)", "timezone": "UTC", "on_gap": "shift"})
    watched(services)
    to(clock, utc("2030-03-10T06:30:10"))
    fire("hourly", utc("2030-03-10T06:30"), services)
    to(clock, utc("2030-03-10T07:30:10"))  # this hour's is lost
    fire("hourly", utc("2030-03-10T06:30"), services)
    to(clock, utc("2030-03-10T07:32"))

    sweep(services)

    assert fired(services, "hourly") == [utc("2030-03-10T06:30"), utc("2030-03-10T07:30")]


@pytest.mark.point(57)
def test_after_an_outage_the_last_day_is_caught_up_and_what_is_older_is_reported(
    services: Services, clock: SimulatedClock, caplog: pytest.LogCaptureFixture
) -> None:
    applied(services, hourly={"schedule": "rate(6 hours)", "timezone": "UTC", "on_gap": "shift"})
    start = clock.now()
    to(clock, start + timedelta(hours=60))

    summary = sweep(services)

    assert fired(services, "hourly") == [start + timedelta(hours=hours) for hours in (36, 42, 48, 54, 60)]
    assert [each.scheduled_at for each in missed(services.db)] == [
        start + timedelta(hours=hours) for hours in (30, 24, 18, 12, 6, 0)
    ]
    assert (summary.fired, summary.missed) == (5, 6)
    assert "campaign_missed" in caplog.messages
    _, status, _ = Console(services).call("GET", "/v1/status")
    assert status["missed"][0] == {"campaign": "hourly", "scheduledAt": "2030-03-11T12:00:00.000Z"}


@pytest.mark.point(57)
def test_status_lists_the_next_time_of_each_campaign_and_never_is_one(
    services: Services, clock: SimulatedClock
) -> None:
    gone = {"schedule": "at(2030-03-10T00:00:00)", "timezone": "UTC", "on_gap": "shift"}
    applied(services, nightly=NIGHTLY, gone=gone, old=hourly(0))
    applied(services, nightly=NIGHTLY, gone=gone)

    _, status, _ = Console(services).call("GET", "/v1/status")

    assert status["campaigns"] == [
        {"campaign": "gone", "schedule": "at(2030-03-10T00:00:00)", "timezone": "UTC", "next": None},
        {
            "campaign": "nightly",
            "schedule": "cron(30 2 * * ? *)",
            "timezone": "America/New_York",
            "next": "2030-03-10T07:00:00.000Z",
        },
    ]


def test_a_time_that_has_passed_is_warned_of_unless_the_campaign_fired_then_or_still_will(
    services: Services, clock: SimulatedClock
) -> None:
    at = NIGHT + timedelta(minutes=30)
    document = f'version: 1\ncampaigns:\n  launch:\n    schedule: "at({at:%Y-%m-%dT%H:%M:%S})"\n'
    console = Console(services)

    def warned(document: str) -> list[int]:
        code, answer, _ = console.call("PUT", "/v1/config", {"document": document})
        assert code == 200
        return [each["line"] for each in answer["warnings"]]

    assert warned(document) == []  # half an hour to go
    to(clock, at + timedelta(seconds=45))
    assert warned(f"{document}\n# caught up within the day") == []
    assert warned(document.replace("launch", "other")) == [4]  # was not in force then
    sweep(services)
    assert fired(services, "launch") == [at]
    to(clock, at + timedelta(days=400))
    assert warned(document) == []  # fired then
    assert warned(document.replace("launch", "third")) == [4]


def test_a_new_or_changed_schedule_has_no_past(services: Services, clock: SimulatedClock) -> None:
    applied(services, hourly=hourly(0))
    to(clock, utc("2030-03-10T06:20"))
    applied(services, hourly=hourly(10), new=hourly(10))
    to(clock, utc("2030-03-10T07:10"))

    sweep(services)

    assert fired(services, "hourly") == [utc("2030-03-10T06:00"), utc("2030-03-10T07:10")]
    assert fired(services, "new") == [utc("2030-03-10T07:10")]


def test_a_campaign_that_is_not_understood_any_more_stops_no_other(services: Services, clock: SimulatedClock) -> None:
    applied(
        services,
        broken={"schedule": "cron(whenever)", "timezone": "UTC", "on_gap": "shift"},
        hourly={"schedule": "cron(30 * * * ? *)", "timezone": "UTC", "on_gap": "shift"},
    )
    to(clock, utc("2030-03-10T06:30"))

    assert sweep(services).fired == 1


# ---------------------------------------------------------------- edited between an instant and its recording


def hourly(minute: int, timezone: str = "UTC") -> dict[str, Any]:
    return {"schedule": f"cron({minute} * * * ? *)", "timezone": timezone, "on_gap": "shift"}


SCHEDULER = "scheduler"
RELAY = "relay"


def notice(services: Services, clock: SimulatedClock, who: str, name: str, at: datetime) -> None:
    """Let a late firing of the scheduler, or the relay in its place, record what has passed."""
    if who == SCHEDULER:
        fire(name, at, services)
    else:
        to(clock, max(clock.now(), at + 2 * MINUTE))
        sweep(services)


HALF_PAST = utc("2030-03-10T06:30")


@pytest.mark.parametrize("who", [SCHEDULER, RELAY])
@pytest.mark.parametrize(
    "edited",
    [
        {"digest": hourly(15)},  # another schedule
        {"digest": hourly(30, "America/New_York")},  # another zone
        {},  # removed
        {"news": hourly(30)},  # renamed
        {"digest": {**hourly(30), "on_gap": "skip"}},  # something else of it
    ],
)
def test_an_instant_counts_by_the_version_that_was_in_force_then(
    services: Services, clock: SimulatedClock, edited: dict[str, Any], who: str
) -> None:
    applied(services, digest=hourly(30))
    sweep(services)
    to(clock, HALF_PAST + timedelta(seconds=30))
    applied(services, **edited)
    to(clock, HALF_PAST + timedelta(seconds=40))

    notice(services, clock, who, "digest", HALF_PAST)

    assert fired(services, "digest") == [HALF_PAST]
    assert fired(services, "news") == []
    (row,) = services.db.run(
        "SELECT convert_from(body, 'UTF8')::jsonb -> 'payload' ->> 'timezone' AS zone FROM payloads"
    )
    assert row["zone"] == "UTC"


@pytest.mark.parametrize("who", [SCHEDULER, RELAY])
@pytest.mark.parametrize("seconds", [0.000001, 0.5, 30.0])
def test_an_instant_from_before_its_schedule_is_not_made_up(
    services: Services, clock: SimulatedClock, who: str, seconds: float
) -> None:
    applied(services, digest=hourly(59))
    to(clock, HALF_PAST + timedelta(seconds=seconds))
    applied(services, digest=hourly(30))

    notice(services, clock, who, "digest", HALF_PAST)

    assert fired(services, "digest") == []


@pytest.mark.parametrize("who", [SCHEDULER, RELAY])
def test_a_schedule_that_is_applied_at_its_instant_is_in_force_then(
    services: Services, clock: SimulatedClock, who: str
) -> None:
    applied(services, digest=hourly(30), news=hourly(59))
    to(clock, HALF_PAST)
    applied(services, digest=hourly(59), news=hourly(30))

    for name in ("digest", "news"):
        notice(services, clock, who, name, HALF_PAST)

    assert (fired(services, "digest"), fired(services, "news")) == ([], [HALF_PAST])


def test_many_edits_in_an_outage_lose_and_make_up_nothing(services: Services, clock: SimulatedClock) -> None:
    """Each of a day's versions fires what it had, over the night on which the clocks go forward."""
    expected: list[datetime] = []
    for number in range(8):
        entry = {"schedule": f"cron({7 * number} * * * ? *)", "timezone": "America/New_York", "on_gap": "shift"}
        since = clock.now()
        applied(services, digest=entry)
        to(clock, since + timedelta(minutes=61 + number))
        calendar = Calendar(entry["schedule"], entry["timezone"], "shift")
        expected += [each.at for each in calendar.between(since, clock.now() - timedelta(microseconds=1)) if each.at]

    sweep(services)

    assert fired(services, "digest") == expected
    assert len(expected) >= 8


def test_a_late_firing_leaves_the_next_instant_of_its_own_schedule_to_the_relay(
    services: Services, clock: SimulatedClock
) -> None:
    applied(services, digest={**hourly(0), "schedule": "cron(0/10 * * * ? *)"})
    sweep(services)
    to(clock, utc("2030-03-10T06:15"))
    applied(services, digest=hourly(59))
    fire("digest", utc("2030-03-10T06:00"), services)

    to(clock, utc("2030-03-10T06:16"))
    sweep(services)

    assert fired(services, "digest") == [utc("2030-03-10T06:00"), utc("2030-03-10T06:10")]


def test_what_was_missed_under_an_earlier_version_is_reported(services: Services, clock: SimulatedClock) -> None:
    applied(services, digest={**hourly(0), "schedule": "rate(6 hours)"})
    start = clock.now()
    to(clock, start + timedelta(hours=7))
    applied(services)
    to(clock, start + timedelta(hours=40))

    assert sweep(services).fired == 0
    assert [each.scheduled_at for each in missed(services.db)] == [start + timedelta(hours=6), start]


# ---------------------------------------------------------------- a key that another event has


def operator(services: Services) -> ApiKey:
    """A caller that may fire campaigns."""
    key = ApiKey("shop", frozenset({"operate"}))
    access_sql.add(services.db, key.id, "shop", key.scopes, actor="test")
    return key


@pytest.mark.parametrize("who", [SCHEDULER, RELAY])
@pytest.mark.parametrize("same_body", [False, True])
def test_what_another_sent_under_the_key_of_an_instant_is_no_firing_and_is_told(
    services: Services, clock: SimulatedClock, caplog: pytest.LogCaptureFixture, who: str, same_body: bool
) -> None:
    """Before there was a campaign of this name, any caller could use it as a source."""
    key = firing.key(campaign("digest", hourly(30)), HALF_PAST)
    payload = {"campaign": "digest", "key": key} if same_body else {"hello": "world"}
    body = {"type": "CAMPAIGN_TRIGGER", "source": "digest", "payload": payload, "idempotencyKey": key}
    Single(Door(services)).ingest(json.dumps(body).encode(), caller=operator(services))
    applied(services, digest=hourly(30))
    to(clock, HALF_PAST + timedelta(seconds=10))

    notice(services, clock, who, "digest", HALF_PAST)
    notice(services, clock, who, "digest", HALF_PAST)

    assert fired(services, "digest") == []
    (kept,) = services.db.run("SELECT event_id, convert_from(body, 'UTF8')::jsonb AS body FROM conflicts")
    assert kept["event_id"] == firing.event_id(campaign("digest", hourly(30)), HALF_PAST)
    assert kept["body"]["payload"]["campaign"] == "digest"
    assert caplog.messages.count("conflicts_kept") == 1
    _, shown, _ = Console(services).call("GET", f"/v1/events/{kept['event_id']}")
    assert (shown["status"], shown["conflicts"]) == ("attention", 1)


def test_a_firing_whose_key_another_event_has_is_ignored_with_the_reason(
    services: Services, clock: SimulatedClock
) -> None:
    key = firing.key(campaign("digest", hourly(30)), HALF_PAST)
    body = {"type": "CAMPAIGN_TRIGGER", "source": "digest", "payload": {}, "idempotencyKey": key}
    Single(Door(services)).ingest(json.dumps(body).encode(), caller=operator(services))
    applied(services, digest=hourly(30))
    to(clock, HALF_PAST + timedelta(seconds=10))

    done = fire("digest", HALF_PAST, services)

    assert (done.event, done.new) == (None, False)
    assert "another event has the key" in str(done.ignored)


@pytest.mark.point(56)
@pytest.mark.point(57)
@pytest.mark.point(58)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_night_of_lost_doubled_and_late_firings(services: Services, clock: SimulatedClock, seed: int) -> None:
    """Minute by minute over the gap: a scheduler that cannot be trusted, and the relay."""
    chance = Random(seed)
    campaigns = {
        "nightly": NIGHTLY,
        "skipping": {**NIGHTLY, "on_gap": "skip"},
        "often": {"schedule": "cron(0/20 * * * ? *)", "timezone": "America/New_York", "on_gap": "shift"},
        "twice": {"schedule": "cron(30 1,3 * * ? *)", "timezone": "America/New_York", "on_gap": "shift"},
        "beat": {"schedule": "rate(25 minutes)", "timezone": "America/New_York", "on_gap": "shift"},
    }
    applied(services, **campaigns)
    start = clock.now()
    end = start + timedelta(hours=3)
    alarms = sorted(
        (each.at + delay, name, each.at)
        for name, entry in campaigns.items()
        for each in Calendar(entry["schedule"], entry["timezone"], "skip").between(start, end)
        if each.at is not None
        for delay in delays(chance)
    )
    asleep: Counter[bool] = Counter()

    while clock.now() < end + timedelta(minutes=5):
        while alarms and alarms[0][0] <= clock.now():
            _, name, at = alarms.pop(0)
            fire(name, at, services)
        asleep[sweep(services).idle] += 1
        to(clock, clock.now() + MINUTE)

    for name, entry in campaigns.items():
        calendar = Calendar(entry["schedule"], entry["timezone"], entry["on_gap"])
        assert fired(services, name) == [each.at for each in calendar.between(start, clock.now() - MINUTE)], name
    late = services.db.run("SELECT max(recorded_at - scheduled_at) AS late FROM events")[0]["late"]
    assert late <= timedelta(seconds=90) + 2 * MINUTE


def delays(chance: Random) -> list[timedelta]:
    """Return when an alarm goes off after its time: mostly once, sometimes never, twice, or hours late."""
    return chance.choice(
        [
            [timedelta(seconds=chance.randrange(60))],
            [timedelta(seconds=chance.randrange(60))],
            [],
            [timedelta(), timedelta(seconds=30)],
            [timedelta(seconds=10), timedelta(minutes=chance.randrange(60))],
            [timedelta(minutes=chance.randrange(180))],
        ]
    )


# ---------------------------------------------------------------- by hand, and through the front door


def test_a_campaign_is_fired_by_hand_once_for_each_key(services: Services) -> None:
    applied(services, digest=NIGHTLY)
    console = Console(services)

    code, first, _ = console.call("POST", "/v1/campaigns/digest/trigger", {"idempotencyKey": "today"})
    again, same, headers = console.call("POST", "/v1/campaigns/digest/trigger", {"idempotencyKey": "today"})

    assert (code, again) == (202, 200)
    assert first == same
    assert headers["Idempotent-Replayed"] == "true"
    _, event, _ = console.call("GET", f"/v1/events/{first['eventId']}")
    assert (event["source"], event["type"], event["door"]) == ("digest", "CAMPAIGN_TRIGGER", "api")
    assert event["payload"]["campaign"] == "digest"
    assert event["payload"]["triggeredBy"] == "person:ada"


@pytest.mark.parametrize("header", ["", "a,b", "x" * 256, "tab\there", "caf\u00e9"])
@pytest.mark.parametrize("body", [None, {"idempotencyKey": "a,b"}])
def test_a_triggers_key_in_a_header_comes_once_and_is_plain(services: Services, header: str, body: object) -> None:
    applied(services, digest=NIGHTLY)
    console = Console(services)
    console.headers = {"idempotency-key": header}

    answered, problem, _ = console.call("POST", "/v1/campaigns/digest/trigger", body)

    assert answered == 400
    assert "Idempotency-Key has to come once" in problem["detail"]
    assert services.db.run("SELECT id FROM events") == []


@pytest.mark.parametrize(("header", "code"), [("b", 400), ("a", 202)])
def test_a_trigger_names_one_key(services: Services, header: str, code: int) -> None:
    applied(services, digest=NIGHTLY)
    console = Console(services)
    console.headers = {"idempotency-key": header}

    assert console.call("POST", "/v1/campaigns/digest/trigger", {"idempotencyKey": "a"})[0] == code


@pytest.mark.parametrize(
    ("name", "body", "scopes", "code"),
    [
        ("digest", {}, ("operate",), 400),
        ("digest", None, ("operate",), 400),
        ("digest", {"idempotencyKey": ""}, ("operate",), 400),
        ("digest", {"idempotencyKey": "k", "at": "noon"}, ("operate",), 400),
        ("other", {"idempotencyKey": "k"}, ("operate",), 404),
        ("digest", {"idempotencyKey": "k"}, ("ingest", "read"), 403),
    ],
)
def test_a_trigger_that_is_not_right_records_nothing(
    services: Services, name: str, body: object, scopes: tuple[str, ...], code: int
) -> None:
    applied(services, digest=NIGHTLY)
    console = Console(services)

    answered, problem, _ = console.call("POST", f"/v1/campaigns/{name}/trigger", body, key=console.key(*scopes))

    assert answered == code, problem
    assert services.db.run("SELECT id FROM events") == []


# ---------------------------------------------------------------- apply


DOCUMENT = "version: 1\ncampaigns:\n"
DIGEST = "  digest: {schedule: 'cron(0 9 ? * MON *)', timezone: America/New_York}\n"
BEAT = "  beat: {schedule: rate(7 minutes)}\n"
PAST = "  past: {schedule: 'at(2020-01-01T09:00:00)'}\n"

type Apply = Callable[[str], dict[str, Any]]


@pytest.fixture
def group(services: Services, monkeypatch: pytest.MonkeyPatch) -> str:
    """A schedule group with a schedule that is none of ours."""
    name = f"group-{uuid.uuid4().hex}"
    monkeypatch.setenv("SCHEDULE_GROUP", name)
    monkeypatch.setenv("SCHEDULE_ROLE_ARN", "arn:aws:iam::000000000000:role/schedule")
    monkeypatch.setenv("SCHEDULE_DLQ_ARN", "arn:aws:sqs:us-east-1:000000000000:dead")
    monkeypatch.setenv("CAMPAIGN_FUNCTION_ARN", "arn:aws:lambda:us-east-1:000000000000:function:campaign")
    services.settings = Settings.from_env()
    services.scheduler.create_schedule_group(Name=name)
    services.scheduler.create_schedule(
        GroupName=name,
        Name="drumbeat-relay",
        ScheduleExpression="rate(1 minute)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": "arn:aws:lambda:us-east-1:000000000000:function:relay", "RoleArn": "arn:aws:iam::0:role/r"},
    )
    return name


@pytest.fixture
def apply(services: Services) -> Apply:
    def apply(campaigns: str) -> dict[str, Any]:
        document = DOCUMENT + campaigns if campaigns else "version: 1\n"
        code, answer, _ = Console(services).call("PUT", "/v1/config", {"document": document})
        assert code == 200, answer
        return cast("dict[str, Any]", answer["alarms"])

    return apply


def names(services: Services, group: str) -> set[str]:
    return {each["Name"] for each in services.scheduler.list_schedules(GroupName=group)["Schedules"]}


def test_apply_creates_changes_and_removes_schedules_and_touches_no_other(
    services: Services, group: str, apply: Apply
) -> None:
    created = apply(DIGEST + BEAT + PAST)
    same = apply(DIGEST + BEAT + PAST)
    changed = apply(DIGEST.replace("0 9", "0 10"))

    assert (created["created"], created["failed"]) == (["campaign-beat", "campaign-digest"], [])
    assert same == {"created": [], "changed": [], "removed": [], "failed": []}
    assert (changed["changed"], changed["removed"]) == (["campaign-digest"], ["campaign-beat"])
    assert names(services, group) == {"campaign-digest", "drumbeat-relay"}
    assert apply("")["removed"] == ["campaign-digest"]
    assert names(services, group) == {"drumbeat-relay"}


def test_a_schedule_says_all_that_the_function_has_to_know(services: Services, group: str, apply: Apply) -> None:
    apply(DIGEST)

    schedule = services.scheduler.get_schedule(GroupName=group, Name="campaign-digest")

    assert schedule["ScheduleExpression"] == "cron(0 9 ? * MON *)"
    assert schedule["ScheduleExpressionTimezone"] == "America/New_York"
    assert schedule["FlexibleTimeWindow"] == {"Mode": "OFF"}
    target = schedule["Target"]
    assert json.loads(target["Input"]) == {"campaign": "digest", "scheduled": "<aws.scheduler.scheduled-time>"}
    assert target["Arn"].endswith(":function:campaign")
    assert target["DeadLetterConfig"]["Arn"].endswith(":dead")


def test_a_rate_starts_at_an_instant_of_our_own_calendar(services: Services, group: str, apply: Apply) -> None:
    apply(BEAT)

    start = services.scheduler.get_schedule(GroupName=group, Name="campaign-beat")["StartDate"]

    assert start.timestamp() % (7 * 60) == 0


def test_what_was_changed_by_hand_is_set_right(services: Services, group: str, apply: Apply) -> None:
    apply(DIGEST)
    schedule = services.scheduler.get_schedule(GroupName=group, Name="campaign-digest")
    services.scheduler.update_schedule(
        GroupName=group,
        Name="campaign-digest",
        State="DISABLED",
        ScheduleExpression=schedule["ScheduleExpression"],
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": schedule["Target"]["Arn"], "RoleArn": schedule["Target"]["RoleArn"]},
    )

    assert apply(DIGEST)["changed"] == ["campaign-digest"]
    assert services.scheduler.get_schedule(GroupName=group, Name="campaign-digest")["State"] == "ENABLED"


@pytest.mark.point(57)
def test_a_scheduler_that_fails_costs_nothing_but_time(
    services: Services, group: str, apply: Apply, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCHEDULE_GROUP", "there-is-no-such-group")
    services.settings = Settings.from_env()

    done = apply(DIGEST)

    assert done["created"] == []
    assert "campaign-digest" in done["failed"][0]
    assert configs.newest_version(services.db) == 1
    assert services.due_index.times(["campaigns"])  # the relay checks it


def test_where_there_is_no_scheduler_apply_asks_none(services: Services, apply: Apply) -> None:
    assert apply(DIGEST) == {"created": [], "changed": [], "removed": [], "failed": []}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ("schedule: 'cron(0 9 * * MON *)'", "must be ?"),
        ("schedule: 'cron(0 9 30 2 ? *)'", "never comes"),
        ("schedule: rate(1 day), on_gap: jump", "there is no jump"),
        ("schedule: rate(1 day), timezone: America/New_Yrok", "did you mean America/New_York?"),
    ],
)
def test_a_schedule_with_a_mistake_is_refused_with_its_line(services: Services, fields: str, said: str) -> None:
    document = f"version: 1\ncampaigns:\n  digest:\n    {{{fields}}}\n"

    code, problem, _ = Console(services).call("PUT", "/v1/config", {"document": document})

    assert code == 400
    [mistake] = problem["mistakes"]
    assert mistake["line"] == 4
    assert said in mistake["message"]
