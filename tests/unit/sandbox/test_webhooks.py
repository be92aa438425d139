"""Webhooks over the network: registered, sent beside the answers, tried again, and ordered by a person."""

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography import x509

from tests.unit.sandbox.sandbox_process import Reply, SandboxProcess
from tests.unit.sandbox.simulated_sandbox import TOPIC
from tests.unit.sandbox.webhook_receiver import Arrived, Receiver, webhook_receiver

FORM = {"content_type": "application/x-www-form-urlencoded"}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with webhook_receiver() as running:
        yield running


@pytest.fixture
def reporting(sandbox: SandboxProcess, receiver: Receiver) -> SandboxProcess:
    sandbox.call("DELETE", "/_sandbox/webhooks")
    register(sandbox, receiver, "mailgun", secret="key")
    return sandbox


def test_a_mail_is_reported_to_the_address_that_was_registered(reporting: SandboxProcess, receiver: Receiver) -> None:
    reporting.mailgun("w-1")

    accepted, delivered = receiver.take(2)

    assert accepted.path == "/v1/webhooks/mail"
    assert accepted.headers["content-type"] == "application/json"
    assert [events(one) for one in (accepted, delivered)] == [("accepted", "w-1"), ("delivered", "w-1")]


@pytest.mark.parametrize("status", [503, 302])
def test_what_is_not_accepted_is_sent_again_to_the_same_address(
    reporting: SandboxProcess, receiver: Receiver, status: int
) -> None:
    receiver.statuses = [status]
    reporting.mailgun("w-2")

    arrived = receiver.take(3)

    assert sorted(events(one) for one in arrived) == [("accepted", "w-2"), ("accepted", "w-2"), ("delivered", "w-2")]
    assert {one.path for one in arrived} == {"/v1/webhooks/mail"}


def test_a_receiver_that_does_not_answer_holds_up_no_answer(sandbox: SandboxProcess) -> None:
    sandbox.call("DELETE", "/_sandbox/webhooks")
    with webhook_receiver() as slow, slow.changed:  # it cannot note a webhook, so it answers none
        register(sandbox, slow, "mailgun", secret="key")

        replies = [sandbox.mailgun(f"w-3-{number}").status for number in range(30)]
        sandbox.call("DELETE", "/_sandbox/webhooks")

    assert replies == [200] * 30


def test_what_was_not_sent_is_sent_after_the_sandbox_was_killed(home: Path) -> None:
    with webhook_receiver() as away:
        pass
    first = SandboxProcess(home)
    register(first, away, "mailgun", secret="key")
    first.mailgun("w-4")
    first.kill()

    with webhook_receiver(away.port) as receiver, SandboxProcess(home):
        arrived = receiver.take(2)

    assert {events(one) for one in arrived} == {("accepted", "w-4"), ("delivered", "w-4")}


def test_a_fault_reports_before_the_answer_leaves(reporting: SandboxProcess, receiver: Receiver) -> None:
    reporting.inject("feedback_first")
    answered = threading.Event()

    def send() -> None:
        reporting.mailgun("w-5")
        answered.set()

    with receiver.changed:  # the receiver is stopped before it has answered
        sending = threading.Thread(target=send)
        sending.start()
        held = not answered.wait(0.5)
    sending.join()

    assert held
    assert {events(one) for one in receiver.take(2)} == {("accepted", "w-5"), ("delivered", "w-5")}


def test_a_report_is_ordered_and_listed(reporting: SandboxProcess, receiver: Receiver) -> None:
    reporting.mailgun("w-6")
    receiver.take(2)

    made = reporting.call("POST", "/_sandbox/feedback", {"key": "w-6", "kind": "complained"})
    [complained] = receiver.take(1)
    listed = reporting.call("GET", "/_sandbox/feedback?key=w-6").json["items"]

    assert made.status == 201
    assert events(complained) == ("complained", "w-6")
    assert [one["kind"] for one in listed] == ["complained", "delivered", "accepted"]
    assert {one["provider"] for one in listed} == {"mailgun"}


