"""What the doctor says of the stack's alarms, by the answers of CloudWatch and SNS."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from drumbeat.operations.doctor import alarms
from drumbeat.services import Services

TOPIC = "arn:aws:sns:eu-central-1:000000000000:drumbeat-prod-alarms"


class Account:
    """An account with these alarms and subscriptions; None: the role may not ask."""

    def __init__(self, states: dict[str, str] | None, subscriptions: list[str] | None) -> None:
        self._states, self._subscriptions = states, subscriptions

    def describe_alarms(self, *, ActionPrefix: str) -> dict[str, Any]:
        assert ActionPrefix == TOPIC
        if self._states is None:
            raise ClientError({"Error": {"Code": "AccessDenied"}}, "DescribeAlarms")
        return {"MetricAlarms": [{"AlarmDescription": why, "StateValue": to} for why, to in self._states.items()]}

    def list_subscriptions_by_topic(self, *, TopicArn: str) -> dict[str, Any]:
        assert TopicArn == TOPIC
        if self._subscriptions is None:
            raise ClientError({"Error": {"Code": "AuthorizationError"}}, "ListSubscriptionsByTopic")
        return {"Subscriptions": [{"SubscriptionArn": arn} for arn in self._subscriptions]}


@pytest.mark.parametrize(
    ("states", "subscriptions", "details"),
    [
        (
            {"Late.": "OK", "Held.": "INSUFFICIENT_DATA"},
            [f"{TOPIC}:1"],
            [(True, "2, none is on"), (True, "1 confirmed")],
        ),
        ({"Late.": "ALARM", "Held.": "OK"}, [], [(False, "Late."), (True, "no address: deploy with an AlarmEmail")]),
        ({}, [f"{TOPIC}:1", "PendingConfirmation"], [(True, "0, none is on"), (False, "not confirmed yet")]),
        (None, None, [(False, "AccessDenied"), (False, "AuthorizationError")]),
    ],
)
def test_which_alarms_are_on_and_whether_a_mail_address_is_confirmed(
    states: dict[str, str] | None, subscriptions: list[str] | None, details: list[tuple[bool, str]]
) -> None:
    account = Account(states, subscriptions)

    found = list(alarms(cast("Services", SimpleNamespace(cloudwatch=account, sns=account)), TOPIC))

    assert [(each.ok, each.detail) for each in found] == details
    assert all(each.fix for each in found if not each.ok)
