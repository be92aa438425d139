"""Secrets by reference, against the real SSM API."""

from collections.abc import Iterator

import boto3
import pytest
from mypy_boto3_ssm import SSMClient

from drumbeat.core.errors import SecretAway, SecretMissing
from drumbeat.infrastructure import secrets
from drumbeat.infrastructure.secrets import Secrets
from drumbeat.infrastructure.settings import Settings


def settings(endpoint: str | None = None, *, local: bool = False) -> Settings:
    """Make settings that name nothing but an endpoint."""
    environment = {"DATABASE_URL": "x", "AWS_ENDPOINT_URL": endpoint or "", "DRUMBEAT_LOCAL": "1" if local else ""}
    return Settings.from_env(environment)


@pytest.fixture
def ssm(sqs_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[SSMClient]:
    """The parameter store."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    client = boto3.client("ssm", region_name="us-east-1", endpoint_url=sqs_endpoint)
    yield client
    client.close()


def put(ssm: SSMClient, value: str) -> None:
    """Store the parameter that the tests read."""
    ssm.put_parameter(Name="/drumbeat/test/key", Value=value, Type="SecureString", Overwrite=True)


def test_a_parameter_is_read_once_and_again_when_its_lifetime_ends(
    ssm: SSMClient, sqs_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(ssm, "old")
    known = Secrets(settings(sqs_endpoint))
    assert known.get("ssm:/drumbeat/test/key") == "old"
    put(ssm, "new")

    assert known.get("ssm:/drumbeat/test/key") == "old"
    monkeypatch.setattr("drumbeat.infrastructure.secrets.time.monotonic", lambda: 10.0**9)
    assert known.get("ssm:/drumbeat/test/key") == "new"


def test_a_value_is_used_on_while_the_store_is_unreachable(
    ssm: SSMClient, sqs_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(ssm, "value")
    known = Secrets(settings(sqs_endpoint))
    known.get("ssm:/drumbeat/test/key")
    monkeypatch.setattr(secrets, "SECRET_CACHE_SECONDS", 0)
    monkeypatch.setattr("drumbeat.infrastructure.secrets.time.monotonic", lambda: 10.0**9)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    unreachable = Secrets(settings("http://127.0.0.1:1"))
    known._provider = unreachable._ssm()

    assert known.get("ssm:/drumbeat/test/key") == "value"


def test_a_store_that_does_not_answer_is_distinguished_from_a_missing_secret(
    ssm: SSMClient, sqs_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(ssm, "value")
    known = Secrets(settings("http://127.0.0.1:1"))
    with pytest.raises(SecretAway, match="/drumbeat/test/key"):
        known.get("ssm:/drumbeat/test/key")
    known._provider = Secrets(settings(sqs_endpoint))._ssm()

    with pytest.raises(SecretAway):  # it is left alone for a while, or every effect of a batch would wait for it
        known.get("ssm:/drumbeat/test/key")
    monkeypatch.setattr("drumbeat.infrastructure.secrets.time.monotonic", lambda: 10.0**9)
    assert known.get("ssm:/drumbeat/test/key") == "value"


def test_a_parameter_that_does_not_exist_is_named_and_not_guessed(ssm: SSMClient, sqs_endpoint: str) -> None:
    with pytest.raises(SecretMissing, match="/drumbeat/test/none"):
        Secrets(settings(sqs_endpoint)).get("ssm:/drumbeat/test/none")


def test_the_environment_is_for_development_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SESAME", "open")

    assert Secrets(settings(local=True)).get("env:SESAME") == "open"
    with pytest.raises(SecretMissing):
        Secrets(settings()).get("env:SESAME")


@pytest.mark.parametrize("reference", ["", "SESAME", "env:NOT_THERE", "ssm:", "file:/etc/passwd"])
def test_other_references_lead_nowhere(reference: str) -> None:
    with pytest.raises(SecretMissing):
        Secrets(settings(local=True)).get(reference)
