"""`drumbeat init aws` against a real SSM API, a real Postgres and a real Valkey."""

import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import click
import psycopg
import pytest
from click.testing import CliRunner, Result

from drumbeat.access import first_key
from drumbeat.cli import init
from drumbeat.cli.parameters import APPLICATION, MASTER, OWNER, PARAMETERS, REDIS, Parameter
from drumbeat.cli.urls import written_postgres, written_redis, written_together
from drumbeat.local.servers import Postgres, Valkey
from drumbeat.local.template import parse
from tests.build.stack import environment

ROOT = Path(__file__).resolve().parents[3]
READ_BY = {OWNER: ("migrate", "ADMIN_DATABASE_URL_PARAM"), APPLICATION: ("worker", "DATABASE_URL_PARAM")} | {
    REDIS: ("relay", "REDIS_URL_PARAM"),
    MASTER: ("ingest", "SECRET_PARAM"),
}

type Run = Callable[..., Result]


@pytest.fixture
def stage() -> str:
    return f"t{uuid.uuid4().hex[:12]}"


@pytest.fixture
def servers(postgres: Postgres, valkey: Valkey) -> dict[str, str]:
    """URLs that are good: the owner may make the application's user, which is not there yet."""
    return {
        "ADMIN_DATABASE_URL": postgres.url("ledger"),
        "DATABASE_URL": postgres.url("ledger", user=f"app{uuid.uuid4().hex[:8]}"),
        "REDIS_URL": valkey.url,
    }


