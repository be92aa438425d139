"""The template: valid, least privilege, and in step with the code it deploys."""

import json
import os
import re
import subprocess
import tomllib
from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from cfnlint.api import lint_file

from drumbeat.access import first_key
from drumbeat.audit import PATIENCE_SECONDS
from drumbeat.campaigns.schedules import PREFIX
from drumbeat.core.errors import SettingsError
from drumbeat.infrastructure.settings import Settings
from drumbeat.infrastructure.sqs.client import CALL_SECONDS
from drumbeat.ledger.database import CONNECT_TIMEOUT_SECONDS
from drumbeat.local.gateway import Routes
from drumbeat.local.template import Reference, Template
from drumbeat.public.routes import ANYTHING
from drumbeat.relay.lots import RENOTIFY_SECONDS
from drumbeat.relay.sweep import DRAIN_SECONDS, LOCK_SECONDS, RESERVED_SECONDS
from functions.console import app as console
from functions.ingest import app as ingest
from tests.build.conftest import TOOLS, tool
from tests.build.stack import ROOT, Document, environment, expand, functions, listed, resources, role, statements

FUNCTIONS = ("campaign", "console", "ingest", "migrate", "relay", "worker")

MINUTE = 60  # between two sweeps

# Actions that know no narrower resource.
ON_ALL = {"scheduler:ListSchedules", "cloudwatch:DescribeAlarms"}

# What each function cannot do without.
NEEDED = {
    "campaign": {"database_url", "redis_url", "secret", "effects_queue_url"},
    "ingest": {
        *("database_url", "redis_url", "secret", "effects_queue_url", "buffer_queue_url", "wishes_queue_url"),
        "feedback_queue_url",
    },
    "worker": {"database_url", "redis_url", "secret", "effects_queue_url"},
    "relay": {
        *("database_url", "redis_url", "secret", "effects_queue_url", "buffer_queue_url", "wishes_queue_url"),
        "feedback_queue_url",
    },
    "console": {
        *("database_url", "redis_url", "secret", "effects_queue_url", "buffer_queue_url", "wishes_queue_url"),
        *("dlq_url", "schedule_group", "schedule_role_arn", "campaign_function_arn"),
        *("schedule_dlq_arn", "alarm_topic_arn"),
    },
    "migrate": {"database_url", "admin_database_url", "secret"},
}
MOST_ALARMS = 11  # ten are free

# What cfripper says of permissions that are meant, and why.
MEANT = {
    # Listing knows no narrower resource; the console needs it to remove the schedules of campaigns that are gone.
    '- WildcardResourceRule: "ConsoleRole" is using a wildcard resource in "console" for "scheduler:ListSchedules"',
    # Neither does asking for the alarms of a topic; `drumbeat smoke` says which of them are on.
    '- WildcardResourceRule: "ConsoleRole" is using a wildcard resource in "console" for "cloudwatch:DescribeAlarms"',
}


def test_cfn_lint_finds_nothing() -> None:
    assert [str(match) for match in lint_file(ROOT / "template.yaml")] == []


