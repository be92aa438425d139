"""Secrets in the document: none stands there, and none reaches another receiver than its own."""

from collections.abc import Iterable

import pytest

from drumbeat.configuration.check_secrets import Use
from drumbeat.configuration.document import compile_document
from drumbeat.core.compatibility import ACCOUNT_HEADERS, SECRET_REFERENCES
from drumbeat.core.configuration import Config
from drumbeat.core.errors import ConfigError

BEARER = 'settings: {base_url: "https://erp.example.com/api", headers: {Authorization: "Bearer {{ secret.token }}"}}'
ERP = f"erp: {{provider: http, {BEARER}, secrets: {{token: secret:erp-token}}}}"


def mistakes(*accounts: str, earlier: Iterable[Use] = (), sandbox: bool = False) -> list[str]:
    """Return what is wrong with these accounts."""
    text = "\n".join(["version: 1", "accounts:", *(f"  {account}" for account in accounts)])
    try:
        compile_document(text, {}, sandbox=sandbox, earlier=lambda: earlier)
    except ConfigError as error:
        return [each.message for each in error.mistakes]
    return []


def http(settings: str, secrets: str = "token: secret:erp-token") -> str:
    address = "base_url: 'https://erp.example.com'"
    return f"erp: {{provider: http, settings: {{{address}, {settings}}}, secrets: {{{secrets}}}}}"


def test_a_header_names_a_secret_of_its_account() -> None:
    compiled = compile_document(f"version: 1\naccounts:\n  {ERP}", {}, sandbox=False)
    account = Config.load(1, compiled).accounts["erp"]

    assert account.headers == {"Authorization": "Bearer {{ secret.token }}"}
    assert account.settings == {"base_url": "https://erp.example.com/api"}
    assert compiled["must_understand"] == [SECRET_REFERENCES, ACCOUNT_HEADERS]


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        (http("headers: {Authorization: Bearer abc}"), "holds a credential in plain text"),
        (http("headers: {authorization: abc}"), "holds a credential in plain text"),
        (http("headers: {X-Api-Key: abc}"), "holds a credential in plain text"),
        (http("headers: {Cookie: 'a=b'}"), "holds a credential in plain text"),
        (http("headers: {X-Access-Token: abc}"), "holds a credential in plain text"),
        (http("headers: {X-Custom: 'Basic YTpi'}"), "holds a credential in plain text"),
        (http("headers: {X-Custom: 'Bearer abc'}"), "holds a credential in plain text"),
        (http("headers: {Authorization: 'Bearer {{ secret.tokn }}'}"), "secret tokn is missing"),
        (http("headers: {Authorization: 'Bearer {{ payload.token }}'}"), "only hold text and secrets"),
        (http("headers: {Authorization: 'Bearer {{ secret.token | upper }}'}"), "only hold text and secrets"),
        (http("headers: {Authorization: '{% raw %}'}"), "only hold text and secrets"),
        (http('headers: {X-A: "a\\r\\nB: c"}'), "one line of printable ASCII"),
        (http("headers: {'X A': b}"), "cannot be a header's name"),
        (http("headers: {Host: evil.example}"), "is set by Drumbeat itself"),
        (http("headers: {Webhook-Id: x}"), "is set by Drumbeat itself"),
        (http("headers: {X-A: b, x-a: c}"), "is there twice"),
        (http("headers: {X-A: '{{ secret.signing_key }}'}", "signing_key: secret:erp"), "signs and never travels"),
        (http("headers: {X-A: '{{ secret.token }}'}", "token: abc"), "secrets are references, never values"),
        (http("headers: {X-A: b}", "signing_key: secret:erp, token: secret:t"), "http has no secret token"),
        (http("headers: {X-A: b}", ""), "secret signing_key is missing"),
        (http("headers: text"), "must be a mapping"),
        (ERP.replace("https:", "http:"), "must begin with https://"),
        (ERP.replace("https://erp", "https://me:pass@erp"), "must not carry a user name or password"),
        (ERP.replace("/api", "/api?key=abc"), "belongs under secrets"),
        (
            "m: {provider: hubspot, settings: {token: pat-abc}, secrets: {token: secret:h}}",
            "token is a secret: store it",
        ),
        (
            "m: {provider: hubspot, settings: {headers: {X-A: b}}, secrets: {token: secret:h}}",
            "hubspot takes no headers",
        ),
        (
            "m: {provider: hubspot, settings: {base_url: 'https://evil.example'}, secrets: {token: secret:h}}",
            "base_url must be https://api.hubapi.com",
        ),
    ],
)
def test_what_is_refused_says_what_to_write(account: str, expected: str) -> None:
    found = mistakes(account)

    assert any(expected in each for each in found), found
    assert not any(value in each for each in found for value in ("abc", "YTpi", "pass@", "a=b"))


def test_a_vendor_may_be_imitated_in_a_local_stack() -> None:
    assert (
        mistakes(
            "m: {provider: hubspot, settings: {base_url: 'http://here:1'}, secrets: {token: secret:h}}", sandbox=True
        )
        == []
    )


@pytest.mark.parametrize(
    "spelling",
    [
        *("secret:erp-token", "secret:ERP_TOKEN", "env:ERP_TOKEN"),
        *("ssm:/drumbeat/prod/accounts/erp-token", "ssm:/drumbeat/dev/accounts/erp-token"),
    ],
)
def test_a_vendor_s_key_is_shown_to_no_receiver_of_the_caller_s(spelling: str) -> None:
    crm = f"crm: {{provider: hubspot, secrets: {{token: '{spelling}'}}}}"

    beside = mistakes(crm, ERP)
    (after,) = mistakes(ERP, earlier=[Use(spelling, "hubspot", None)])

    assert any("is a secret for hubspot" in each for each in beside)
    assert "is a secret for hubspot" in after


def test_a_token_stays_with_its_receiver() -> None:
    elsewhere = ERP.replace("erp.example.com", "evil.example")

    (found,) = mistakes(elsewhere, earlier=[Use("secret:erp-token", "http", "https://erp.example.com/other")])

    assert "is a secret for https://erp.example.com" in found
    assert mistakes(ERP, earlier=[Use("secret:erp-token", "http", "https://ERP.example.com/other")]) == []


@pytest.mark.parametrize("trial", [None, "http://localhost:3000", "http://127.0.0.1:3000/api", "http://[::1]:3000"])
def test_a_token_that_was_tried_out_on_this_machine_goes_to_its_receiver(trial: str | None) -> None:
    assert mistakes(ERP, earlier=[Use("secret:erp-token", "http", trial)], sandbox=True) == []
    assert mistakes(ERP, earlier=[Use("secret:erp-token", "hubspot", trial)], sandbox=True) != []


def test_the_sandbox_is_shown_no_vendor_s_key() -> None:
    local = ERP.replace('base_url: "https://erp.example.com/api", ', "")

    (found,) = mistakes(local, earlier=[Use("secret:erp-token", "hubspot", None)], sandbox=True)

    assert "is a secret for hubspot" in found


def test_two_names_that_are_one_variable_are_one_too_many() -> None:
    (found,) = mistakes(
        "a: {provider: hubspot, secrets: {token: secret:hub-key}}",
        "b: {provider: hubspot, secrets: {token: secret:hub_key}}",
    )

    assert "secret:hub_key and secret:hub-key are one variable" in found
