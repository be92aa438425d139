"""Credentials are those in force when a request is signed."""

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from drumbeat.infrastructure.aws_signature import Credentials
from drumbeat.infrastructure.sqs import aws_credentials
from drumbeat.infrastructure.sqs.client import Sqs, SqsError
from tests.unit.infrastructure.sqs_peer import answer, peer

# What a login gives for a time: another key each time it is read. A minute is less than botocore keeps in reserve.
LOGIN = """#!/bin/sh
echo x >> {count}
printf '{{"Version": 1, "AccessKeyId": "AKID%s", "SecretAccessKey": "s", "SessionToken": "t", "Expiration": "%s"}}' \
    "$(wc -l < {count} | tr -d ' ')" "$(date -u -d '+1 minute' +%Y-%m-%dT%H:%M:%SZ)"
"""


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No credentials of this machine count."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    aws_credentials._session.cache_clear()
    yield
    aws_credentials._session.cache_clear()


def test_the_environments_are_read_for_every_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "one")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    with peer(answer(), answer()) as other:
        sqs = Sqs("us-east-1")
        sqs.call("SendMessage", QueueUrl=other.queue, MessageBody="x")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "two")
        monkeypatch.setenv("AWS_SESSION_TOKEN", "a-token")
        sqs.call("SendMessage", QueueUrl=other.queue, MessageBody="x")
        sqs.close()

    first, second = [one.headers for one in other.received]
    assert "Credential=one/" in first["authorization"] and "x-amz-security-token" not in first
    assert "Credential=two/" in second["authorization"]
    assert second["x-amz-security-token"] == "a-token"
    assert "x-amz-security-token" in second["authorization"]


def test_what_a_login_gives_for_a_time_is_renewed_before_it_ends(tmp_path: Path) -> None:
    login = tmp_path / "login"
    login.write_text(LOGIN.format(count=tmp_path / "count"))
    login.chmod(login.stat().st_mode | stat.S_IXUSR)
    (tmp_path / "config").write_text(f"[default]\ncredential_process = {login}\n")

    first, second = aws_credentials.current(), aws_credentials.current()

    assert first.token == second.token == "t"
    assert first.access_key != second.access_key


def test_a_profiles_own_are_found(tmp_path: Path) -> None:
    (tmp_path / "none").write_text("[default]\naws_access_key_id = AKID\naws_secret_access_key = s\n")

    assert aws_credentials.current() == Credentials("AKID", "s", None)


@pytest.mark.parametrize("config", ["", "[default]\ncredential_process = false\n"])
def test_none_at_all_is_an_error_of_the_call(tmp_path: Path, config: str) -> None:
    (tmp_path / "config").write_text(config)

    with pytest.raises(SqsError, match="NoCredentials"):
        Sqs("us-east-1").call("SendMessage", QueueUrl="http://127.0.0.1:1/0/q", MessageBody="x")