def test_an_order_that_cannot_be_carried_out_is_refused(reporting: SandboxProcess) -> None:
    reply = reporting.call("POST", "/_sandbox/feedback", {"key": "w-never", "kind": "complained"})

    assert (reply.status, "no mail or call with that key" in reply.json["error"]) == (400, True)


def test_a_registered_webhook_is_shown_without_its_secret_and_taken_away(
    reporting: SandboxProcess, receiver: Receiver
) -> None:
    shown = reporting.call("GET", "/_sandbox/webhooks")
    gone = reporting.call("DELETE", f"/_sandbox/webhooks/{shown.json['items'][0]['id']}")

    assert [(one["provider"], one["url"], one["secret"]) for one in shown.json["items"]] == [
        ("mailgun", receiver.url, True)
    ]
    assert gone.json == {"removed": 1}
    assert reporting.call("GET", "/_sandbox/webhooks").json["items"] == []


def test_registering_the_same_again_writes_nothing(reporting: SandboxProcess, receiver: Receiver) -> None:
    before = reporting.call("GET", "/_sandbox/health").json["entries"]
    command = {"provider": "mailgun", "url": receiver.url, "secret": "key"}

    again = reporting.call("POST", "/_sandbox/webhooks", command)

    assert again.status == 200
    assert reporting.call("GET", "/_sandbox/health").json["entries"] == before


def test_a_webhook_of_another_machine_is_refused(sandbox: SandboxProcess) -> None:
    command = {"provider": "mailgun", "url": "http://hooks.example.com:80/x", "secret": "key"}

    reply = sandbox.call("POST", "/_sandbox/webhooks", command)

    assert (reply.status, "on this machine" in reply.json["error"]) == (400, True)


def test_sns_asks_to_confirm_first_and_serves_what_verifies_it(sandbox: SandboxProcess, receiver: Receiver) -> None:
    sandbox.call("DELETE", "/_sandbox/webhooks")
    before = register(sandbox, receiver, "ses", topic=TOPIC).json
    [asked] = receiver.take(1)

    wrong = sandbox.call("GET", f"/ses/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=guessed")
    unconfirmed = sandbox.call("GET", "/_sandbox/webhooks").json["items"][0]["confirmed"]
    visited = sandbox.call("GET", target(asked.json["SubscribeURL"]))
    certificate = sandbox.call("GET", target(asked.json["SigningCertURL"]))

    assert asked.headers["x-amz-sns-message-type"] == "SubscriptionConfirmation"
    assert (before["confirmed"], unconfirmed) == (False, False)
    assert (wrong.status, visited.status) == (400, 200)
    assert sandbox.call("GET", "/_sandbox/webhooks").json["items"][0]["confirmed"]
    assert x509.load_pem_x509_certificate(certificate.body)
    assert sandbox.call("GET", "/ses/SimpleNotificationService-" + "0" * 32 + ".pem").status == 404


def test_the_buttons_of_a_mail_report_what_a_person_does(reporting: SandboxProcess, receiver: Receiver) -> None:
    reporting.mailgun("w-7", html='<a href="https://example.com/offer?a=1">Offer</a>')
    receiver.take(2)
    path = newest_path(reporting)
    titles = re.findall(r'name="kind" value="(\w+)"', reporting.call("GET", path).body.decode())

    answers = [reporting.call("POST", f"{path}/report", f"kind={kind}", **FORM).status for kind in titles]
    arrived = receiver.take(len(titles))

    assert titles == ["opened", "clicked", "bounced", "soft_bounced", "complained", "unsubscribed"]
    assert answers == [303] * 6
    assert sorted(one.json["event-data"]["event"] for one in arrived) == [
        "clicked", "complained", "failed", "failed", "opened", "unsubscribed",
    ]  # fmt: skip
    assert "https://example.com/offer?a=1" in [one.json["event-data"].get("url") for one in arrived]


