"""What the sandbox's providers report of mails comes back to the stack by webhook, verified, on a running stack."""

import hmac
import time
import uuid
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
lists: {offers: {title: Offers}}
defaults: {public_url: "https://news.example.com", postal_address: "1 Example Street, Example"}
flows:
  courier:
    on: LEAD_CAPTURE
    when: "payload.kind == 'courier'"
    steps:
      - {id: five, account: ses, action: send_email, with: {to: "{{ payload.email }}", subject: Hello, text: Hi}}
  offer:
    on: LEAD_CAPTURE
    when: "payload.kind == 'offer'"
    steps:
      - id: offer
        account: mailgun
        action: send_email
        with: {list: offers, to: "{{ payload.email }}", subject: Hi, text: "{{ unsubscribe_url }} {{ postal_address }}"}
  receipt:
    on: LEAD_CAPTURE
    when: "payload.kind == 'receipt'"
    steps:
      - {id: receipt, account: mailgun, action: send_email, with: {to: "{{ payload.email }}", subject: Yours, text: Hi}}
  mails:
    on: LEAD_CAPTURE
    when: "payload.kind == 'all'"
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

    event_id = stack.send("one", "one@example.com", kind="all")[2]["eventId"]
    eventually(lambda: stack.done(event_id))
    keys = {mail["provider"]: mail["marker"] for mail in stack.mails("one@example.com")}
    eventually(lambda: all("delivered" in accepted(stack, key) for key in keys.values()))

    assert sorted(keys) == ["mailgun", "postmark", "resend", "ses"]
    assert {name: set(accepted(stack, key)) for name, key in keys.items()} == {
        "mailgun": REPORTED, "postmark": REPORTED - {"accepted"}, "resend": REPORTED, "ses": REPORTED,
    }  # fmt: skip


def test_a_report_that_is_ordered_for_a_mail_is_taken(stack: Stack) -> None:
    event_id = stack.send("two", "two@example.com", kind="all")[2]["eventId"]
    eventually(lambda: stack.done(event_id))
    keys = [mail["marker"] for mail in stack.mails("two@example.com")]

    for key in keys:
        sandbox(stack, "POST", "/_sandbox/feedback", {"key": key, "kind": "complained"})

    eventually(lambda: all("complained" in accepted(stack, key) for key in keys))


def test_each_providers_reports_settle_what_its_answer_left_open(stack: Stack) -> None:
    for provider in PROVIDERS:
        lie(stack, "accept_then_cut", provider)

    event_id = stack.send("three", "three@example.com", kind="all")[2]["eventId"]
    eventually(lambda: {each["status"] for each in effects(stack, event_id)} == {"accepted"})

    told = {each["account"]: each for each in effects(stack, event_id)}
    assert {name: each["journal"][-1]["actor"] for name, each in told.items() if name in SLOW} == dict.fromkeys(
        SLOW, "feedback"
    )
    eventually(lambda: all("delivered" in kinds(each) for each in effects(stack, event_id)))
    assert {len(stack.mails("three@example.com"))} == {len(PROVIDERS)}


def test_who_bounced_complained_or_left_is_mailed_no_more(stack: Stack) -> None:
    """By the sandbox's record, which no code of the product writes."""
    ends = {
        "hard": "bounced",
        "soft": "soft_bounced",
        "annoyed": "complained",
        "fine": "delivered",
        "half": "soft_bounced",
    }
    mails = {"hard": 1, "soft": 5, "annoyed": 1, "fine": 1, "half": 4}
    before: dict[str, int] = {}
    for name in ("soft", "half"):  # else it would report deliveries between them
        sandbox_command(stack, "lies", {"lie": "feedback_never", "provider": "mailgun", "match": f"{name}@example.net"})
    for name, kind in ends.items():
        for number in range(mails[name]):
            [key] = sent(stack, f"{name}{number}", f"{name}@example.net", "receipt")
            report(stack, key, kind)
        before[name] = len(stack.mails(f"{name}@example.net"))

    for name in ends:
        sent(stack, f"{name} receipt", f"{name}@example.net", "receipt", mailed=name not in ("hard", "soft"))
        sent(stack, f"{name} offer", f"{name}@example.net", "offer", mailed=name in ("fine", "half"))

    more = {name: len(stack.mails(f"{name}@example.net")) - before[name] for name in ends}
    assert more == {"hard": 0, "soft": 0, "annoyed": 1, "fine": 2, "half": 2}


