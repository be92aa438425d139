"""Which reports there are, and when each is due: on simulated time, without a network."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drumbeat.core.feedback import Kind
from drumbeat.sandbox.errors import InvalidCommand
from drumbeat.sandbox.feedback import RETRY_SECONDS, Webhook
from drumbeat.sandbox.orders import parse_order
from tests.unit.sandbox.simulated_sandbox import BEGIN, KEY, SECRET, URL, SimulatedSandbox, read


@pytest.fixture
def simulated(tmp_path: Path) -> Iterator[SimulatedSandbox]:
    running = SimulatedSandbox(tmp_path / "home")
    yield running
    running.close()


def test_without_a_webhook_nothing_is_reported(simulated: SimulatedSandbox) -> None:
    simulated.mailgun()

    assert simulated.due(after=3600) == []


def test_a_mail_is_reported_as_accepted_and_a_moment_later_as_delivered(simulated: SimulatedSandbox) -> None:
    simulated.register("mailgun")
    simulated.mailgun()

    at_once, later = simulated.due(), simulated.due(after=1)

    assert [kind(one) for one in at_once] == ["accepted"]
    assert [kind(one) for one in later] == ["delivered"]
    assert {one.url for one in at_once + later} == {URL}


def test_a_webhook_is_due_once_until_it_was_answered(simulated: SimulatedSandbox) -> None:
    simulated.register("mailgun")
    simulated.mailgun()

    first, again = simulated.due(), simulated.due()

    assert (len(first), again) == (1, [])


def test_a_refused_mail_is_not_reported(simulated: SimulatedSandbox) -> None:
    simulated.register("mailgun")
    simulated.mailgun(to="not an address")
    simulated.sandbox.command("lie", {"lie": "refuse_then_500"})
    simulated.mailgun()

    assert simulated.due(after=60) == []


@pytest.mark.parametrize("fault", ["accept_then_500", "accept_then_cut"])
def test_a_mail_whose_answer_hides_that_it_was_taken_is_reported(simulated: SimulatedSandbox, fault: str) -> None:
    simulated.register("mailgun")
    simulated.sandbox.command("lie", {"lie": fault})
    simulated.mailgun()

    assert [kind(one) for one in simulated.due(after=60)] == ["accepted", "delivered"]


def test_a_repeat_under_a_key_is_no_second_mail_and_not_reported(simulated: SimulatedSandbox) -> None:
    simulated.register("resend")
    simulated.resend()
    simulated.resend()

    assert [kind(one) for one in simulated.due(after=60)] == ["email.sent", "email.delivered"]


@pytest.mark.parametrize("account", ["mg.example.com", None])
def test_a_webhook_gets_what_its_account_sent(simulated: SimulatedSandbox, account: str | None) -> None:
    simulated.register("mailgun", account=account)
    simulated.register("mailgun", account="mg.example.net", url="http://127.0.0.1:1/other")
    simulated.register("resend", url="http://127.0.0.1:1/other")
    simulated.mailgun()

    assert [one.url for one in simulated.due()] == [URL]


def test_a_resend_account_is_named_by_the_domain_that_its_mails_are_from(simulated: SimulatedSandbox) -> None:
    simulated.register("resend", account="example.com")
    simulated.resend()

    assert [kind(one) for one in simulated.due()] == ["email.sent"]


def test_a_failed_webhook_is_due_again_and_later_each_time(simulated: SimulatedSandbox) -> None:
    simulated.register("mailgun")
    simulated.mailgun()
    tries = []

    for seconds in [0.0, *RETRY_SECONDS]:
        [one] = [one for one in simulated.due(after=seconds) if kind(one) == "accepted"]
        tries.append(one)
        simulated.answer([one], 503)

    assert {one.number for one in tries} == {tries[0].number}
    assert not [one for one in simulated.due(after=86_400) if kind(one) == "accepted"]
    assert state(simulated, "accepted") == ("given up", len(RETRY_SECONDS) + 1)


@pytest.mark.parametrize(("status", "ends"), [(406, True), (410, False), (302, False), (None, False)])
def test_mailgun_gives_up_at_a_406_only(simulated: SimulatedSandbox, status: int | None, ends: bool) -> None:
    simulated.register("mailgun")
    simulated.mailgun()
    simulated.answer(simulated.due(), status)

    again = [kind(one) for one in simulated.due(after=RETRY_SECONDS[0])]

    assert again.count("accepted") == (not ends)


def test_what_was_not_sent_is_due_after_a_restart_and_what_was_is_not(tmp_path: Path) -> None:
    first = SimulatedSandbox(tmp_path / "home")
    first.register("mailgun")
    first.mailgun()
    first.answer(first.due())
    [lost] = first.due(after=1)
    first.close()

    second = SimulatedSandbox(tmp_path / "home", first.time + 5)
    again = second.due()
    second.close()

    assert [(one.number, kind(one)) for one in again] == [(lost.number, "delivered")]
    assert read(again[0])["event-data"]["id"] == read(lost)["event-data"]["id"]


def test_a_removed_webhook_gets_nothing_any_more(simulated: SimulatedSandbox) -> None:
    number = simulated.register("mailgun")
    simulated.mailgun()
    simulated.sandbox.command("webhook_removed", {"id": number})
    simulated.mailgun("other-1")

    assert simulated.due(after=60) == []


def test_registering_the_same_again_changes_nothing_and_another_secret_replaces(simulated: SimulatedSandbox) -> None:
    first = simulated.register("mailgun")
    simulated.register("mailgun")
    same = [one.number for one in simulated.sandbox.state.feedback.destinations]
    changed = simulated.register("mailgun", secret="another")

    assert same == [first]
    assert [one.number for one in simulated.sandbox.state.feedback.destinations] == [changed]


def test_setting_the_clock_back_keeps_what_waits_as_near_as_it_was(simulated: SimulatedSandbox) -> None:
    simulated.sandbox.command("clock", {"shift": 86_400})
    simulated.register("mailgun")
    simulated.mailgun()
    simulated.sandbox.command("clock", {"shift": 0})

    assert [kind(one) for one in simulated.due(after=1)] == ["accepted", "delivered"]


def test_a_webhook_is_signed_at_its_receivers_time_and_tells_the_sandboxs(simulated: SimulatedSandbox) -> None:
    simulated.register("mailgun", ahead=3600)
    simulated.sandbox.command("clock", {"shift": 86_400})
    simulated.mailgun()

    [accepted] = simulated.due()

    assert read(accepted)["signature"]["timestamp"] == str(int(BEGIN) + 3600)
    assert read(accepted)["event-data"]["timestamp"] == BEGIN + 86_400


@pytest.mark.parametrize(
    ("recipient", "told"),
    [
        ("bounced@resend.dev", ["email.sent", "email.bounced"]),
        ("Bounced+one@resend.dev", ["email.sent", "email.bounced"]),
        ("complained@resend.dev", ["email.sent", "email.delivered", "email.complained"]),
        ("delivered@resend.dev", ["email.sent", "email.delivered"]),
    ],
)
def test_resends_test_addresses_end_as_it_documents(
    simulated: SimulatedSandbox, recipient: str, told: list[str]
) -> None:
    simulated.register("resend")
    simulated.resend(to=[recipient])

    assert [kind(one) for one in simulated.due(after=60)] == told


# -- on order


def test_an_order_reports_a_kind_and_its_copies(simulated: SimulatedSandbox) -> None:
    simulated.register("mailgun")
    simulated.mailgun()
    simulated.answer(simulated.due(after=60))

    order(simulated, {"provider": "mailgun", "key": KEY, "kind": "bounced", "times": 2, "after": 5})
    early, late = simulated.due(after=4), simulated.due(after=1)

    assert early == []
    assert [kind(one) for one in late] == ["failed", "failed"]


def test_a_call_is_found_by_its_key(simulated: SimulatedSandbox) -> None:
    simulated.register("http")
    simulated.call()
    simulated.answer(simulated.due(after=60))

    order(simulated, {"key": KEY, "kind": "complained"})
    [one] = simulated.due()

    assert (read(one)["kind"], read(one)["key"], read(one)["email"]) == ("complained", KEY, "bob@example.org")


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        ({"key": "never-sent", "kind": "bounced"}, "no mail or call with that key"),
        ({"kind": "bounced"}, "name one by key or id"),
        ({"key": KEY, "kind": "exploded"}, "mailgun reports accepted, "),
        ({"key": KEY, "kind": "bounced", "times": 0}, "1 at least"),
        ({"key": KEY, "kind": "bounced", "after": "soon"}, "after is a number"),
        ({"key": KEY, "kind": "bounced", "colour": "red"}, "no 'colour'"),
        ({"key": KEY, "provider": "resend", "kind": "bounced"}, "no mail or call with that key"),
    ],
)
def test_an_order_that_cannot_be_carried_out_says_why(
    simulated: SimulatedSandbox, command: dict[str, object], problem: str
) -> None:
    simulated.register("mailgun")
    simulated.mailgun()

    with pytest.raises(InvalidCommand, match=problem):
        parse_order(simulated.sandbox.state, command)


def test_an_order_without_a_webhook_says_what_to_register(simulated: SimulatedSandbox) -> None:
    simulated.mailgun()

    with pytest.raises(InvalidCommand, match="POST /_sandbox/webhooks"):
        parse_order(simulated.sandbox.state, {"key": KEY, "kind": "bounced"})


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"url": "http://hooks.example.com:80/x"}, "on this machine"),
        ({"url": "https://127.0.0.1:8787/x"}, "on this machine"),
        ({"url": "http://127.0.0.1/x"}, "on this machine"),
        ({"url": "http://127.0.0.1:8787@evil.example:80/x"}, "on this machine"),
        ({"url": "http://127.0.0.1:99999/x"}, "on this machine"),
        ({"provider": "hubspot"}, "reports nothing here"),
        ({"provider": "mailgun", "secret": ""}, "webhook signing key"),
        ({"provider": "resend", "secret": "not base64!"}, "whsec_"),
        ({"provider": "postmark", "secret": "no-colon"}, "user:password"),
        ({"provider": "ses", "topic": "drumbeat"}, "ARN of the SNS topic"),
        ({"colour": "red"}, "no 'colour'"),
    ],
)
def test_a_webhook_that_cannot_be_sent_is_refused(
    simulated: SimulatedSandbox, fields: dict[str, str], problem: str
) -> None:
    with pytest.raises(InvalidCommand, match=problem):
        simulated.sandbox.command("webhook", {"provider": "http", "url": URL, "secret": SECRET} | fields)

    assert len(simulated.sandbox.record) == 0


# -- faults


@pytest.mark.parametrize(
    ("fault", "at_once", "later"),
    [
        ({"lie": "feedback_never"}, [], []),
        ({"lie": "feedback_late", "seconds": 30}, [], ["accepted", "delivered"]),
        ({"lie": "feedback_twice"}, ["accepted", "accepted"], ["delivered", "delivered"]),
        ({"lie": "feedback_first"}, ["accepted", "delivered"], []),
        ({"lie": "feedback_never", "provider": "resend"}, ["accepted"], ["delivered"]),
        ({"lie": "feedback_never", "account": "mg.example.net"}, ["accepted"], ["delivered"]),
        ({"lie": "feedback_never", "match": "someone-else"}, ["accepted"], ["delivered"]),
        ({"lie": "feedback_never", "rate": 0}, ["accepted"], ["delivered"]),
    ],
)
def test_a_fault_changes_the_reports_of_the_mails_that_it_is_limited_to(
    simulated: SimulatedSandbox, fault: dict[str, object], at_once: list[str], later: list[str]
) -> None:
    simulated.register("mailgun")
    simulated.sandbox.command("lie", fault)
    simulated.mailgun()

    assert [kind(one) for one in simulated.due()] == at_once
    assert [kind(one) for one in simulated.due(after=60)] == later


def test_a_fault_of_reports_is_counted_and_ends_after_its_times(simulated: SimulatedSandbox) -> None:
    simulated.register("mailgun")
    simulated.sandbox.command("lie", {"lie": "feedback_never", "times": 1})
    simulated.mailgun()
    simulated.mailgun("second-1")

    [one] = simulated.due()

    assert read(one)["event-data"]["user-variables"] == {"effect-id": "second-1"}


def test_a_fault_of_reports_stands_beside_one_of_answers(simulated: SimulatedSandbox) -> None:
    simulated.register("mailgun")
    simulated.sandbox.command("lie", {"lie": "feedback_never"})
    simulated.sandbox.command("lie", {"lie": "accept_then_500", "status": 502})

    assert simulated.mailgun() == 502
    assert simulated.due(after=60) == []


def test_reports_of_an_unknown_mail_have_an_id_and_a_key_that_were_never_given_out(
    simulated: SimulatedSandbox,
) -> None:
    simulated.register("mailgun")
    simulated.sandbox.command("lie", {"lie": "feedback_for_unknown"})
    simulated.mailgun()

    real, other = (read(one)["event-data"] for one in simulated.due())

    assert real["user-variables"] == {"effect-id": KEY}
    assert other["user-variables"]["effect-id"] != KEY
    assert other["message"]["headers"]["message-id"] == f"{other['user-variables']['effect-id']}@mg.example.com"
    assert other["id"] != real["id"]


def test_what_is_to_be_reported_first_is_said_to_be(simulated: SimulatedSandbox) -> None:
    simulated.register("mailgun")
    simulated.sandbox.command("lie", {"lie": "feedback_first"})
    simulated.mailgun()

    first = simulated.sandbox.due_first()

    assert [(kind(one), one.first) for one in first] == [("accepted", True), ("delivered", True)]
    assert simulated.due(after=60) == []


def order(simulated: SimulatedSandbox, command: dict[str, object]) -> None:
    simulated.sandbox.command("feedback", parse_order(simulated.sandbox.state, command))


def kind(webhook: Webhook) -> str:
    body: dict[str, Any] = read(webhook)
    return str(body["event-data"]["event"] if "event-data" in body else body.get("type") or body.get("kind"))


def state(simulated: SimulatedSandbox, kind: str) -> tuple[str, int]:
    reports = simulated.sandbox.state.feedback.reports.values()
    [found] = [one for one in reports if one.occurrence and one.occurrence.kind == Kind(kind)]
    return found.state, found.tries
