"""The embedded servers refuse what has no password, and no web page reaches them."""

import urllib.error
import urllib.request
from pathlib import Path

import psycopg
import pytest
import redis

from drumbeat.local.servers import MiniStack, Postgres, Valkey
from drumbeat.local.stack import local_sqs


@pytest.mark.parametrize("user", ["postgres", "drumbeat_app"])
def test_postgres_asks_every_role_for_its_password(postgres: Postgres, user: str) -> None:
    for login in (user, f"{user}:guessed"):
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(f"postgresql://{login}@127.0.0.1:{postgres.port}/postgres")


def test_data_of_a_release_without_passwords_gets_them(servers_home: Path) -> None:
    home = servers_home / "earlier"
    with Postgres(home) as server, psycopg.connect(server.url(), autocommit=True) as admin:
        admin.execute("CREATE ROLE drumbeat_app LOGIN")
        admin.execute("ALTER ROLE postgres PASSWORD NULL")
    (home / "password").unlink()
    (home / "data" / "pg_hba.conf").write_text("host all all 127.0.0.1/32 trust\n")

    with Postgres(home) as server:
        psycopg.connect(server.url(user="drumbeat_app")).close()
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(f"postgresql://drumbeat_app@127.0.0.1:{server.port}/postgres")


def test_valkey_asks_for_its_password(valkey: Valkey) -> None:
    assert valkey.process is not None
    command_line = Path(f"/proc/{valkey.process.pid}/cmdline")

    with redis.Redis(port=valkey.port) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.set("key", "value")
    assert valkey.password.encode() not in command_line.read_bytes()


def test_the_emulator_refuses_pages_and_requests_without_its_key(servers_home: Path) -> None:
    with MiniStack(servers_home / "guarded", key="localsecret") as server:
        ours = local_sqs(server.url, "localsecret")
        ours.call("CreateQueue", QueueName="events")
        form = b"Action=SendMessage&MessageBody=x&QueueUrl=" + server.url.encode() + b"/000000000000/events"
        key = "AWS4-HMAC-SHA256 Credential=localsecret/20300101/us-east-1/sqs/aws4_request"
        for headers in ({}, {"Authorization": key.replace("localsecret", "test")},
                        {"Authorization": key, "Origin": "https://evil.example"},
                        {"Authorization": key, "Host": f"evil.example:{server.port}"}):  # fmt: skip
            with pytest.raises(urllib.error.HTTPError, match="403") as refused:
                urllib.request.urlopen(urllib.request.Request(server.url, form, headers), timeout=10)
            refused.value.close()

        attributes = ours.call(
            "GetQueueAttributes", QueueUrl=f"{server.url}/000000000000/events", AttributeNames=["All"]
        )["Attributes"]
        assert attributes["ApproximateNumberOfMessages"] == "0"
        ours.close()
