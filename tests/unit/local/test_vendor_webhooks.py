"""Which webhooks a stack registers with its sandbox, and when it does so again."""

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from drumbeat.configuration.document import compile_document
from drumbeat.core.configuration import Config
from drumbeat.infrastructure import secrets_file
from drumbeat.local import vendor_registration
from drumbeat.local.vendor_webhooks import APPLIED, VendorWebhooks
from drumbeat.sandbox.reports import registry as reporters
from tests.unit.sandbox.sandbox_process import SandboxProcess
from tests.unit.sandbox.simulated_sandbox import SECRET, TOPIC

FRONT = "http://127.0.0.1:8787"
MAILGUN = """
  mailgun-events: {webhook: mailgun, secrets: [secret:mailgun-signing-key], type: FEEDBACK, speaks_for: mail}
"""
OTHERS = f"""
  resend-events: {{webhook: resend, secrets: [secret:resend-signing-secret], type: FEEDBACK, speaks_for: receipts}}
  ses-events: {{webhook: sns, topic: "{TOPIC}", type: FEEDBACK, speaks_for: news}}
  shop: {{webhook: standard_webhooks, secrets: [secret:shop], type: LEAD_CAPTURE}}
  away: {{webhook: mailgun, secrets: [secret:mailgun-signing-key], type: FEEDBACK, speaks_for: elsewhere}}
"""
DOCUMENT = """
version: 1
accounts:
  mail:
    provider: mailgun
    settings: {{domain: mg.example.com, from: ada@mg.example.com}}
    secrets: {{api_key: secret:a}}
  receipts: {{provider: resend, settings: {{from: "Ada <ada@example.com>"}}, secrets: {{api_key: secret:b}}}}
  news:
    provider: ses
    settings: {{region: eu-central-1, from: ada@example.net, configuration_set: drumbeat}}
    secrets: {{access_key_id: secret:c, secret_access_key: secret:d}}
  elsewhere:
    provider: mailgun
    settings: {{domain: mg.example.org, from: ada@mg.example.org, base_url: "https://api.eu.mailgun.net"}}
    secrets: {{api_key: secret:a}}
sources: {sources}
"""
SECRETS = {
    "secret:mailgun-signing-key": "key-of-mailgun",
    "secret:resend-signing-secret": SECRET,
    "secret:shop": SECRET,
}


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    with SandboxProcess(tmp_path_factory.mktemp("sandbox")) as running:
        yield running


@pytest.fixture(autouse=True)
def nothing_registered(sandbox: SandboxProcess) -> None:
    sandbox.call("DELETE", "/_sandbox/webhooks")


def test_a_source_that_speaks_for_an_account_is_registered_at_its_vendor(sandbox: SandboxProcess) -> None:
    problems = register(sandbox, MAILGUN + OTHERS)

    assert problems == []
    assert {
        (one["provider"], one["account"], one["url"], one["topic"], one["secret"]) for one in registered(sandbox)
    } == {
        ("mailgun", "mg.example.com", f"{FRONT}/v1/webhooks/mailgun-events", "", True),
        ("resend", "example.com", f"{FRONT}/v1/webhooks/resend-events", "", True),
        ("ses", "example.net", f"{FRONT}/v1/webhooks/ses-events", TOPIC, False),
    }


def test_what_no_source_asks_for_any_more_is_taken_away_and_what_a_person_registered_stays(
    sandbox: SandboxProcess,
) -> None:
    other = {"provider": "http", "url": "http://127.0.0.1:9999/own", "secret": SECRET}
    sandbox.call("POST", "/_sandbox/webhooks", other)
    register(sandbox, MAILGUN + OTHERS)
    [before] = [one["id"] for one in registered(sandbox) if one["provider"] == "mailgun"]

    register(sandbox, MAILGUN)

    assert [(one["provider"], one["id"]) for one in registered(sandbox) if one["provider"] != "http"] == [
        ("mailgun", before)
    ]
    assert "http://127.0.0.1:9999/own" in [one["url"] for one in registered(sandbox)]


