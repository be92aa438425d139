"""What the doctor says of the stack's alarms, by the answers of CloudWatch and SNS, and of the secrets of sources."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from drumbeat.core.configuration import Source
from drumbeat.core.errors import SecretMissing
from drumbeat.ingest import parking_sql
from drumbeat.operations.doctor import alarms, parked, source_secrets
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
    assert [bool(each.fix) for each in found] == [not each.ok for each in found]  # advice only where it is needed


@pytest.mark.parametrize("count", [0, 2])
def test_parked_events_need_advice_only_when_there_are_some(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(parking_sql, "count", lambda _: count)

    check = parked(cast("Services", SimpleNamespace(db=None)))

    assert (check.ok, bool(check.fix)) == (count == 0, count > 0)


class Secrets:
    """Secrets that are there, by their references."""

    def __init__(self, **known: str) -> None:
        self._known = {f"env:{name}": value for name, value in known.items()}

    def get(self, reference: str) -> str:
        if reference not in self._known:
            raise SecretMissing(reference)
        return self._known[reference]


def checked(scheme: str, *references: str, local: bool = False, **options: str) -> list[tuple[str, bool, str]]:
    secrets = Secrets(GOOD="c2VzYW1l\n", EMPTY=" \n", KEY="sk_live_sesame", QUOTED="'sesame'", BROKEN="whsec_sesame!")
    settings = SimpleNamespace(local=local, stage="prod")
    source = Source("shop", "webhook", scheme, "FEEDBACK", references, 300, {}, options)
    services = cast("Services", SimpleNamespace(secrets=secrets, settings=settings))
    found = list(source_secrets(services, source))
    assert all(each.fix for each in found if not each.ok)
    assert not any("sesame" in f"{each.detail}{each.fix}" for each in found)
    return [(each.name, each.ok, each.detail) for each in found]


@pytest.mark.parametrize(
    ("scheme", "reference", "ok", "detail"),
    [
        ("github", "env:GOOD", True, "env:GOOD"),
        ("github", "env:EMPTY", False, "env:EMPTY is empty"),
        ("stripe", "env:KEY", False, "env:KEY is an API key, which signs no webhooks"),
        ("hmac", "env:QUOTED", False, "env:QUOTED stands in quotes, which belong to no secret"),
        ("standard_webhooks", "env:BROKEN", False, "env:BROKEN is not base64; copy it whole, with whsec_"),
        ("sendgrid", "env:GOOD", False, "env:GOOD is not the verification key of SendGrid's signed event webhook"),
        ("github", "env:GONE", False, "env:GONE does not exist or may not be read"),
        ("later_scheme", "env:KEY", True, "env:KEY"),
    ],
)
def test_a_sources_secret_is_judged_by_its_scheme(scheme: str, reference: str, ok: bool, detail: str) -> None:
    assert checked(scheme, reference) == [("secret of source shop", ok, detail)]


def test_each_secret_of_a_source_is_checked_and_its_verify_token_too() -> None:
    found = checked("meta", "env:GOOD", "env:EMPTY", verify_token="env:GONE")

    assert [(name, ok) for name, ok, _ in found] == [
        ("secret of source shop", True),
        ("secret of source shop", False),
        ("secret of source shop, verify_token", False),
    ]


def test_a_secret_that_is_not_there_yet_is_no_fault_of_a_local_stack() -> None:
    assert checked("github", "env:GONE", local=True) == [
        ("secret of source shop", True, "env:GONE does not exist or may not be read: deliveries are answered 503")
    ]
