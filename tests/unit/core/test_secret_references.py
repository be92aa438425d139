"""What a reference may name, in every spelling that somebody may try."""

import pytest

from drumbeat.core.secret_references import Parameter, Variable, advice, place, problem, same

# Each names, or could be read to name, a secret of the installation itself or of another one.
ATTACKS = [
    *(f"ssm:/drumbeat/prod/{name}" for name in ("secret", "database-url", "redis-url", "SECRET", "Database-Url")),
    *(f"ssm:/drumbeat/prod/{name}/x" for name in ("secret", "system", "admin", "System", "ADMIN")),
    "ssm:/drumbeat/prod/system/secret",
    "ssm:/drumbeat/prod/admin/first-key",
    "ssm:/drumbeat/prod/accounts/../system/secret",
    "ssm:/drumbeat/prod/./system/secret",
    "ssm:/drumbeat/prod//system/secret",
    "ssm://drumbeat/prod/system/secret",
    "ssm:/drumbeat/prod/system/secret/",
    "ssm:/drumbeat/prod/accounts/key/",
    "ssm:/drumbeat/prod/accounts/",
    "ssm:/drumbeat/prod/accounts/key:3",
    "ssm:/drumbeat/prod/secret:1",
    "ssm:/drumbeat/prod/secret\n",
    "ssm:/drumbeat/prod/%73ecret",
    "ssm:drumbeat/prod/secret",
    "ssm:/drumbeat/../drumbeat/prod/secret",
    "ssm:arn:aws:ssm:eu-central-1:123456789012:parameter/drumbeat/prod/system/secret",
    "ssm:/drumbeat/other/system/secret",
    "ssm:/drumbeat/other/accounts/key",
    "ssm:/other/prod/accounts/key",
    "SSM:/drumbeat/prod/accounts/key",
    " ssm:/drumbeat/prod/accounts/key",
    *(
        f"secret:{name}"
        for name in ("../system/secret", "system/secret", "/drumbeat/prod/secret", "a/../../secret", "")
    ),
    *(f"secret:{name}" for name in ("..", ".", "a:1", "a b", "a\n", "-a", "é", "a" * 65, "accounts/key")),
    *(f"secret:{name}" for name in ("secret", "database-url", "redis_url", "drumbeat-secret", "Aws-Secret-Access-Key")),
    "Secret:key",
    "system:secret",
    "file:/proc/self/environ",
    "",
]


@pytest.mark.parametrize("reference", ATTACKS)
@pytest.mark.parametrize("local", [True, False])
def test_it_leads_nowhere(reference: str, local: bool) -> None:
    assert place(reference, stage="prod", local=local) is None


@pytest.mark.parametrize("reference", [each for each in ATTACKS if each != "ssm:/drumbeat/other/accounts/key"])
def test_no_document_may_hold_it(reference: str) -> None:
    assert problem(reference) is not None


@pytest.mark.parametrize(
    "reference", ["env:DATABASE_URL", "env:redis_url", "env:DRUMBEAT_SECRET", "env:AWS_SESSION_TOKEN", "env:PGPASSWORD"]
)
def test_the_environment_of_the_stack_itself_is_no_place_for_secrets_of_accounts(reference: str) -> None:
    assert place(reference, stage="dev", local=True) is None
    assert "secret of the installation itself" in (problem(reference) or "")


def test_one_name_leads_to_a_parameter_on_aws_and_to_a_variable_here() -> None:
    assert place("secret:mail-api-key", stage="prod", local=False) == Parameter("/drumbeat/prod/accounts/mail-api-key")
    assert place("secret:mail-api-key", stage="dev", local=True) == Variable("MAIL_API_KEY")


@pytest.mark.parametrize(
    ("reference", "local", "expected"),
    [
        ("env:SHOP", True, Variable("SHOP")),
        ("env:SHOP", False, None),
        ("ssm:/drumbeat/prod/accounts/shop", False, Parameter("/drumbeat/prod/accounts/shop")),
        ("ssm:/drumbeat/prod/accounts/eu/shop", False, Parameter("/drumbeat/prod/accounts/eu/shop")),
    ],
)
def test_older_documents_go_on_working(reference: str, local: bool, expected: object) -> None:
    assert problem(reference) is None
    assert place(reference, stage="prod", local=local) == expected


@pytest.mark.parametrize(
    ("reference", "name"),
    [("ssm:/drumbeat/prod/mail-api-key", "mail-api-key"), ("ssm:/drumbeat/prod/eu/shop.key", "eu-shop-key")],
)
def test_a_name_beside_the_installation_s_own_is_read_and_better_written_otherwise(reference: str, name: str) -> None:
    assert place(reference, stage="prod", local=False) == Parameter(reference.removeprefix("ssm:"))
    assert problem(reference) is None
    assert f"`drumbeat secrets set {name} --stage prod`, and write secret:{name}" in (advice(reference) or "")


@pytest.mark.parametrize(
    "value", ["key-0123456789abcdef", "whsec_c2VjcmV0", "sk_live:abc", "secret:pass word!", "ssm:x"]
)
def test_what_could_be_a_secret_is_never_quoted(value: str) -> None:
    assert value not in (problem(value) or value)


def test_two_ways_to_name_a_secret_are_one() -> None:
    assert same("secret:shop") == same("ssm:/drumbeat/prod/accounts/shop") == same("ssm:/drumbeat/dev/accounts/shop")
    assert same("secret:shop") != same("ssm:/drumbeat/prod/shop")


@pytest.mark.parametrize(
    "spelling", ["secret:HUB-KEY", "secret:Hub_Key", "env:HUB_KEY", "ssm:/drumbeat/prod/accounts/HUB_key"]
)
def test_names_of_one_variable_are_one_secret(spelling: str) -> None:
    assert same(spelling) == same("secret:hub-key")
