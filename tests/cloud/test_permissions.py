"""Least privilege, shown: each permission is taken out of its role for a moment, and a step that needs it fails."""

from collections.abc import Iterator

import pytest

from tests.cloud import report_steps, steps
from tests.cloud.deployed import Deployed
from tests.cloud.grants import Grant, Roles
from tests.cloud.steps import Step, finds, fresh, is_kept_from

pytestmark = [pytest.mark.proof, pytest.mark.timeout(300)]

# What these read, by the names of today and of a release before: all in one call, which is denied as a whole.
READ = {
    ("Relay", steps.looks_at_everything): ("database-url", "redis-url", "secret"),
    ("Campaign", steps.fires): ("database-url", "redis-url", "secret"),
    ("Migrate", steps.migrates): ("database-url", "secret"),
}
# What a function reads once and keeps is tested in a fresh process.
NEEDS: dict[Grant, Step] = {
    **{
        Grant(f"{function}Role", "ssm:GetParameters", f"drumbeat/local/{folder}{name}"): fresh(function.lower(), step)
        for (function, step), names in READ.items()
        for name in names
        for folder in ("system/", "")
    },
    Grant("IngestRole", "ssm:GetParameters", "drumbeat/local/*"): fresh("ingest", steps.records),
    Grant("IngestRole", "ssm:GetParameters", "drumbeat/local/admin/*", denied=True): is_kept_from("IngestRole"),
    Grant("IngestRole", "sqs:SendMessage", "EffectsQueue"): steps.notifies,
    Grant("IngestRole", "sqs:SendMessage", "BufferQueue"): steps.buffers,
    Grant("IngestRole", "sqs:SendMessage", "WishesQueue"): steps.keeps_wishes,
    Grant("IngestRole", "sqs:SendMessage", "FeedbackQueue"): report_steps.puts_off,
    Grant("WorkerRole", "ssm:GetParameters", "drumbeat/local/*"): fresh("worker", steps.delivers),
    Grant("WorkerRole", "ssm:GetParameters", "drumbeat/local/admin/*", denied=True): is_kept_from("WorkerRole"),
    Grant("WorkerRole", "sqs:SendMessage", "EffectsQueue"): steps.notifies_for_what_waits,
    Grant("RelayRole", "sqs:SendMessage", "EffectsQueue"): steps.notifies_for_what_was_forgotten,
    Grant("RelayRole", "sqs:GetQueueAttributes", "BufferQueue"): steps.wakes_for_the_buffer,
    Grant("RelayRole", "sqs:ReceiveMessage", "BufferQueue"): steps.wakes_for_the_buffer,
    Grant("RelayRole", "sqs:DeleteMessage", "BufferQueue"): steps.empties_the_buffer,
    Grant("RelayRole", "sqs:GetQueueAttributes", "WishesQueue"): steps.lets_postgres_sleep,
    Grant("RelayRole", "sqs:ReceiveMessage", "WishesQueue"): steps.empties_wishes,
    Grant("RelayRole", "sqs:DeleteMessage", "WishesQueue"): steps.empties_wishes,
    Grant("RelayRole", "sqs:GetQueueAttributes", "FeedbackQueue"): report_steps.records_reports,
    Grant("RelayRole", "sqs:ReceiveMessage", "FeedbackQueue"): report_steps.empties_reports,
    Grant("RelayRole", "sqs:DeleteMessage", "FeedbackQueue"): report_steps.empties_reports,
    Grant("RelayRole", "sqs:SendMessage", "BufferQueue"): report_steps.shows_reports,
    Grant("CampaignRole", "sqs:SendMessage", "EffectsQueue"): steps.fires,
    Grant("ConsoleRole", "ssm:GetParameters", "drumbeat/local/*"): fresh("console", steps.answers),
    Grant("ConsoleRole", "ssm:GetParameters", "drumbeat/local/admin/*", denied=True): is_kept_from("ConsoleRole"),
    Grant("ConsoleRole", "sqs:SendMessage", "EffectsQueue"): steps.redrives,
    Grant("ConsoleRole", "sqs:DeleteMessage", "EffectsDeadLetters"): steps.redrives,
    Grant("ConsoleRole", "sqs:ReceiveMessage", "EffectsDeadLetters"): steps.shows_dead_letters,
    Grant("ConsoleRole", "sqs:ChangeMessageVisibility", "EffectsDeadLetters"): steps.shows_dead_letters,
    Grant("ConsoleRole", "sqs:GetQueueAttributes", "EffectsDeadLetters"): steps.counts_dead_letters,
    Grant("ConsoleRole", "sqs:GetQueueAttributes", "EffectsQueue"): finds("effects queue"),
    Grant("ConsoleRole", "sqs:GetQueueAttributes", "BufferQueue"): finds("buffer queue"),
    Grant("ConsoleRole", "sqs:GetQueueAttributes", "WishesQueue"): finds("wishes queue"),
    Grant("ConsoleRole", "scheduler:CreateSchedule", "schedule/drumbeat-local/campaign-*"): steps.aligns_schedules,
    Grant("ConsoleRole", "scheduler:GetSchedule", "schedule/drumbeat-local/campaign-*"): steps.aligns_schedules,
    Grant("ConsoleRole", "scheduler:UpdateSchedule", "schedule/drumbeat-local/campaign-*"): steps.aligns_schedules,
    Grant("ConsoleRole", "scheduler:DeleteSchedule", "schedule/drumbeat-local/campaign-*"): steps.aligns_schedules,
    Grant("ConsoleRole", "scheduler:ListSchedules", "*"): finds("schedules of campaigns"),
    Grant("ConsoleRole", "cloudwatch:DescribeAlarms", "*"): finds("alarms"),
    Grant("ConsoleRole", "sns:ListSubscriptionsByTopic", "drumbeat-local-alarms"): finds("mail for alarms"),
    Grant("MigrateRole", "ssm:GetParameters", "drumbeat/local/admin/database-url"): fresh("migrate", steps.migrates),
    Grant("MigrateRole", "ssm:PutParameter", "drumbeat/local/admin/first-key"): steps.migrates,
}

