"""The emulated account, where MiniStack is corrected to do as AWS does."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from ministack.core import iam_actions
from ministack.services import eventbridge

from drumbeat.local.cloud import deployment
from drumbeat.local.cloud.emulator import (
    ACCOUNT,
    SCHEDULED_TIME,
    action_of_one,
    arn_of_schedules,
    knowing_the_account,
    with_firing_time,
)
from drumbeat.local.cloud.parameters import arns_of_parameters, for_each


@pytest.mark.parametrize(
    ("named", "meant"),
    [
        ("sqs:SendMessageBatch", "sqs:SendMessage"),
        ("sqs:DeleteMessageBatch", "sqs:DeleteMessage"),
        ("sqs:SendMessage", "sqs:SendMessage"),
        ("batch:DescribeBatch", "batch:DescribeBatch"),
        (None, None),
    ],
)
def test_a_batch_of_messages_needs_the_permission_of_one(named: str | None, meant: str | None) -> None:
    assert action_of_one(lambda *_: named)("sqs", "POST") == meant


@pytest.mark.parametrize(
    ("body", "query", "group"),
    [
        (json.dumps({"GroupName": "ours"}).encode(), {}, "ours"),
        (b"", {"groupName": ["ours"]}, "ours"),
        (b"", {}, "default"),
    ],
)
def test_a_schedule_is_a_resource(body: bytes, query: Mapping[str, Any], group: str) -> None:
    arn = arn_of_schedules(lambda *_: "*")

    found = arn("scheduler", "POST", "/schedules/campaign-a", {}, body, query, "us-east-1", "1")

    assert found == f"arn:aws:scheduler:us-east-1:1:schedule/{group}/campaign-a"
    assert arn("scheduler", "GET", "/schedules", {}, b"", {}, "us-east-1", "1") == "*"


def parameters(*names: str) -> tuple[Any, ...]:
    """Return a request for several parameters, as MiniStack hands it to what names its resource."""
    target = {"x-amz-target": "AmazonSSM.GetParameters"}
    return "ssm", "POST", "/", target, json.dumps({"Names": names}).encode(), {}, "us-east-1", "1"


def test_several_parameters_need_the_permission_for_each() -> None:
    enforced: list[str] = []

    def enforce(_: str, *, resource_arn: str) -> str | None:
        enforced.append(resource_arn)
        return "denied" if resource_arn.endswith("/b") else None

    resource = arns_of_parameters(lambda *_: "*")(*parameters("/a", "/b", "/c"))

    assert for_each(enforce)("key", resource_arn=resource) == "denied"
    assert enforced == [f"arn:aws:ssm:us-east-1:1:parameter/{name}" for name in ("a", "b")]
    assert for_each(enforce)("key", resource_arn="*") is None


def test_ministack_still_asks_for_a_permission_on_all_parameters() -> None:
    assert iam_actions.extract_resource_arn(*parameters("/a")) == "*"


def test_a_firing_carries_the_time_that_its_input_asks_for() -> None:
    invoked: list[Any] = []
    invoke = with_firing_time(lambda target, *_: invoked.append(target))

    invoke({"Input": '{"at": "<aws.scheduler.scheduled-time>"}'}, {"Time": 0})
    invoke({"Arn": "relay"}, {"Time": 0})

    assert invoked == [{"Input": '{"at": "1970-01-01T00:00:00Z"}'}, {"Arn": "relay"}]


def test_secrets_are_written_where_the_template_has_its_functions_look() -> None:
    assert deployment.parameters() == {
        "DATABASE_URL": "/drumbeat/local/system/database-url",
        "ADMIN_DATABASE_URL": "/drumbeat/local/admin/database-url",
        "REDIS_URL": "/drumbeat/local/system/redis-url",
        "SECRET": "/drumbeat/local/system/secret",
    }


def test_ministack_still_needs_each_correction(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails once MiniStack does as AWS does: then the correction can go."""
    invoked: list[str] = []
    monkeypatch.setattr(eventbridge, "_dispatch_to_lambda", lambda arn, payload: invoked.append(payload))
    target = {"Arn": "arn:aws:lambda:us-east-1:000000000000:function:relay", "Input": SCHEDULED_TIME}
    event = {"Source": "aws.scheduler", "DetailType": "Scheduled Event", "Detail": "{}", "Time": 0, "Resources": []}
    batch = {"x-amz-target": "AmazonSQS.SendMessageBatch", "content-type": "application/x-amz-json-1.0"}

    eventbridge._invoke_target(target, event, {})  # type: ignore[no-untyped-call]
    named = iam_actions.extract_resource_arn(
        "scheduler", "POST", "/schedules/campaign-a", {}, b'{"GroupName": "ours"}', {}, "us-east-1", "1"
    )

    assert iam_actions.extract_iam_action("sqs", "POST", "/", batch, b"{}", {}) == "sqs:SendMessageBatch"
    assert named.endswith("schedule/default/campaign-a")
    assert invoked == [SCHEDULED_TIME]


def test_a_condition_knows_the_account() -> None:
    from ministack.services.cloudformation.engine import _evaluate_conditions

    asked = {"Conditions": {"Emulated": {"Fn::Equals": [{"Ref": "AWS::AccountId"}, ACCOUNT]}}}

    assert knowing_the_account(_evaluate_conditions, ACCOUNT)(asked, {}) == {"Emulated": True}