def test_looking_at_a_mail_reports_nothing(reporting: SandboxProcess, receiver: Receiver) -> None:
    reporting.mailgun("w-8")
    receiver.take(2)

    for view in ("html", "text", "headers", "record"):
        reporting.call("GET", f"{newest_path(reporting)}?view={view}")

    assert len(reporting.call("GET", "/_sandbox/feedback?key=w-8").json["items"]) == 2


def test_the_page_says_what_was_reported_and_how_it_was_answered(reporting: SandboxProcess, receiver: Receiver) -> None:
    receiver.statuses = [406]
    reporting.mailgun("w-9", to="told@example.org")
    receiver.take(2)
    settled(reporting, "w-9")

    page = reporting.call("GET", f"{newest_path(reporting)}?view=record").body.decode()

    cells = re.sub(r"<td [^>]*>", "<td>", page)
    assert re.search(r"alarm\">accepted</i></td><td>told@example.org</td><td>given up</td><td>406<", cells)
    assert re.search(r"did-accepted\">delivered</i></td><td>told@example.org</td><td>sent</td><td>200<", cells)


def test_bad_news_does_not_look_like_a_delivery(reporting: SandboxProcess, receiver: Receiver) -> None:
    bad = {"bounced": "alarm", "complained": "alarm", "refused": "alarm", "soft bounced": "warn", "blocked": "warn"}
    reporting.mailgun("w-12")
    receiver.take(2)
    for kind in bad:
        reporting.call("POST", "/_sandbox/feedback", {"key": "w-12", "kind": kind.replace(" ", "_")})
    receiver.take(len(bad))
    settled(reporting, "w-12")

    pages = [
        reporting.call("GET", f"{newest_path(reporting)}?view={view}").body.decode() for view in ("html", "record")
    ]

    for page, times in zip(pages, (1, 2), strict=True):
        shown = re.findall(r'<i class="badge ([\w-]+)"[^>]*>([a-z ]+)</i>', page)
        for kind, tone in (bad | {"delivered": "did-accepted"}).items():
            assert [each for each, said in shown if said == kind] == [tone] * times


def test_a_mail_without_a_webhook_has_no_button_and_says_so(sandbox: SandboxProcess) -> None:
    sandbox.call("DELETE", "/_sandbox/webhooks")
    sandbox.mailgun("w-10")
    path = newest_path(sandbox)

    page = sandbox.call("GET", f"{path}?view=record").body.decode()
    pressed = sandbox.call("POST", f"{path}/report", "kind=opened", **FORM)

    assert "no webhook is registered for it" in page
    assert 'name="kind"' not in page
    assert (pressed.status, b"POST /_sandbox/webhooks" in pressed.body) == (400, True)


def test_another_sites_page_cannot_report(reporting: SandboxProcess, receiver: Receiver) -> None:
    reporting.mailgun("w-11")
    receiver.take(2)

    reply = reporting.call("POST", f"{newest_path(reporting)}/report", "kind=bounced", origin="https://evil.example")

    assert reply.status == 403


def register(sandbox: SandboxProcess, receiver: Receiver, provider: str, **more: str) -> Reply:
    reply = sandbox.call("POST", "/_sandbox/webhooks", {"provider": provider, "url": receiver.url, **more})
    assert reply.status == 201, reply.body
    return reply


def events(arrived: Arrived) -> tuple[str, str]:
    data = arrived.json["event-data"]
    return data["event"], data["user-variables"]["effect-id"]


def settled(sandbox: SandboxProcess, key: str) -> None:
    """Wait until nothing waits of what was reported of this mail."""
    for _ in range(200):
        if not sandbox.call("GET", f"/_sandbox/feedback?key={key}&state=waiting").json["items"]:
            return
        threading.Event().wait(0.05)
    raise AssertionError(sandbox.call("GET", f"/_sandbox/feedback?key={key}").json)


def target(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def newest_path(sandbox: SandboxProcess) -> str:
    found = re.search(r'href="(/mail/\d+)', sandbox.call("GET", "/").body.decode())
    assert found is not None
    return found[1]