def test_what_is_forged_replayed_or_of_another_account_moves_nothing(stack: Stack) -> None:
    lie(stack, "accept_then_cut", "ses")
    lie(stack, "feedback_never", "ses")
    event_id = stack.send("four", "four@example.com", kind="courier")[2]["eventId"]
    eventually(lambda: [each["status"] for each in effects(stack, event_id)] == ["unknown"])
    [effect] = effects(stack, event_id)
    body = mailgun_report(f"{effect['effectId']}-1", "failed")
    forged = mailgun_report(f"{effect['effectId']}-1", "failed", key="another")

    answers = [stack.call("POST", "/v1/webhooks/from-mailgun", each)[0] for each in (forged, body, body)]
    eventually(lambda: "bounced" in reports_of(stack, "mailgun"))

    assert answers == [401, 200, 200]
    [after] = effects(stack, event_id)
    assert (after["status"], after["feedback"]) == ("unknown", [])
    sent(stack, "four again", "four@example.com", "receipt")


def test_a_stranger_reports_nothing_that_counts_by_the_api(stack: Stack) -> None:
    [key] = sent(stack, "five", "five@example.com", "receipt")
    event = {
        "type": "FEEDBACK",
        "source": "monitor",
        "idempotencyKey": "said-1",
        "payload": {"kind": "bounced", "key": key, "email": "five@example.com"},
    }

    status, _, _ = stack.call("POST", "/v1/events", event)

    assert status == 202
    sent(stack, "five again", "five@example.com", "receipt")


# ---------------------------------------------------------------- what the tests are told in


PROVIDERS = ("mailgun", "postmark", "resend", "ses")
SLOW = ("mailgun", "ses")  # that would look or wait for minutes before anything else settles it


def lie(stack: Stack, name: str, provider: str) -> None:
    sandbox_command(stack, "lies", {"lie": name, "provider": provider, "times": 1})


def effects(stack: Stack, event_id: str) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = stack.call("GET", f"/v1/events/{event_id}")[2]["effects"]
    return shown


def kinds(effect: dict[str, Any]) -> set[str]:
    return {each["kind"] for each in effect["feedback"]}


def sent(stack: Stack, key: str, email: str, kind: str, *, mailed: bool = True) -> list[str]:
    """Send an event whose only effect is a mail, wait for its end, and return the key of a mail that was sent."""
    event_id = stack.send(key, email, kind=kind, agrees_to=["offers"])[2]["eventId"]
    eventually(lambda: stack.done(event_id))
    [effect] = effects(stack, event_id)
    assert effect["status"] == ("accepted" if mailed else "cancelled"), effect["reason"]
    return [f"{effect['effectId']}-1"] if mailed else []


def report(stack: Stack, key: str, kind: str) -> None:
    """Let the provider report, and wait until it is recorded."""
    sandbox_command(stack, "feedback", {"key": key, "kind": kind})
    eventually(lambda: kind in accepted(stack, key))


def reports_of(stack: Stack, account: str) -> dict[str, int]:
    items = stack.call("GET", "/v1/accounts")[2]["items"]
    found: dict[str, int] = next(each["reports"] for each in items if each["account"] == account)
    return found


def mailgun_report(provider_key: str, event: str, key: str = SECRETS["MAILGUN_SIGNING_KEY"]) -> dict[str, Any]:
    """Return a report as Mailgun sends and signs it."""
    timestamp, token = str(int(time.time())), uuid.uuid4().hex + uuid.uuid4().hex[:18]
    signature = hmac.digest(key.encode(), f"{timestamp}{token}".encode(), "sha256").hex()
    return {
        "signature": {"timestamp": timestamp, "token": token, "signature": signature},
        "event-data": {
            "id": token[:22],
            "event": event,
            "severity": "permanent",
            "reason": "bounce",
            "timestamp": time.time(),
            "recipient": "four@example.com",
            "user-variables": {"effect-id": provider_key},
        },
    }


def sandbox_command(stack: Stack, path: str, command: dict[str, Any]) -> None:
    status, _, answer = stack.call("POST", f"/_sandbox/{path}", command, url=stack.ready["sandbox_url"])
    assert status in (200, 201), answer


def accepted(stack: Stack, key: str) -> list[str]:
    """Return the kinds of the reports of a mail that the stack has answered with 2xx."""
    reports = sandbox(stack, "GET", f"/_sandbox/feedback?key={key}&state=sent")
    return [one["kind"] for one in reports]


def sandbox(stack: Stack, method: str, path: str, body: object = None) -> list[dict[str, Any]]:
    status, _, answer = stack.call(method, path, body, url=stack.ready["sandbox_url"])
    assert status in (200, 201), answer
    items: list[dict[str, Any]] = answer["items"]
    return items
