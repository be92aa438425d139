"""Secrets by reference, against the real SSM API."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import boto3
import pytest
from mypy_boto3_ssm import SSMClient

from drumbeat.core.errors import SecretAway, SecretMissing
from drumbeat.infrastructure import secrets, secrets_file
from drumbeat.infrastructure.secrets import Secrets
from drumbeat.infrastructure.settings import Settings


def settings(endpoint: str | None = None, *, local: bool = False) -> Settings:
    """Make settings that name nothing but an endpoint."""
    environment = {
        "DATABASE_URL": "x",
        "STAGE": "test",
        "AWS_ENDPOINT_URL": endpoint or "",
        "DRUMBEAT_LOCAL": "1" if local else "",
    }
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
    ssm.put_parameter(Name="/drumbeat/test/accounts/key", Value=value, Type="SecureString", Overwrite=True)


def test_a_parameter_is_read_once_and_again_when_its_lifetime_ends(
    ssm: SSMClient, sqs_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(ssm, "old")
    known = Secrets(settings(sqs_endpoint))
    assert known.get("ssm:/drumbeat/test/accounts/key") == "old"
    put(ssm, "new")

    assert known.get("ssm:/drumbeat/test/accounts/key") == "old"
    monkeypatch.setattr("drumbeat.infrastructure.secrets.time.monotonic", lambda: 10.0**9)
    assert known.get("ssm:/drumbeat/test/accounts/key") == "new"


def test_a_value_is_used_on_while_the_store_is_unreachable(
    ssm: SSMClient, sqs_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(ssm, "value")
    known = Secrets(settings(sqs_endpoint))
    known.get("ssm:/drumbeat/test/accounts/key")
    monkeypatch.setattr(secrets, "SECRET_CACHE_SECONDS", 0)
    monkeypatch.setattr("drumbeat.infrastructure.secrets.time.monotonic", lambda: 10.0**9)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    unreachable = Secrets(settings("http://127.0.0.1:1"))
    known._provider = unreachable._ssm()

    assert known.get("ssm:/drumbeat/test/accounts/key") == "value"


def test_a_store_that_does_not_answer_is_distinguished_from_a_missing_secret(
    ssm: SSMClient, sqs_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(ssm, "value")
    known = Secrets(settings("http://127.0.0.1:1"))
    with pytest.raises(SecretAway, match="/drumbeat/test/accounts/key"):
        known.get("ssm:/drumbeat/test/accounts/key")
    known._provider = Secrets(settings(sqs_endpoint))._ssm()

    with pytest.raises(SecretAway):  # it is left alone for a while, or every effect of a batch would wait for it
        known.get("ssm:/drumbeat/test/accounts/key")
    monkeypatch.setattr("drumbeat.infrastructure.secrets.time.monotonic", lambda: 10.0**9)
    assert known.get("ssm:/drumbeat/test/accounts/key") == "value"


def test_a_parameter_that_does_not_exist_is_named_and_not_guessed(ssm: SSMClient, sqs_endpoint: str) -> None:
    with pytest.raises(SecretMissing, match="/drumbeat/test/none"):
        Secrets(settings(sqs_endpoint)).get("ssm:/drumbeat/test/none")


def test_the_environment_is_for_development_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SESAME", "open")

    assert Secrets(settings(local=True)).get("env:SESAME") == "open"
    with pytest.raises(SecretMissing):
        Secrets(settings()).get("env:SESAME")


def test_a_reference_is_the_same_in_every_stage(ssm: SSMClient, sqs_endpoint: str, tmp_path: Path) -> None:
    put(ssm, "on AWS")
    here = replace(settings(local=True), secrets_file=str(tmp_path / "secrets.env"))
    secrets_file.store(tmp_path / "secrets.env", "KEY", "in the file")

    assert Secrets(settings(sqs_endpoint)).get("secret:key") == "on AWS"
    assert Secrets(here).get("secret:key") == "in the file"


def test_what_was_stored_counts_before_the_environment_and_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAIL_API_KEY", "of the environment")
    known = Secrets(replace(settings(local=True), secrets_file=str(tmp_path / "secrets.env")))
    before = known.get("secret:mail-api-key")
    secrets_file.store(tmp_path / "secrets.env", "MAIL_API_KEY", "stored")

    assert (before, known.get("secret:mail-api-key")) == ("of the environment", "stored")


@pytest.mark.parametrize("blank", [" ", "\n", "\t\n "])
def test_a_blank_value_is_a_missing_one(
    ssm: SSMClient, sqs_endpoint: str, monkeypatch: pytest.MonkeyPatch, blank: str
) -> None:
    put(ssm, blank)
    monkeypatch.setenv("BLANK", blank)

    with pytest.raises(SecretMissing, match="secret:key is empty"):
        Secrets(settings(sqs_endpoint)).get("secret:key")
    with pytest.raises(SecretMissing, match="env:BLANK is empty"):
        Secrets(settings(local=True)).get("env:BLANK")


@pytest.mark.parametrize(
    "name",
    ["DATABASE_URL", "ADMIN_DATABASE_URL", "REDIS_URL", "DRUMBEAT_SECRET", "AWS_SECRET_ACCESS_KEY", "PGPASSWORD"],
)
def test_the_stack_s_own_environment_is_out_of_reach(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "the installation's own")

    for reference in (f"env:{name}", f"secret:{name.lower().replace('_', '-')}", f"secret:{name}"):
        with pytest.raises(SecretMissing):
            Secrets(settings(local=True)).get(reference)


@pytest.mark.parametrize(
    "reference", ["", "SESAME", "env:NOT_THERE", "ssm:", "file:/etc/passwd", "secret:", "secret:a/b"]
)
def test_other_references_lead_nowhere(reference: str) -> None:
    with pytest.raises(SecretMissing):
        Secrets(settings(local=True)).get(reference)