# What the emulator does without asking the role, so that no step fails here; on AWS one would.
LOGS = "the emulator writes a function's log itself; without them AWS drops every line"
MAPPING = "the emulator's mapping takes messages itself; without them AWS refuses to make the mapping"
SCHEDULER = "the emulator's scheduler invokes its targets itself; AWS assumes this role"
DESTINATION = "the emulator keeps failed invocations itself; without it AWS refuses the destination"
BEFORE = "the release before reads its parameters so, and runs on while this one is deployed; the next drops it"
PASSED = "the emulator lets everybody pass roles; without it AWS refuses to make a schedule"
COUNTED = "without it the snapshot says that the count of dead letters is not known"
NOT_ASKED: dict[tuple[str, str], str] = {
    **{(f"{name}Role", f"logs:{action}"): LOGS
       for name in ("Ingest", "Worker", "Relay", "Campaign", "Console", "Migrate")
       for action in ("CreateLogStream", "PutLogEvents")},
    **{("WorkerRole", f"sqs:{action}"): MAPPING
       for action in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")},
    **{(f"{name}ScheduleRole", action): SCHEDULER
       for name in ("Relay", "Campaign")
       for action in ("lambda:InvokeFunction", "sqs:SendMessage")},
    **{(f"{name}Role", "ssm:GetParameter"): BEFORE
       for name in ("Ingest", "Worker", "Relay", "Campaign", "Console", "Migrate")},
    ("ConsoleRole", "iam:PassRole"): PASSED,
    ("RelayRole", "sqs:GetQueueAttributes"): COUNTED,
}  # fmt: skip
KEPT = Grant("CampaignRole", "sqs:SendMessage", "ScheduleDeadLetters")


@pytest.fixture(scope="module")
def quiet(cloud: Deployed) -> Iterator[Deployed]:
    """The deployment, in which only the test invokes functions."""
    with cloud.still():
        yield cloud
    cloud.purge("EffectsQueue", "BufferQueue", "WishesQueue", "FeedbackQueue", "EffectsDeadLetters")


def reason(grant: Grant) -> str | None:
    """Say why taking a permission away shows nothing here; None: it does."""
    return DESTINATION if grant == KEPT else NOT_ASKED.get((grant.role, grant.action)) if grant not in NEEDS else None


def test_every_permission_is_needed_by_some_step(cloud: Deployed, capsys: pytest.CaptureFixture[str]) -> None:
    granted = Roles(cloud).grants()

    unexplained = {str(each) for each in granted if each not in NEEDS and reason(each) is None}

    assert unexplained == set()
    assert {str(each) for each in NEEDS} - {str(each) for each in granted} == set()
    with capsys.disabled():
        print("\n")
        for grant in sorted(granted, key=lambda each: (each not in NEEDS, str(each))):
            print(f"  {grant!s:<86} {(NEEDS[grant].__doc__ if grant in NEEDS else f'not shown: {reason(grant)}')}")


@pytest.mark.parametrize("grant", NEEDS, ids=str)
def test_without_a_permission_the_step_that_needs_it_fails(quiet: Deployed, grant: Grant) -> None:
    step = NEEDS[grant]

    with Roles(quiet).without(grant):
        possible = step(quiet)

    assert not possible, f"{grant} is superfluous"
    assert step(quiet), "the step fails with every permission, too"


@pytest.mark.parametrize("function", ["ingest", "worker", "console"])
def test_secrets_of_any_name_may_be_read_because_accounts_and_sources_choose_them(
    quiet: Deployed, function: str
) -> None:
    """A function that might read its own three parameters only would not do."""
    step = {
        "ingest": fresh("ingest", lambda cloud: cloud.deliver("shop", "any-name") in (200, 202)),
        "worker": fresh("worker", steps.delivers),
        "console": fresh("console", finds("secret of source shop")),
    }[function]
    role = f"{function.capitalize()}Role"

    with Roles(quiet).narrowed(
        Grant(role, "ssm:GetParameters", "drumbeat/local/*"), ["system/*", "database-url", "redis-url", "secret"]
    ):
        possible = step(quiet)

    assert not possible
    assert step(quiet)