@pytest.fixture
def aws(sqs_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An account of AWS."""
    for name in (*(each.variable for each in PARAMETERS), "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", sqs_endpoint)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


@pytest.fixture
def run(aws: None, stage: str) -> Run:
    def run(*options: str, env: dict[str, str] | None = None, answers: list[str] | None = None) -> Result:
        typed = "".join(f"{answer}\n" for answer in answers or [])
        return CliRunner().invoke(init.command, ["aws", "--stage", stage, *options], input=typed, env=env)

    return run


@pytest.fixture
def stored(aws: None, stage: str) -> Iterator[Callable[[], dict[str, str]]]:
    """Read what is stored, by the name below the stage."""
    ssm = boto3.client("ssm")

    def stored() -> dict[str, str]:
        found: Any = ssm.get_parameters_by_path(Path=f"/drumbeat/{stage}/", Recursive=True, WithDecryption=True)
        assert all(each["Type"] == "SecureString" for each in found["Parameters"])
        return {each["Name"].removeprefix(f"/drumbeat/{stage}/"): each["Value"] for each in found["Parameters"]}

    yield stored
    ssm.close()


@pytest.mark.parametrize("parameter", PARAMETERS, ids=lambda parameter: parameter.name)
def test_the_names_are_those_that_the_template_reads(parameter: Parameter) -> None:
    function, variable = READ_BY[parameter]
    document = parse((ROOT / "template.yaml").read_text())

    assert environment(document, function)[variable] == parameter.path("dev")


def test_what_it_writes_and_what_the_deployment_writes_do_not_collide(stage: str) -> None:
    assert first_key.parameter(stage) not in {each.path(stage) for each in PARAMETERS}


def test_everything_is_written_from_the_environment(
    run: Run, stored: Callable[[], dict[str, str]], servers: dict[str, str]
) -> None:
    done = run("--from-env", env=servers)

    assert done.exit_code == 0, done.output
    assert "drumbeat secrets check campaigns --stage " in done.output
    assert "sam build" in done.output
    assert "sam deploy --region " in done.output
    assert "guided" not in done.output  # it would ask about each open route, where Enter means no
    values = stored()
    assert values.pop("system/secret")
    assert values == {
        "admin/database-url": servers["ADMIN_DATABASE_URL"],
        "system/database-url": servers["DATABASE_URL"],
        "system/redis-url": servers["REDIS_URL"],
    }
    assert not any(value in done.output for value in stored().values())


def test_a_second_run_changes_nothing(run: Run, stored: Callable[[], dict[str, str]], servers: dict[str, str]) -> None:
    run("--from-env", env=servers)
    before = stored()

    again = run("--from-env", "--json", env=servers)

    assert again.exit_code == 0
    assert set(json.loads(again.output)["parameters"].values()) == {"unchanged"}
    assert stored() == before


def test_another_url_replaces_the_old_one_only_when_asked_to(
    run: Run, stored: Callable[[], dict[str, str]], servers: dict[str, str]
) -> None:
    run("--from-env", env=servers)
    other = servers | {"REDIS_URL": servers["REDIS_URL"].replace("/0", "/1")}

    refused = run("--from-env", env=other)
    kept = stored()["system/redis-url"]
    done = run("--from-env", "--overwrite", env=other)

    assert (refused.exit_code, kept) == (1, servers["REDIS_URL"])
    assert "--overwrite" in refused.output
    assert (done.exit_code, stored()["system/redis-url"]) == (0, other["REDIS_URL"])


def test_the_master_secret_is_never_replaced(
    run: Run, stored: Callable[[], dict[str, str]], servers: dict[str, str]
) -> None:
    run("--from-env", env=servers)
    before = stored()["system/secret"]

    refused = run("--from-env", "--overwrite", env=servers | {"DRUMBEAT_SECRET": "another" * 8})

    assert refused.exit_code == 1
    assert "every API key" in refused.output
    assert stored()["system/secret"] == before


def test_a_lost_master_secret_is_restored_from_its_copy(
    run: Run, stored: Callable[[], dict[str, str]], servers: dict[str, str]
) -> None:
    run("--from-env", env=servers | {"DRUMBEAT_SECRET": "copy of the secret " * 3})

    assert stored()["system/secret"] == ("copy of the secret " * 3).strip()


def test_a_person_is_asked_and_corrected(
    run: Run, stored: Callable[[], dict[str, str]], servers: dict[str, str]
) -> None:
    owner, application, redis = servers["ADMIN_DATABASE_URL"], servers["DATABASE_URL"], servers["REDIS_URL"]

    done = run(answers=["db.example.com", owner, owner, application, redis])

    assert done.exit_code == 0, done.output
    assert "no: it is not like postgresql://" in done.output
    assert "no: both log in as postgres" in done.output
    assert owner not in done.output
    assert stored()["system/database-url"] == application


def test_a_person_is_asked_before_anything_is_replaced(
    run: Run, stored: Callable[[], dict[str, str]], servers: dict[str, str]
) -> None:
    run("--from-env", env=servers)
    before = stored()

    done = run(answers=["n", "n", "n"])

    assert done.exit_code == 0, done.output
    assert done.output.count("Replace it?") == 3
    assert stored() == before


def test_a_server_that_is_not_there_stops_it(
    run: Run, stored: Callable[[], dict[str, str]], servers: dict[str, str]
) -> None:
    unreachable = servers | {"REDIS_URL": "redis://127.0.0.1:1/0"}

    done = run("--from-env", env=unreachable)

    assert done.exit_code == 1
    assert "FAIL Redis" in done.output
    assert "nothing was written" in done.output
    assert stored() == {}
    assert run("--from-env", "--no-connect", env=unreachable).exit_code == 0


def test_an_application_that_is_a_superuser_is_refused(run: Run, servers: dict[str, str], postgres: Postgres) -> None:
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        admin.execute(f"CREATE ROLE almighty LOGIN SUPERUSER PASSWORD '{postgres.password}'".encode())
    try:
        done = run("--from-env", env=servers | {"DATABASE_URL": postgres.url("ledger", user="almighty")})
    finally:
        with psycopg.connect(postgres.url(), autocommit=True) as admin:
            admin.execute("DROP ROLE almighty")

    assert done.exit_code == 1
    assert "can rewrite the ledger" in done.output


def test_a_stage_of_a_release_before_stays_as_it_is(
    run: Run, stored: Callable[[], dict[str, str]], servers: dict[str, str], stage: str
) -> None:
    former = {each: each.paths(stage)[-1].removeprefix(f"/drumbeat/{stage}/") for each in PARAMETERS}
    values = {former[each]: servers.get(each.variable, "the master secret of then, long enough") for each in PARAMETERS}
    ssm = boto3.client("ssm")
    for name, value in values.items():
        ssm.put_parameter(Name=f"/drumbeat/{stage}/{name}", Value=value, Type="SecureString")
    ssm.close()

    done = run("--from-env", "--json", env=servers)

    assert set(json.loads(done.output)["parameters"].values()) == {"unchanged"}
    assert stored() == values


@pytest.fixture
def neighbour(aws: None, stored: Callable[[], dict[str, str]]) -> Iterator[Callable[[dict[str, str]], str]]:
    """Write the parameters of another stage; its name."""
    ssm, name = boto3.client("ssm"), f"n{uuid.uuid4().hex[:12]}"
    paths = {each.variable: each.paths(name)[-1] for each in PARAMETERS}  # as a release before wrote them

    def write(values: dict[str, str]) -> str:
        for variable, value in values.items():
            ssm.put_parameter(Name=paths[variable], Value=value, Type="SecureString")
        return name

    yield write
    ssm.delete_parameters(Names=list(paths.values()))
    ssm.close()


def test_a_stage_that_uses_the_same_redis_is_named_and_nothing_stops(
    run: Run, neighbour: Callable[[dict[str, str]], str], servers: dict[str, str]
) -> None:
    other = neighbour({"REDIS_URL": servers["REDIS_URL"], "DATABASE_URL": "postgresql://a:b@elsewhere/drumbeat"})

    done = run("--from-env", env=servers)

    assert done.exit_code == 0, done.output
    said = " ".join(done.output.split())
    assert f"stage {other} uses the same Redis" in said
    assert f"stage {other} has the same database" not in said


@pytest.mark.parametrize("parameter", ["DATABASE_URL", "ADMIN_DATABASE_URL"])
def test_a_stage_that_has_the_same_database_is_a_warning(
    run: Run, neighbour: Callable[[dict[str, str]], str], servers: dict[str, str], parameter: str
) -> None:
    other = neighbour({parameter: servers["ADMIN_DATABASE_URL"].replace("postgres@", "another:word@")})

    said = json.loads(run("--from-env", "--json", env=servers).output)["shared"]

    mine = [each for each in said if other in each]
    assert len(mine) == 1
    assert mine[0].startswith(f"stage {other} has the same database. Two stages must not work on one ledger")


def test_where_other_stages_may_not_be_read_it_says_so_and_goes_on(
    run: Run, servers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise click.ClickException("AWS does not let us")

    monkeypatch.setattr("drumbeat.cli.parameters.ParameterStore.elsewhere", refuse)

    done = run("--from-env", env=servers)

    assert done.exit_code == 0
    assert "is not known: AWS does not let us" in " ".join(done.output.split())


def test_everything_that_is_missing_is_named_at_once(run: Run) -> None:
    done = run("--from-env")

    assert done.exit_code == 1
    assert all(each.variable in done.output for each in (OWNER, APPLICATION, REDIS))


def test_an_account_that_is_not_reached_is_reported_plainly(
    run: Run, servers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")

    done = run("--from-env", env=servers)

    assert (done.exit_code, "get-caller-identity" in done.output) == (1, True)


@pytest.mark.parametrize("stage", ["Prod", "a" * 17, "1st", ""])
def test_a_stage_that_the_template_refuses_is_refused_here(stage: str) -> None:
    done = CliRunner().invoke(init.command, ["aws", "--stage", stage])

    assert done.exit_code == click.UsageError.exit_code


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://owner:p@db.example.com/drumbeat?sslmode=require", None),
        ("postgresql://owner@127.0.0.1/drumbeat", None),
        ("mysql://owner:p@db.example.com/drumbeat", "it is not like postgresql://"),
        ("postgresql://owner:p%zz@db.example.com/drumbeat", "percent-encode"),
        ("postgresql://owner:p@db.example.com", "names no database"),
        ("postgresql://db.example.com/drumbeat", "names no user"),
        ("postgresql://owner@db.example.com/drumbeat?sslmode=require", "no password"),
        ("postgresql://owner:p@db.example.com/drumbeat?sslmode=verify-full", None),
        ("postgresql://owner:p@db.example.com/drumbeat", "sslmode=verify-full"),
        ("postgresql://owner:p@ep-x-pooler.eu.neon.tech/drumbeat?sslmode=require", "without -pooler"),
        ("postgresql://owner:p@db.example.com:6432/drumbeat?sslmode=require", "PgBouncer"),
    ],
)
def test_a_database_url_is_checked_before_any_connection(url: str, said: str | None) -> None:
    wrong = written_postgres(url, owner=True)

    assert (wrong is None) == (said is None)
    assert said is None or said in str(wrong)


def test_the_application_may_be_pooled() -> None:
    pooled = "postgresql://app:p@ep-x-pooler.eu.neon.tech/drumbeat?sslmode=require"

    assert written_postgres(pooled, owner=False) is None


def test_two_databases_are_noticed() -> None:
    assert "two databases" in str(written_together("postgresql://a@h/one", "postgresql://b@h/two"))


@pytest.mark.parametrize(
    "url", ["", "localhost:6379", "http://cache", "redis://", "rediss://host:port", "redis://cache:6379"]
)
def test_a_redis_url_that_is_none_is_noticed(url: str) -> None:
    assert written_redis(url)
