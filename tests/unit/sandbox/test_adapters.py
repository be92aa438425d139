"""Drumbeat's own adapters against the sandbox: to them it answers as the vendor does."""

import hashlib
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest

from drumbeat.core.actions import Action, Call, SendEmail, UpsertContact
from drumbeat.core.outcomes import Absent, Accepted, Denied, Found, LookupResult, Outcome, Refused, Throttled, Unknown
from drumbeat.core.request import Reply, Request
from drumbeat.providers import registry
from drumbeat.providers.base import Target
from tests.unit.sandbox.sandbox_process import SandboxProcess

MAIL = SendEmail(
    to="Bob <bob@example.org>", subject="Ünï & co.", text="Hello", html="<p>Hello</p>", headers={"X-A": "b"}
)
CONTACT = UpsertContact(email="bob@example.org", properties={"firstname": "Bob"})
CALL = Call(method="POST", path="/orders", body='{"a":1}')
SECRETS = {
    "api_key": "key",
    "token": "pat",
    "signing_key": "whsec_c2VjcmV0",
    "server_token": "server",
    "access_key_id": "AKID",
    "secret_access_key": "secret",
}
SETTINGS = {
    "domain": "mg.example.com",
    "from": "Ada <ada@example.com>",
    "region": "eu-central-1",
    "configuration_set": "marketing",
}

ACTIONS: dict[str, Action] = {
    "mailgun": MAIL,
    "postmark": MAIL,
    "resend": MAIL,
    "ses": MAIL,
    "hubspot": CONTACT,
    "http": CALL,
}
EVERY = pytest.mark.parametrize("provider", sorted(ACTIONS))


@EVERY
def test_an_action_is_accepted_and_done_once(sandbox: SandboxProcess, provider: str) -> None:
    key = _key(provider, "accepted")

    outcome = _perform(sandbox, provider, key)

    assert isinstance(outcome, Accepted)
    assert sandbox.done(key) == 1


@pytest.mark.parametrize("provider", ["resend", "hubspot"])
def test_a_repeat_of_what_may_be_repeated_is_accepted_and_done_once(sandbox: SandboxProcess, provider: str) -> None:
    key = _key(provider, "repeated")
    sandbox.inject("accept_then_500", times=1)

    outcomes = [_perform(sandbox, provider, key) for _ in range(2)]

    assert [type(outcome) for outcome in outcomes] == [Unknown, Accepted]
    assert sandbox.done(key) == 1


@EVERY
def test_a_denial_and_a_429_are_understood(sandbox: SandboxProcess, provider: str) -> None:
    key = _key(provider, "declined")
    sandbox.inject("denied")
    denied = _perform(sandbox, provider, key)
    sandbox.call("DELETE", "/_sandbox/lies")
    sandbox.inject("429", retry_after="seconds", seconds=7)
    throttled = _perform(sandbox, provider, key)

    assert isinstance(denied, Denied)
    assert isinstance(throttled, Throttled)
    assert throttled.retry_after == 7
    assert sandbox.done(key) == 0


@pytest.mark.parametrize("provider", ["mailgun", "postmark", "resend", "ses", "hubspot"])
@pytest.mark.parametrize("fault", ["truncated_json", "html_200", "ok_200_with_error_body"])
@pytest.mark.point(40)
def test_an_unreadable_success_is_unknown(sandbox: SandboxProcess, provider: str, fault: str) -> None:
    sandbox.inject(fault)

    assert isinstance(_perform(sandbox, provider, _key(provider, fault)), Unknown)


@pytest.mark.parametrize("provider", ["mailgun", "postmark", "resend", "ses"])
def test_a_bad_address_is_refused(sandbox: SandboxProcess, provider: str) -> None:
    mail = SendEmail(to="nobody", subject="Hello", text="Hello")

    assert isinstance(_perform(sandbox, provider, _key(provider, "refused"), mail), Refused)


@pytest.mark.parametrize("provider", ["mailgun", "postmark"])
@pytest.mark.point(37)
def test_a_mail_whose_answer_was_lost_is_found_in_the_log(sandbox: SandboxProcess, provider: str) -> None:
    sent, never_sent = _key(provider, "sent"), _key(provider, "never")
    sandbox.inject("accept_then_500")
    _perform(sandbox, provider, sent)
    sandbox.inject("lookup_lag", seconds=120)
    lagging = _look(sandbox, provider, sent)
    sandbox.shift(130)

    assert lagging == Absent()
    assert isinstance(_look(sandbox, provider, sent), Found)
    assert _look(sandbox, provider, never_sent) == Absent()


def _perform(sandbox: SandboxProcess, provider: str, key: str, action: Action | None = None) -> Outcome:
    adapter = registry.get(provider)
    request = adapter.build(_target(sandbox, provider), action or ACTIONS[provider], key=key)
    return adapter.read(_send(sandbox, adapter.sign(request, SECRETS, key=key, now=datetime.now(UTC))))


def _look(sandbox: SandboxProcess, provider: str, key: str) -> LookupResult:
    adapter = registry.get(provider)
    now = datetime.now(UTC)
    request = adapter.build_lookup(_target(sandbox, provider), key=key, since=now - timedelta(minutes=1))
    assert request is not None
    return adapter.read_lookup(_send(sandbox, adapter.sign(request, SECRETS, key=key, now=now)), key=key)


def _send(sandbox: SandboxProcess, request: Request) -> Reply:
    url = urlsplit(request.url)
    target = f"{url.path}?{url.query}" if url.query else url.path
    reply = sandbox.call(request.method, target, request.body, **request.headers)
    return Reply(reply.status, reply.headers, reply.body)


def _target(sandbox: SandboxProcess, provider: str) -> Target:
    return Target("account", f"http://127.0.0.1:{sandbox.port}/{provider}", SETTINGS)


def _key(provider: str, purpose: str) -> str:
    return f"{hashlib.sha256(f'{provider} {purpose}'.encode()).hexdigest()[:32]}-0"
