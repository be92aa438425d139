"""A mail is asked for, followed, and looked at where it arrived; the deployment's answers are literal."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, cast

import pytest

from drumbeat.cli.checks import Check
from drumbeat.cli.client import Client, Refusal
from drumbeat.cli.mail.sending import Asked, send_and_check
from drumbeat.core.configuration import Config

ASKED = Asked("bob@example.org", None, None, None, None, 0.01)
CONFIG = Config(1, {}, {}, {}, {}, {}, postal_address="1 Main Street")
EFFECT = {
    "effectId": "e1",
    "status": "accepted",
    "reason": None,
    "plannedFor": "2026-01-01T00:00:00Z",
}
STORY: dict[str, Any] = {"recordedAt": "2026-01-01T00:00:00Z", "plan": {"failed": {}}, "effects": [EFFECT]}
SENT: dict[str, Any] = {
    "eventId": "v1",
    "account": "mail",
    "provider": "mailgun",
    "from": "Ada <ada@acme.io>",
    "sandbox": None,
}


@dataclass
class Deployment:
    """Answers as a deployment does; a link that withdraws consent when it is opened makes an event."""

    sent: dict[str, Any] = field(default_factory=lambda: dict(SENT))
    story: dict[str, Any] | None = field(default_factory=lambda: dict(STORY))
    withdrawals: list[dict[str, str]] = field(default_factory=list)
    asked: list[Any] = field(default_factory=list)

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        assert path == "/v1/doctor/mail"
        self.asked.append(body)
        return self.sent

    def get(self, path: str, **query: object) -> dict[str, Any]:
        if path == "/v1/events":
            assert query == {"source": "drumbeat:unsubscribe", "limit": 1}
            return {"items": list(self.withdrawals)}
        if self.story is None:
            raise Refusal(404, {"title": "no such event"})
        return self.story


def checked(deployment: object, asked: Asked = ASKED) -> dict[str, Check]:
    return {each["name"]: each for each in send_and_check(cast(Client, deployment), asked, CONFIG)}


@contextmanager
def inbox(mails: list[dict[str, Any]], deployment: Deployment | None = None) -> Iterator[str]:
    """Serve the sandbox's list of mails, and pages that a link may lead to; yields where."""

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/u/acts" and deployment is not None:
                deployment.withdrawals.insert(0, {"eventId": "w1"})
            raw = json.dumps({"items": mails}).encode() if self.path == "/_sandbox/mail?q=e1" else b"page"
            self.send_response({"/u/gone": 404, "/u/moved": 302}.get(self.path, 200))
            self.send_header("Location", "/u/good")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Door) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def arrived(link: str | None = None) -> dict[str, Any]:
    headers = {"Message-Id": "<e1-1@acme.io>"}
    text = "Hello"
    if link is not None:
        headers |= {
            "List-Unsubscribe": f"<{link}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "List-Id": "<news.acme.io>",
            "Feedback-Id": "mail:check.mail:news:drumbeat",
        }
        text = f"Hello\n{link}\n1 Main Street"
    return {"from": "Ada <ada@acme.io>", "to": ["bob@example.org"], "subject": "Hi", "text": text, "html": None} | {
        "headers": headers
    }


def test_a_mail_to_a_real_mailbox_is_followed_to_its_acceptance() -> None:
    deployment = Deployment()

    found = checked(deployment, replace(ASKED, account="mail", template="digest", payload={"name": "Bob"}))

    assert all(each["ok"] for each in found.values())
    assert "Authentication-Results" in found
    key = deployment.asked[0].pop("idempotencyKey")
    assert key.startswith("doctor-")
    assert deployment.asked == [
        {"to": "bob@example.org", "account": "mail", "list": None, "template": "digest", "payload": {"name": "Bob"}}
    ]


@pytest.mark.parametrize(
    ("story", "detail", "fix"),
    [
        (None, "not sent after", "nothing is lost"),
        (STORY | {"plan": None}, "not sent after", "nothing is lost"),
        (STORY | {"plan": {"failed": {"check:mail": "no account"}}, "effects": []}, "no account", "drumbeat config"),
        (STORY | {"effects": []}, "planned by an earlier release", "deploy this release"),
        (STORY | {"effects": [EFFECT | {"status": "waiting"}]}, "waiting", "drumbeat event v1"),
        (STORY | {"effects": [EFFECT | {"status": "cancelled", "reason": "no consent"}]}, "no consent", "sign up"),
        (STORY | {"effects": [EFFECT | {"status": "held", "reason": "no secret"}]}, "held: no secret", "resolve"),
        (STORY | {"effects": [EFFECT | {"status": "refused", "reason": "HTTP 400"}]}, "HTTP 400", "--payload"),
    ],
)
def test_a_mail_that_was_not_accepted_says_why_and_what_to_do(
    story: dict[str, Any] | None, detail: str, fix: str
) -> None:
    (each,) = checked(Deployment(story=story)).values()

    assert not each["ok"]
    assert detail in each["detail"] and fix in each["fix"]


def test_a_refusal_of_the_deployment_is_shown() -> None:
    class Refusing(Deployment):
        def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
            raise Refusal(404, {"title": "There is nothing by that name", "detail": "No list is called x"})

    (each,) = checked(Refusing()).values()

    assert not each["ok"] and "No list is called x" in each["detail"]


def test_what_arrived_in_the_sandbox_is_checked() -> None:
    with inbox([arrived()]) as url:
        found = checked(Deployment(sent=SENT | {"sandbox": url}))

    assert [name for name, each in found.items() if not each["ok"]] == []
    assert url in found["sandbox"]["detail"]
    assert "Message-Id" in found


@pytest.mark.parametrize("number", [0, 2])
def test_none_or_two_that_arrived_are_a_fault(number: int) -> None:
    with inbox([arrived()] * number) as url:
        found = checked(Deployment(sent=SENT | {"sandbox": url}))

    assert [name for name, each in found.items() if not each["ok"]] == ["sandbox"]
    assert found["sandbox"]["detail"].startswith(f"{number} arrived")


def test_a_sandbox_that_is_not_reached_is_said() -> None:
    with inbox([]) as url:
        pass

    each = checked(Deployment(sent=SENT | {"sandbox": url}))["sandbox"]

    assert not each["ok"] and "does not answer" in each["detail"]


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("/u/good", None),
        ("/u/gone", "it answers 404"),
        ("/u/moved", "it answers 302"),
        ("/u/acts", "opening it changed something"),
    ],
)
def test_the_link_to_unsubscribe_is_opened_and_may_change_nothing(path: str, problem: str | None) -> None:
    deployment = Deployment()
    mails: list[dict[str, Any]] = []
    with inbox(mails, deployment) as url:
        mails.append(arrived(f"{url}{path}"))
        deployment.sent["sandbox"] = url
        found = checked(deployment, replace(ASKED, list="news"))

    assert [name for name, each in found.items() if not each["ok"]] == (
        [] if problem is None else ["link to unsubscribe"]
    )
    assert problem is None or problem in found["link to unsubscribe"]["detail"]


def test_a_link_to_nowhere_is_said() -> None:
    with inbox([arrived("http://127.0.0.1:1/u/x")]) as url:
        found = checked(Deployment(sent=SENT | {"sandbox": url}), replace(ASKED, list="news"))

    assert "it does not open" in found["link to unsubscribe"]["detail"]