def test_checkov_finds_nothing_that_is_not_reasoned_away() -> None:
    command = [tool("checkov"), "-f", "template.yaml", "--config-file", ".checkov.yaml"]

    done = subprocess.run(command, cwd=ROOT, env=os.environ | {"PATH": TOOLS}, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr


def test_cfripper_finds_no_risky_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After SAM's own expansion, so that what SAM would add is judged, too."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    expanded = tmp_path / "template.json"
    expanded.write_text(json.dumps(expand((ROOT / "template.yaml").read_text())))

    done = subprocess.run(
        [tool("cfripper"), str(expanded), "--format", "txt", "--resolve"],
        env=os.environ | {"PATH": TOOLS},
        capture_output=True,
        text=True,
    )

    found = {line.strip() for line in done.stdout.splitlines() if line.strip().startswith("- ")}
    assert "Valid:" in done.stdout, done.stderr
    assert found <= MEANT, found - MEANT


def test_every_folder_of_functions_is_deployed(document: Document) -> None:
    folders = {folder.parent.name for folder in (ROOT / "functions").glob("*/app.py")}

    assert set(functions(document)) == folders == set(FUNCTIONS)


def paths(resolver: APIGatewayHttpResolver) -> Iterator[tuple[str, str]]:
    for route in (*resolver._static_routes, *resolver._dynamic_routes):
        for method in listed(route.method):
            yield method, re.sub(r"<\w+>", "{}", route.path.replace(ANYTHING, "{+}"))


def test_the_routes_of_ingest_are_those_that_its_handler_knows(template: Template) -> None:
    named = [route for route in template.routes if route.function == "ingest"]

    assert {(r.method, re.sub(r"\{\w+(\+?)\}", r"{\1}", r.path)) for r in named} == set(paths(ingest.app))


def test_no_other_function_is_given_what_the_console_answers(template: Template) -> None:
    routes = Routes(template.routes)
    known = [(method, path.replace("{}", "one")) for method, path in paths(console.app)]
    found = {(method, path): routes.find(method, path) for method, path in known}

    assert {asked: route for asked, route in found.items() if route is None or route[0].function != "console"} == {}


def test_a_functions_policy_has_room_for_its_routes(template: Template) -> None:
    """Each route is a statement of some 400 bytes; the policy of a function may have 20,480 (Lambda's quotas)."""
    routes = Counter(route.function for route in template.routes)

    assert max(routes.values()) * 400 < 20_480


def test_what_has_no_route_is_answered_by_the_console(template: Template) -> None:
    assert [(r.method, r.function) for r in template.routes if r.path == "$default"] == [("ANY", "console")]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_gets_what_it_needs(document: Document, function: str) -> None:
    settings = Settings.from_env(environment(document, function))

    assert {name for name in NEEDED[function] if not getattr(settings, name)} == set()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_gets_no_variable_that_it_does_not_read(document: Document, function: str) -> None:
    variables = environment(document, function)
    ours = {name for name in variables if not name.startswith("POWERTOOLS_")}

    def changes(name: str) -> bool:
        try:
            return Settings.from_env(variables | {name: "7"}) != Settings.from_env(variables)
        except SettingsError:
            return True

    assert {name for name in ours if not changes(name)} == set()


def test_the_first_key_is_where_the_outputs_say(document: Document) -> None:
    output = document["Outputs"]["FirstKeyParameter"]["Value"]

    assert output.argument.replace("${Stage}", "prod") == first_key.parameter("prod")


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_role_names_what_it_may_touch(document: Document, function: str) -> None:
    for statement in statements(document, role(document, function)):
        assert "NotAction" not in statement
        for action in listed(statement["Action"]):
            assert "*" not in action
        if ON_ALL.issuperset(listed(statement["Action"])):
            continue
        for resource in listed(statement["Resource"]):
            assert isinstance(resource, Reference)
            assert not re.search(r"[^/-]\*", str(resource.argument))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_gets_no_parameter_that_its_role_may_not_read(document: Document, function: str) -> None:
    """They are read in one call, which AWS denies as a whole."""
    named = {f"parameter{name}" for name in Settings.from_env(environment(document, function)).parameters}
    may_read: dict[str, set[str]] = {"Allow": set(), "Deny": set()}
    for statement in statements(document, role(document, function)):
        if "ssm:GetParameters" in listed(statement["Action"]):
            arns = [str(resource.argument).replace("${Stage}", "dev") for resource in listed(statement["Resource"])]
            may_read[statement["Effect"]] |= {arn.rpartition(":")[2] for arn in arns}

    assert named
    assert all(any(fnmatch(name, pattern) for pattern in may_read["Allow"]) for name in named)
    assert not any(fnmatch(name, pattern) for pattern in may_read["Deny"] for name in named)
    assert {pattern for pattern in may_read["Allow"] if not pattern.endswith("*")} <= named


@pytest.mark.parametrize("function", sorted(set(FUNCTIONS) - {"migrate"}))
def test_only_the_deploy_hook_may_read_the_owners_secrets(document: Document, function: str) -> None:
    allowed = [s for s in statements(document, role(document, function)) if "ssm:GetParameters" in listed(s["Action"])]
    denied = [s["Resource"].argument for s in allowed if s["Effect"] == "Deny"]
    whole = [s for s in allowed if s["Effect"] == "Allow" and str(listed(s["Resource"])[0].argument).endswith("/*")]

    assert bool(whole) == any(text.endswith("/drumbeat/${Stage}/admin/*") for text in denied)


def test_the_console_may_change_schedules_of_campaigns_alone(document: Document) -> None:
    allowed = {
        action: str(statement["Resource"].argument)
        for statement in statements(document, role(document, "console"))
        for action in listed(statement["Action"])
        if action.startswith("scheduler:") and action not in ON_ALL
    }

    assert allowed
    assert {resource.partition(":schedule/")[2] for resource in allowed.values()} == {f"${{Schedules}}/{PREFIX}*"}


@pytest.mark.point(61)
def test_other_code_migrates_before_any_function_runs_it(document: Document, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    text = (ROOT / "template.yaml").read_text()

    def schema(code: str) -> object:
        return expand(text, CodeLayer=code)["Resources"]["Schema"]["Properties"]

    assert schema("one") == schema("one")
    assert schema("one") != schema("two")
    later = {name for name, each in document["Resources"].items() if each.get("DependsOn") == "Schema"}
    assert later == {f"{name.capitalize()}Function" for name in FUNCTIONS} - {"MigrateFunction"}


@pytest.mark.parametrize("layer", ["CodeLayer", "DependenciesLayer"])
def test_other_code_in_a_layer_is_another_version_of_each_function(layer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    text = (ROOT / "template.yaml").read_text()

    before, after = (resources(expand(text, **{layer: code}), "AWS::Lambda::Version") for code in ("one", "two"))

    assert (
        len(before) == len(after) == len(FUNCTIONS) - 1
    )  # the deploy hook has none: it is complete when it is invoked
    assert before.keys().isdisjoint(after)


def test_a_parameter_of_a_function_is_in_the_description_of_its_versions(document: Document) -> None:
    """SAM makes no version when only a parameter changes; for another description CloudFormation does."""
    common = document["Globals"]["Function"]
    described = common["Description"]
    used = set(re.findall(r"argument='(\w+)'", repr((common["VpcConfig"], functions(document)))))
    used |= {"DatabaseAccess", "Profile"}  # by the conditions Direct and InVpc

    named = {name for name in document["Parameters"] if f"'{name}'" in repr(described)}

    assert (used & document["Parameters"].keys()) - {"Stage"} <= named
    assert {name for name, each in functions(document).items() if each.get("VersionDescription") != described} == {
        "migrate"
    }


def test_whatever_invokes_a_function_names_its_alias(document: Document, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    expanded = expand((ROOT / "template.yaml").read_text())

    invoked = [
        *(each["FunctionName"] for each in resources(expanded, "AWS::Lambda::EventSourceMapping").values()),
        *(each["FunctionName"] for each in resources(expanded, "AWS::Lambda::Permission").values()),
        *(each["Target"]["Arn"] for each in resources(expanded, "AWS::Scheduler::Schedule").values()),
        environment(document, "console")["CAMPAIGN_FUNCTION_ARN"],
    ]
    uris = set(re.findall(r"functions/\$\{(\w+)\}/invocations", json.dumps(expanded["Resources"]["HttpApi"])))

    aliases = {f"{name.capitalize()}FunctionAliaslive" for name in FUNCTIONS}
    assert invoked.pop() == "CampaignFunction.Alias"
    assert {each["Ref"] for each in invoked} | uris <= aliases
    assert uris == {"IngestFunctionAliaslive", "ConsoleFunctionAliaslive"}
    hook = expanded["Resources"]["Schema"]["Properties"]["ServiceToken"]
    assert hook == {
        "Fn::GetAtt": ["MigrateFunction", "Arn"]
    }  # CloudFormation refuses another one for a stack that exists


@pytest.mark.parametrize("function", ["campaign", "relay"])
def test_what_a_schedule_could_not_start_in_time_is_not_started_later(document: Document, function: str) -> None:
    assert functions(document)[function]["EventInvokeConfig"]["MaximumEventAgeInSeconds"] <= 3600


def test_a_queue_is_open_to_plain_http_in_the_emulator_only(document: Document) -> None:
    assert document["Resources"]["TlsOnly"]["Condition"] == "NotEmulated"
    assert "AWS::AccountId" in repr(document["Conditions"]["NotEmulated"])
    assert "Stage" not in repr(document["Conditions"])


def test_what_an_account_has_once_for_all_regions_is_named_by_region(document: Document) -> None:
    (name,) = (each["DashboardName"] for each in resources(document, "AWS::CloudWatch::Dashboard").values())

    assert "${AWS::Region}" in name.argument


@pytest.mark.parametrize("stage", ["default", "prod"])
def test_a_deployment_asks_nothing_and_a_first_one_that_fails_leaves_nothing(stage: str) -> None:
    settings = tomllib.loads((ROOT / "samconfig.toml").read_text())[stage]["deploy"]["parameters"]

    assert settings["confirm_changeset"] is False
    assert settings["resolve_s3"] is True
    assert settings["on_failure"] == "DELETE"
    assert "CAPABILITY_IAM" in settings["capabilities"]


def test_each_function_has_a_role_of_its_own(document: Document) -> None:
    assert len({role(document, function) for function in FUNCTIONS}) == len(FUNCTIONS)


@pytest.mark.point(18)
def test_a_message_stays_hidden_for_six_times_the_workers_time(template: Template) -> None:
    (feed,) = template.feeds

    hidden = int(template.queues[feed.queue].attributes["VisibilityTimeout"])

    assert hidden >= 6 * template.functions[feed.function].timeout


def test_a_relay_that_was_cut_off_does_not_lock_the_next_one_out(document: Document) -> None:
    assert functions(document)["relay"]["Timeout"] <= LOCK_SECONDS < MINUTE
    assert RESERVED_SECONDS < DRAIN_SECONDS < functions(document)["relay"]["Timeout"] / 2
    assert RENOTIFY_SECONDS < MINUTE  # checked again by the next sweep, even one that begins a little early


def test_ingest_answers_before_it_is_cut_off_though_ledger_and_queue_hang(document: Document) -> None:
    patience = float(environment(document, "ingest")["DATABASE_PATIENCE"])

    assert CONNECT_TIMEOUT_SECONDS + patience + CALL_SECONDS < functions(document)["ingest"]["Timeout"]


@pytest.mark.parametrize("function", ["campaign", "console", "relay", "worker"])
def test_a_ledger_that_hangs_is_given_up_before_the_function_is_ended(document: Document, function: str) -> None:
    patience = float(environment(document, function)["DATABASE_PATIENCE"])

    assert CONNECT_TIMEOUT_SECONDS + patience < functions(document)[function]["Timeout"]


def test_the_console_answers_also_where_it_reads_much(document: Document) -> None:
    patience = float(environment(document, "console")["DATABASE_PATIENCE"])

    assert patience == float(environment(document, "ingest")["DATABASE_PATIENCE"])
    assert patience < PATIENCE_SECONDS
    assert functions(document)["console"]["Timeout"] > CONNECT_TIMEOUT_SECONDS + PATIENCE_SECONDS


@pytest.mark.point(17)
def test_a_batch_fails_message_by_message(document: Document) -> None:
    feed = functions(document)["worker"]["Events"]["Doorbell"]["Properties"]

    assert feed["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


@pytest.mark.point(21)
def test_dead_letters_outlive_the_queue_they_come_from(template: Template) -> None:
    for queue in template.queues.values():
        if queue.dead_letters is not None:
            theirs = template.queues[queue.dead_letters].attributes["MessageRetentionPeriod"]
            assert int(theirs) > int(queue.attributes["MessageRetentionPeriod"])


@pytest.mark.point(10)
def test_the_buffer_loses_nothing_for_as_long_as_sqs_can(document: Document, template: Template) -> None:
    buffer = template.queues["BufferQueue"]

    assert buffer.attributes["MessageRetentionPeriod"] == "1209600"
    assert buffer.dead_letters is None
    assert document["Resources"]["BufferQueue"]["DeletionPolicy"] == "RetainExceptOnCreate"
    assert document["Resources"]["BufferQueue"]["UpdateReplacePolicy"] == "Retain"


def test_every_log_has_an_end(document: Document) -> None:
    for properties in resources(document, "AWS::Logs::LogGroup").values():
        assert properties["RetentionInDays"]
    for properties in functions(document).values():
        assert isinstance(properties["LoggingConfig"]["LogGroup"], Reference)


def test_every_start_is_in_the_log_and_no_metric_has_a_dimension_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lambda writes them as JSON from level INFO on; each dimension of a metric of our own is billed."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    expanded = expand((ROOT / "template.yaml").read_text())

    logging = [each["LoggingConfig"] for each in resources(expanded, "AWS::Lambda::Function").values()]

    assert len(logging) == len(FUNCTIONS)
    assert {(each["LogFormat"], each["SystemLogLevel"]) for each in logging} == {("JSON", "INFO")}
    code = "".join(path.read_text() for path in (ROOT / "functions").rglob("*.py"))
    assert "Metrics(" in code
    assert not re.search("capture_cold_start_metric|add_dimension|set_default_dimensions|single_metric", code)


def test_alarms_stay_few_and_have_a_recipient(document: Document) -> None:
    alarms = resources(document, "AWS::CloudWatch::Alarm")

    assert 0 < len(alarms) <= MOST_ALARMS
    assert all(alarm["AlarmActions"] for alarm in alarms.values())


def test_what_the_ledger_does_not_take_is_seen_by_an_alarm(document: Document) -> None:
    """Each queue whose messages exist nowhere else has one, and none asks for an age: SQS leaves out of it what was
    received three times. What the queue of reports holds for longer than an hour the relay moves to the buffer.
    """
    queues = {name: each for name, each in document["Resources"].items() if each["Type"] == "AWS::SQS::Queue"}
    only_there = {name for name, queue in queues.items() if "DeletionPolicy" in queue}
    alarms = resources(document, "AWS::CloudWatch::Alarm").values()
    watched = {
        alarm["Dimensions"][0]["Value"].resource: alarm["MetricName"]
        for alarm in alarms
        if alarm["Namespace"] == "AWS/SQS"
    }

    assert only_there == {"BufferQueue", "WishesQueue", "FeedbackQueue"}
    assert only_there & watched.keys() == {"BufferQueue", "WishesQueue"}
    assert "ApproximateAgeOfOldestMessage" not in watched.values()


def test_alarms_and_dashboard_watch_metrics_that_are_written(document: Document) -> None:
    code = "".join(
        path.read_text() for folder in ("shared/drumbeat", "functions") for path in (ROOT / folder).rglob("*.py")
    )
    alarms = resources(document, "AWS::CloudWatch::Alarm").values()
    watched = {alarm["MetricName"] for alarm in alarms if alarm["Namespace"] == "Drumbeat"}
    board = document["Resources"]["Dashboard"]["Properties"]["DashboardBody"].argument
    ours = board.partition('"Drumbeat"')[2].partition("]}}")[0]
    watched |= set(re.findall(r'"([A-Z][a-z]+[A-Z]\w+)"', ours))

    assert watched
    assert {name for name in watched if f'"{name}"' not in code} == set()


def test_sqs_is_the_workers_only_throttle(document: Document) -> None:
    """A reserved concurrency would fail in a new account, which has ten in all."""
    limit = functions(document)["worker"]["Events"]["Doorbell"]["Properties"]["ScalingConfig"]["MaximumConcurrency"]

    assert limit.argument[0] == "Concurrency"
    allowed = document["Parameters"]["WorkerConcurrency"]["AllowedValues"]
    assert {size: {"Workers": int(size)} for size in allowed} == document["Mappings"]["Concurrency"]
    assert not any("ReservedConcurrentExecutions" in each for each in functions(document).values())


def test_every_parameter_stands_in_the_instructions_with_its_default(document: Document) -> None:
    instructions = (ROOT / "docs" / "deploy.md").read_text()
    rows = dict(re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| (?:`(.*?)`)? ?\|", instructions, re.MULTILINE))
    explained = {name: default for names, default in rows.items() for name in re.findall(r"`(\w+)`", names)}

    declared = {name: str(each.get("Default", "")) for name, each in document["Parameters"].items()}

    assert declared.items() <= explained.items()
