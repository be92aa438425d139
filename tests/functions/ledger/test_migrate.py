"""The migrate function as CloudFormation calls it, against a real Postgres and a real SSM API."""

import json
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.session import get_session

from drumbeat import services as process
from drumbeat.access import first_key, keys
from drumbeat.ledger import steps
from drumbeat.local.servers import Postgres
from functions.migrate import app

SAMPLES = Path(__file__).resolve().parents[3] / "events"
PARAMETERS = pytest.mark.usefixtures("stage")


class Context:
    """Lambda's context of an invocation."""

    function_name = "migrate"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:migrate"
    aws_request_id = "request-1"


@dataclass
class CloudFormation:
    """The other end of a ResponseURL."""

    url: str
    answers: list[dict[str, Any]] = field(default_factory=list)


@pytest.fixture
def cloudformation() -> Iterator[CloudFormation]:
    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            theirs.answers.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        theirs = CloudFormation(f"http://127.0.0.1:{server.server_port}/answer")
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield theirs
        server.shutdown()
        thread.join()


@pytest.fixture
def stage(postgres: Postgres, sqs_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A stage on AWS with an empty database; returns the owner's URL."""
    name = f"f{uuid.uuid4().hex}"
    environment = {
        "STAGE": name,
        "DATABASE_URL": postgres.url(name, user="drumbeat_app"),
        "ADMIN_DATABASE_URL": postgres.url(name),
        "DRUMBEAT_SECRET": "for tests",
        "AWS_ENDPOINT_URL": sqs_endpoint,
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    process.services.cache_clear()
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}".encode())
        yield postgres.url(name)
        process.services().db.close()
        process.services.cache_clear()
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def invoke(sample: str, **changes: str) -> dict[str, Any]:
    event = json.loads((SAMPLES / f"{sample}.json").read_text()) | changes
    return app.handler(event, cast("LambdaContext", Context()))


def tables(owner_url: str) -> int:
    with psycopg.connect(owner_url) as owner:
        row = owner.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
    assert row is not None
    return int(row[0])


def test_a_new_stack_gets_its_schema_and_its_first_key(stage: str, cloudformation: CloudFormation) -> None:
    invoke("migrate_create", ResponseURL=cloudformation.url)

    (answer,) = cloudformation.answers
    assert answer["Status"] == "SUCCESS"
    assert answer["LogicalResourceId"] == "Schema"
    services = process.services()
    ssm: Any = get_session().create_client(
        "ssm", region_name="us-east-1", endpoint_url=services.settings.aws_endpoint_url
    )
    name = first_key.parameter(services.settings.stage)
    token = ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]
    ssm.close()
    assert keys.verify(services.key_secret, token).scopes == {"ingest", "read", "operate"}


@PARAMETERS
def test_an_update_keeps_the_resource_and_applies_nothing_twice(cloudformation: CloudFormation) -> None:
    invoke("migrate_create", ResponseURL=cloudformation.url)

    again = invoke("migrate_create", RequestType="Update", ResponseURL=cloudformation.url)

    assert again["applied"] == []
    first, second = cloudformation.answers
    assert first["PhysicalResourceId"] == second["PhysicalResourceId"]


def test_a_failed_step_stops_the_deployment_and_says_what_to_do(
    stage: str, cloudformation: CloudFormation, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = steps.numbered({"001_broken.sql": b"CREATE TABLE half (); SELECT nothing FROM nowhere"})
    monkeypatch.setattr(steps, "packaged", lambda: broken)

    invoke("migrate_create", ResponseURL=cloudformation.url)

    (answer,) = cloudformation.answers
    assert answer["Status"] == "FAILED"
    assert "001_broken.sql failed" in answer["Reason"]
    assert "deploy again" in answer["Reason"]
    assert tables(stage) == 0


def test_deleting_the_stack_deletes_no_data(stage: str, cloudformation: CloudFormation) -> None:
    invoke("migrate_create", ResponseURL=cloudformation.url)
    before = tables(stage)

    invoke("migrate_delete", ResponseURL=cloudformation.url)

    assert cloudformation.answers[-1]["Status"] == "SUCCESS"
    assert tables(stage) == before > 0


def test_deleting_a_stack_whose_database_is_gone_succeeds(
    cloudformation: CloudFormation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADMIN_DATABASE_URL", "postgresql://missing@127.0.0.1:1/gone")

    invoke("migrate_delete", ResponseURL=cloudformation.url)

    assert cloudformation.answers[-1]["Status"] == "SUCCESS"


@PARAMETERS
def test_a_plain_invocation_migrates_and_answers_itself() -> None:
    assert invoke("migrate_plain")["version"] == len(steps.packaged())


def test_an_error_of_our_own_is_answered_without_its_text(
    cloudformation: CloudFormation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise RuntimeError("postgresql://ada:geheim@db")

    monkeypatch.setattr(app, "services", fail)

    invoke("migrate_create", ResponseURL=cloudformation.url)

    assert cloudformation.answers[-1]["Status"] == "FAILED"
    assert "geheim" not in cloudformation.answers[-1]["Reason"]


@PARAMETERS
def test_a_revoked_first_key_is_not_published_again(cloudformation: CloudFormation) -> None:
    invoke("migrate_create", ResponseURL=cloudformation.url)
    services = process.services()
    services.db.run("UPDATE api_keys SET revoked_at = drumbeat_now() WHERE id = %s", [first_key.ID])
    ssm: Any = get_session().create_client(
        "ssm", region_name="us-east-1", endpoint_url=services.settings.aws_endpoint_url
    )
    ssm.delete_parameter(Name=first_key.parameter(services.settings.stage))

    invoke("migrate_create", RequestType="Update", ResponseURL=cloudformation.url)

    with pytest.raises(ssm.exceptions.ParameterNotFound):
        ssm.get_parameter(Name=first_key.parameter(services.settings.stage))
    ssm.close()
