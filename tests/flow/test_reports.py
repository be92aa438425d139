"""What the sandbox's providers report of mails comes back to the stack by webhook, verified, on a running stack."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.flow.stacks import Stack, eventually

CONFIG = """
version: 1
accounts:
  mailgun:
    provider: mailgun
    settings: {domain: mg.example.com, from: ada@mg.example.com}
    secrets: {api_key: secret:any}
  resend: {provider: resend, settings: {from: ada@example.com}, secrets: {api_key: secret:any}}
  postmark: {provider: postmark, settings: {from: ada@example.org}, secrets: {server_token: secret:any}}
  ses:
    provider: ses
    settings: {region: eu-central-1, from: ada@example.net, configuration_set: drumbeat}
    secrets: {access_key_id: secret:any, secret_access_key: secret:any}
sources:
  from-mailgun: {webhook: mailgun, secrets: [secret:mailgun-signing-key], type: FEEDBACK, speaks_for: mailgun}
  from-resend: {webhook: resend, secrets: [secret:resend-signing-secret], type: FEEDBACK, speaks_for: resend}
  from-postmark: {webhook: postmark, secrets: [secret:postmark-credentials], type: FEEDBACK, speaks_for: postmark}
  from-ses: {webhook: sns, topic: "arn:aws:sns:eu-central-1:123456789012:mail", type: FEEDBACK, speaks_for: ses}
flows:
  mails:
    on: LEAD_CAPTURE
    steps:
      - {id: one, account: mailgun, action: send_email, with: {to: "{{ payload.email }}", subject: Hello, text: Hi}}
      - {id: two, account: resend, action: send_email, with: {to: "{{ payload.email }}", subject: Hello, text: Hi}}
      - {id: three, account: postmark, action: send_email, with: {to: "{{ payload.email }}", subject: Hello, text: Hi}}
      - {id: four, account: ses, action: send_email, with: {to: "{{ payload.email }}", subject: Hello, text: Hi}}
"""
SECRETS = {
    "MAILGUN_SIGNING_KEY": "a-key-of-mailgun",
    "RESEND_SIGNING_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "POSTMARK_CREDENTIALS": "drumbeat:a-password-of-postmark",
}
REPORTED = {"accepted", "delivered"}  # Postmark reports a delivery only


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    home = tmp_path_factory.mktemp("stack")
    config = tmp_path_factory.mktemp("campaigns") / "drumbeat.yaml"
    config.write_text(CONFIG)
    (home / "secrets.env").write_text("".join(f"{name}={value}\n" for name, value in SECRETS.items()))
    stack = Stack(home, config).start()
    yield stack
    stack.end()


def test_each_provider_reports_to_the_source_that_speaks_for_its_account(stack: Stack) -> None:
    eventually(lambda: all(one["confirmed"] for one in sandbox(stack, "GET", "/_sandbox/webhooks")))

    event_id = stack.send("one", "one@example.com")[2]["eventId"]
    eventually(lambda: stack.done(event_id))
    keys = {mail["provider"]: mail["marker"] for mail in stack.mails("one@example.com")}
    eventually(lambda: all("delivered" in accepted(stack, key) for key in keys.values()))

    assert sorted(keys) == ["mailgun", "postmark", "resend", "ses"]
    assert {name: set(accepted(stack, key)) for name, key in keys.items()} == {
        "mailgun": REPORTED, "postmark": REPORTED - {"accepted"}, "resend": REPORTED, "ses": REPORTED,
    }  # fmt: skip


def test_a_report_that_is_ordered_for_a_mail_is_taken(stack: Stack) -> None:
    event_id = stack.send("two", "two@example.com")[2]["eventId"]
    eventually(lambda: stack.done(event_id))
    keys = [mail["marker"] for mail in stack.mails("two@example.com")]

    for key in keys:
        sandbox(stack, "POST", "/_sandbox/feedback", {"key": key, "kind": "complained"})

    eventually(lambda: all("complained" in accepted(stack, key) for key in keys))


def accepted(stack: Stack, key: str) -> list[str]:
    """Return the kinds of the reports of a mail that the stack has answered with 2xx."""
    reports = sandbox(stack, "GET", f"/_sandbox/feedback?key={key}&state=sent")
    return [one["kind"] for one in reports]


def sandbox(stack: Stack, method: str, path: str, body: object = None) -> list[dict[str, Any]]:
    status, _, answer = stack.call(method, path, body, url=stack.ready["sandbox_url"])
    assert status in (200, 201), answer
    items: list[dict[str, Any]] = answer["items"]
    return items
