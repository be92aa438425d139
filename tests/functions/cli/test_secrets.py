"""`drumbeat secrets` against a real file and a real SSM API."""

import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest
from click.testing import CliRunner, Result
from mypy_boto3_ssm import SSMClient

from drumbeat.cli import secrets
from drumbeat.infrastructure import secrets_file
from tests.conftest import ROOT

VALUE = "s3cret-value"
DOCUMENT = """
version: 1
accounts:
  crm: {provider: hubspot, secrets: {token: secret:hubspot}}
  erp:
    provider: http
    settings: {base_url: "https://erp.example.com", headers: {Authorization: "Bearer {{ secret.token }}"}}
    secrets: {token: secret:erp-token}
sources:
  shop: {webhook: standard_webhooks, secrets: [secret:shop, secret:shop-old], type: LEAD_CAPTURE}
"""

type Run = Callable[..., Result]


@pytest.fixture
def document(tmp_path: Path) -> Path:
    (tmp_path / "drumbeat.yaml").write_text(DOCUMENT)
    return tmp_path / "drumbeat.yaml"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / ".drumbeat"


@pytest.fixture
def stage() -> str:
    return f"t{uuid.uuid4().hex[:12]}"


@pytest.fixture
def ssm(sqs_endpoint: str, monkeypatch: pytest.MonkeyPatch, stage: str) -> Iterator[SSMClient]:
    """An account of AWS."""
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    for name, value in {"AWS_ENDPOINT_URL": sqs_endpoint, "AWS_DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    client = boto3.client("ssm", region_name="us-east-1")
    yield client
    client.close()


@pytest.fixture(params=["local", "aws"])
def run(request: pytest.FixtureRequest, home: Path, stage: str) -> Run:
    """Run `drumbeat secrets` for one of the two places."""
    if request.param == "aws":
        request.getfixturevalue("ssm")
    place = ["--home", str(home)] if request.param == "local" else ["--stage", stage, "--region", "us-east-1"]

    def run(what: str, *arguments: str, typed: str | bytes = "") -> Result:
        return CliRunner().invoke(secrets.command, [what, *place, *arguments], input=typed, standalone_mode=False)

    return run


def test_what_is_stored_is_listed_with_its_users_and_never_shown(run: Run, document: Path) -> None:
    stored = [run("set", name, typed=f"{VALUE}\n") for name in ("hubspot", "shop", "forgotten")]
    listed = run("list", str(document), "--json")
    table = run("list", str(document))

    facts = {each["secret"].lower().removeprefix("secret:"): each for each in json.loads(listed.output)["secrets"]}
    assert facts["hubspot"]["used_by"] == ["account crm, token"]
    assert facts["shop-old"]["used_by"] == ["source shop"]
    assert facts["forgotten"]["used_by"] == []
    assert {name: each["present"] for name, each in facts.items()} == {
        "hubspot": True, "erp-token": False, "shop": True, "shop-old": False, "forgotten": True
    }  # fmt: skip
    assert "missing" in table.output
    assert not any(VALUE in each.output for each in (*stored, listed, table))


def test_check_says_what_is_missing_and_how_to_store_it(run: Run, document: Path) -> None:
    for name in ("hubspot", "shop", "shop-old"):
        run("set", name, typed=VALUE)
    before = run("check", str(document))
    run("set", "erp-token", typed=VALUE)
    after = run("check", str(document), "--json")

    assert before.return_value == 1
    assert "secret:erp-token (account erp, token): not there; store it with `drumbeat secrets set" in before.output
    assert (after.return_value, json.loads(after.output)["ok"]) == (0, True)
    assert VALUE not in before.output + after.output


def test_a_second_value_replaces_the_first_and_says_so(run: Run) -> None:
    first, second = run("set", "hubspot", typed="one\n"), run("set", "hubspot", typed="two\n")

    assert "stored secret:hubspot" in first.output
    assert "replaced the former value of secret:hubspot" in second.output


@pytest.mark.parametrize("typed", ["", "\n", "  \t\r\n", "a\nb\n", "a\0b", b"\xff\xfe", "x" * 4097])
def test_what_is_no_secret_is_refused_and_the_former_one_stays(run: Run, document: Path, typed: str | bytes) -> None:
    run("set", "shop", typed=VALUE)

    refused = run("set", "shop", typed=typed)

    assert refused.exception is not None
    assert "nothing was stored" in str(getattr(refused.exception, "message", ""))
    assert "secret:shop" not in [
        each["secret"] for each in json.loads(run("check", str(document), "--json").output)["secrets"] if each["wrong"]
    ]


def test_a_name_may_be_given_as_the_configuration_writes_it(run: Run, document: Path) -> None:
    stored = run("set", "secret:shop", typed=f"{VALUE}\n")

    assert "stored secret:shop in" in stored.output
    secrets_ = json.loads(run("list", str(document), "--json").output)["secrets"]
    assert {each["secret"] for each in secrets_ if each["present"]} == {"secret:shop"}


def test_a_sources_secret_is_judged_by_its_scheme(run: Run, document: Path) -> None:
    run("set", "shop", typed="'sesame'")

    checked = run("check", str(document))

    assert "secret:shop (source shop): stands in quotes, which belong to no secret" in checked.output


def test_a_folder_without_a_configuration_is_named(run: Run, tmp_path: Path) -> None:
    listed = run("list", str(tmp_path))

    assert "Go to the folder that holds your configuration" in str(getattr(listed.exception, "message", ""))


def test_a_value_on_the_command_line_is_refused(run: Run) -> None:
    refused = run("set", "hubspot", VALUE)

    assert "stays in the shell's history" in str(getattr(refused.exception, "message", ""))
    assert VALUE not in str(getattr(refused.exception, "message", ""))


@pytest.mark.parametrize("name", ["../system/secret", "system/secret", "secret", "database-url", "a b", "a:1", "-", ""])
def test_no_name_leads_to_the_installation_s_own_secrets(run: Run, name: str) -> None:
    assert run("set", "--", name, typed=VALUE).exception is not None


def test_on_aws_it_is_the_parameter_that_the_functions_read(ssm: SSMClient, stage: str, home: Path) -> None:
    CliRunner().invoke(secrets.command, ["set", "--stage", stage, "shop"], input=f" {VALUE}\r\n")

    found = ssm.get_parameter(Name=f"/drumbeat/{stage}/accounts/shop", WithDecryption=True)["Parameter"]
    assert (found["Value"], found["Type"]) == (VALUE, "SecureString")
    assert not home.exists()


def test_the_local_file_is_its_owner_s_alone_and_keeps_what_it_holds(home: Path) -> None:
    home.mkdir()
    file = home / secrets_file.FILE
    file.write_text('# mine\nexport SHOP="quoted"\nCRM=old\n')
    file.chmod(0o644)

    CliRunner().invoke(secrets.command, ["set", "--home", str(home), "crm"], input='"new"')

    assert file.stat().st_mode & 0o777 == 0o600
    assert secrets_file.read(file) == {"SHOP": "quoted", "CRM": '"new"'}
    assert file.read_text().startswith("# mine\n")
    assert [each.name for each in home.iterdir()] == [secrets_file.FILE]


def test_the_sandbox_takes_any_secret(home: Path, document: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SHOP", "SHOP_OLD", "ERP_TOKEN"):
        monkeypatch.setenv(name, VALUE)

    checked = CliRunner().invoke(secrets.command, ["check", "--home", str(home), str(document)], standalone_mode=False)

    assert "secret:hubspot (account crm, token): not there; the sandbox takes any" in checked.output
    assert checked.return_value == 0


def test_the_sample_s_secrets_are_listed_those_of_its_sources_among_them(home: Path) -> None:
    sample = str(ROOT / "campaigns")

    checked = CliRunner().invoke(secrets.command, ["check", "--home", str(home), sample], standalone_mode=False)

    assert checked.exception is None
    assert "secret:mailgun-webhook-key (source mail-reports)" in checked.output


def test_every_mistake_that_a_document_has_on_aws_is_named(ssm: SSMClient, stage: str, tmp_path: Path) -> None:
    file = tmp_path / "drumbeat.yaml"
    account = "{provider: http, secrets: {signing_key: secret:key}}"
    file.write_text(f"version: 1\naccounts:\n  one: {account}\n  two: {account}\n")

    refused = CliRunner().invoke(secrets.command, ["check", "--stage", stage, str(file)])

    assert [f"{file}:{line}: setting base_url is missing" in refused.output for line in (3, 4)] == [True, True]
    assert "2 mistakes for AWS, where there is no sandbox; nothing was changed" in refused.output


def test_a_reference_that_leads_nowhere_on_aws_is_named(ssm: SSMClient, stage: str, tmp_path: Path) -> None:
    file = tmp_path / "drumbeat.yaml"
    file.write_text("version: 1\naccounts:\n  crm: {provider: hubspot, secrets: {token: env:HUBSPOT}}\n")

    checked = CliRunner().invoke(secrets.command, ["check", "--stage", stage, str(file)], standalone_mode=False)

    assert "env:HUBSPOT (account crm, token): leads nowhere here; write secret:NAME" in checked.output
    assert checked.return_value == 1