def test_a_source_whose_secret_is_not_stored_is_named_with_what_stores_it(sandbox: SandboxProcess) -> None:
    problems = register(sandbox, MAILGUN, {})

    assert problems == ["mailgun-events: no secret is stored; `drumbeat secrets set mailgun-signing-key`, any time"]
    assert registered(sandbox) == []


def test_a_source_that_verifies_in_another_way_than_the_vendor_signs_is_named(sandbox: SandboxProcess) -> None:
    sources = "\n  other: {webhook: github, secrets: [secret:shop], type: FEEDBACK, speaks_for: mail}"

    assert register(sandbox, sources) == ["other: it signs for mailgun by mailgun, not github"]
    assert registered(sandbox) == []


def test_every_vendor_that_reports_has_a_scheme_that_verifies_it() -> None:
    assert sorted(vendor_registration.SCHEMES) == sorted(reporters.names())


def test_a_source_without_a_secret_gets_one_that_its_vendor_can_sign_by(
    sandbox: SandboxProcess, tmp_path: Path
) -> None:
    config, url = compiled(MAILGUN + OTHERS), f"http://127.0.0.1:{sandbox.port}"
    secrets_file.store(tmp_path / secrets_file.FILE, "MAILGUN_SIGNING_KEY", "key-of-mailgun")

    made = vendor_registration.make_missing(config, url, tmp_path)
    again = vendor_registration.make_missing(config, url, tmp_path)

    stored = vendor_registration.stored_secrets(tmp_path)
    assert "mailgun-events" not in made
    assert "resend-events" in made
    assert again == []
    assert stored("secret:mailgun-signing-key") == "key-of-mailgun"
    assert vendor_registration.register(config, stored, url, FRONT) == []


def test_a_secret_in_a_wrong_form_is_said_without_the_secret(sandbox: SandboxProcess) -> None:
    sources = "\n  resend-events: {webhook: resend, secrets: [secret:x], type: FEEDBACK, speaks_for: receipts}"

    [problem] = register(sandbox, sources, {"secret:x": "not base64!"})

    assert problem.startswith("resend-events: secret is the signing secret")
    assert "not base64!" not in problem


def test_secrets_are_read_as_the_functions_read_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secrets.env").write_text("MAILGUN_SIGNING_KEY=of-the-file\nEMPTY=\n")
    monkeypatch.setenv("MAILGUN_SIGNING_KEY", "of-the-environment")
    monkeypatch.setenv("OTHER", "of-the-environment")

    value = vendor_registration.stored_secrets(tmp_path)

    assert value("secret:mailgun-signing-key") == "of-the-file"
    assert value("secret:other") == "of-the-environment"
    assert [value(reference) for reference in ("secret:empty", "secret:missing", "ssm:/drumbeat/dev/x")] == [None] * 3


def test_it_registers_again_when_the_configuration_or_the_secrets_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = tmp_path / "ran"
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\necho ran >> {ran}\n")
    python.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(python))
    webhooks = VendorWebhooks(FRONT, "key", "http://127.0.0.1:1", tmp_path)
    counts: list[int] = []

    for changed in (None, APPLIED, None, "secrets.env", None):
        if changed:
            (tmp_path / changed).touch()
            os.utime(tmp_path / changed, ns=(len(counts), len(counts)))
        webhooks.register()
        counts.append(ran.read_text().count("ran"))

    assert counts == [1, 2, 2, 3, 3]


def register(sandbox: SandboxProcess, sources: str, secrets: Mapping[str, str] = SECRETS) -> list[str]:
    url = f"http://127.0.0.1:{sandbox.port}"
    return vendor_registration.register(compiled(sources), secrets.get, url, FRONT)


def compiled(sources: str) -> Config:
    return Config.load(1, compile_document(DOCUMENT.format(sources=sources), {}, file="drumbeat.yaml", sandbox=True))


def registered(sandbox: SandboxProcess) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = sandbox.call("GET", "/_sandbox/webhooks").json["items"]
    return items
