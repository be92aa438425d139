"""The calls of a batch: each has an end of its own, whatever happens to its neighbours."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import NoReturn, override

import pytest

from drumbeat.core.clock import SystemClock
from drumbeat.core.configuration import Account, Retry
from drumbeat.core.outcomes import Accepted, NotSent, Outcome, Refused, Unclear, Unknown
from drumbeat.core.request import Reply, Request
from drumbeat.infrastructure.http import Caller
from drumbeat.providers.base import Target
from drumbeat.providers.calls import Calls, Search, Send
from drumbeat.providers.http_endpoint import HttpEndpoint
from drumbeat.providers.login import Login
from drumbeat.providers.mailgun import Mailgun

ACCOUNT = Account("mail", "mailgun", {}, {}, (), Retry(1.0, 900.0), "hold", None)
TARGET = Target("mail", "https://api.example.com", {"domain": "mg.example.com"})
REQUEST = Request("POST", "https://api.example.com/v3/mg.example.com/messages")


class Answering(Caller):
    """A caller whose peer takes everything."""

    @override
    def call(self, request: Request, *, start_by: float, budget: float) -> Reply:
        return Reply(200, {}, b'{"id": "<b-1@mg.example.com>", "message": "Queued."}')


class Breaking(Caller):
    """A caller in a process that has no room for one more thread."""

    @override
    def call(self, request: Request, *, start_by: float, budget: float) -> NoReturn:
        raise RuntimeError("can't start new thread")


class Unsigned(Mailgun):
    """A provider that cannot sign with the secrets it is given."""

    @override
    def sign(self, request: Request, secrets: Mapping[str, str], *, key: str, now: datetime) -> NoReturn:
        raise KeyError("api_key")


def test_a_request_that_cannot_be_signed_was_not_sent_and_its_neighbours_answer_is_kept() -> None:
    clock = SystemClock()
    together = Calls(Answering(clock), clock)
    good, bad = (Login(ACCOUNT, provider, TARGET) for provider in (Mailgun(), Unsigned()))

    ends = together.run(
        [
            Send(bad, {}, REQUEST, "a-1"),
            Send(good, {"api_key": "k"}, REQUEST, "b-1"),
            Search(bad, {}, "c-1", datetime.now(UTC)),
        ],
        clock.elapsed() + 10.0,
    )

    assert ends == [
        NotSent("the request could not be signed: KeyError"),
        Accepted("b-1@mg.example.com"),
        Unclear("the search failed: KeyError"),
    ]


def test_a_call_that_fails_in_no_foreseen_way_may_have_been_carried_out() -> None:
    clock = SystemClock()
    together = Calls(Breaking(clock), clock)
    good = Login(ACCOUNT, Mailgun(), TARGET)
    secrets = {"api_key": "k"}

    ends = together.run(
        [Send(good, secrets, REQUEST, "a-1"), Search(good, secrets, "b-1", datetime.now(UTC))], clock.elapsed() + 10.0
    )

    assert ends == [Unknown("the call failed: RuntimeError"), Unclear("the search failed: RuntimeError")]


class Cut(Caller):
    """A caller whose peers answer with bodies that are not all there."""

    def __init__(self, status: int) -> None:
        super().__init__(SystemClock())
        self._status = status

    @override
    def call(self, request: Request, *, start_by: float, budget: float) -> Reply:
        return Reply(self._status, {}, b'{"id": "<b-1@mg.example.com>", "message": "Queued."', "reply over 64 KiB")


class Unsearchable(Mailgun):
    """A provider that cannot build a search."""

    @override
    def build_lookup(self, target: Target, *, key: str, since: datetime) -> NoReturn:
        raise ValueError(key)


def test_the_status_decides_about_a_long_reply_only_where_nothing_of_its_body_is_read() -> None:
    clock = SystemClock()
    receiver = Login(ACCOUNT, HttpEndpoint(), TARGET)
    mailgun = Login(ACCOUNT, Mailgun(), TARGET)

    for status, expected in ((200, Accepted("HTTP 200")), (422, Refused("HTTP 422: the receiver refuses the content"))):
        ends = Calls(Cut(status), clock).run(
            [
                Send(receiver, {"signing_key": "k"}, REQUEST, "a-1"),
                Send(mailgun, {"api_key": "k"}, REQUEST, "b-1"),
                Search(mailgun, {"api_key": "k"}, "c-1", datetime.now(UTC)),
            ],
            clock.elapsed() + 10.0,
        )

        assert ends == [expected, Unknown("reply over 64 KiB"), Unclear("reply over 64 KiB")]


def test_a_search_that_cannot_be_built_costs_no_neighbour_its_answer() -> None:
    clock = SystemClock()
    good, bad = (Login(ACCOUNT, provider, TARGET) for provider in (Mailgun(), Unsearchable()))

    ends = Calls(Answering(clock), clock).run(
        [Search(bad, {}, "a-1", datetime.now(UTC)), Send(good, {"api_key": "k"}, REQUEST, "b-1")],
        clock.elapsed() + 10.0,
    )

    assert ends == [Unclear("the search failed: ValueError"), Accepted("b-1@mg.example.com")]


class Keeping(Answering):
    """A caller that keeps what it is given."""

    def __init__(self) -> None:
        super().__init__(SystemClock())
        self.sent: list[Request] = []

    @override
    def call(self, request: Request, *, start_by: float, budget: float) -> Reply:
        self.sent.append(request)
        return super().call(request, start_by=start_by, budget=budget)


def bearer(secret: str, **headers: str) -> tuple[object, list[Request]]:
    """Send one request of an account that has headers of its own; return how it ended and what left."""
    account = replace(ACCOUNT, provider="http", headers={"Authorization": "Bearer {{ secret.token }}"} | headers)
    caller, clock = Keeping(), SystemClock()
    login = Login(account, HttpEndpoint(), replace(TARGET, settings={}))
    request = replace(REQUEST, headers={"authorization": "the step's own", "webhook-id": "a-1"})
    (end,) = Calls(caller, clock).run([Send(login, {"token": secret}, request, "a-1")], clock.elapsed() + 10.0)
    return end, caller.sent


def test_an_account_s_headers_are_filled_when_the_request_is_signed() -> None:
    end, (sent,) = bearer("t0k3n", **{"X-Tenant": "north"})

    assert isinstance(end, Accepted)
    assert {name: sent.headers[name] for name in ("authorization", "x-tenant", "webhook-id")} == {
        "authorization": "Bearer t0k3n",
        "x-tenant": "north",
        "webhook-id": "a-1",
    }
    assert "webhook-signature" not in sent.headers


@pytest.mark.parametrize("secret", ["a\r\nX-Admin: 1", "a\nb", "a\rb", "a\0b", "a\tb", "ä", "a\x85b", "a\u2028b"])
def test_a_secret_that_would_begin_another_header_is_not_sent_and_not_said(secret: str) -> None:
    end, sent = bearer(secret)

    assert sent == []
    assert end == NotSent("the request could not be signed: ValueError")


def test_what_a_secret_says_is_not_filled_again() -> None:
    _, (sent,) = bearer("{{ secret.token }}")

    assert sent.headers["authorization"] == "Bearer {{ secret.token }}"


class Echoing(HttpEndpoint):
    """A receiver that says back what it was given."""

    def __init__(self, end: Outcome) -> None:
        self.end = end

    @override
    def read(self, reply: Reply) -> Outcome:
        return self.end


@pytest.mark.parametrize("end", [Refused("no such key: t0k3n-1"), Accepted("t0k3n-1"), NotSent("t0k3n-1", 1.0)])
def test_a_secret_that_a_receiver_says_back_is_not_kept(end: Outcome) -> None:
    clock = SystemClock()
    login = Login(replace(ACCOUNT, provider="http"), Echoing(end), replace(TARGET, settings={}))

    (kept,) = Calls(Answering(clock), clock).run(
        [Send(login, {"token": "t0k3n-1"}, REQUEST, "a-1")], clock.elapsed() + 9
    )

    assert type(kept) is type(end)
    assert "t0k3n" not in repr(kept)
