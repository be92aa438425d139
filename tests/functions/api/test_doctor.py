"""`/v1/doctor/mail`: one mail that a person asks for, recorded as an event and carried out as any other."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from redis import Redis

from drumbeat.local.servers import Valkey
from drumbeat.wakeups.queue import WakeUp
from tests.conftest import TestDatabase
from tests.functions.console import Console, build_services, close

DOCUMENT = """
version: 1
accounts:
  mail: {provider: mailgun, settings: {domain: mg.example.com, from: Ada <a@acme.io>}, secrets: {api_key: env:MAIL}}
  crm: {provider: hubspot, secrets: {token: env:CRM}}
lists: {newsletter: {title: News}}
flows: {}
"""
ADDRESSES = 'defaults: {public_url: "https://acme.io", postal_address: "1 Main Street"}\n'
SECOND = "  other: {provider: resend, settings: {from: b@example.com}, secrets: {api_key: env:MAIL}}\nlists:"
PATH = "/v1/doctor/mail"
ASKED = {"to": "Bob <bob@example.org>", "idempotencyKey": "k1"}


@pytest.fixture
def console(
    database: TestDatabase, redis: Redis, valkey: Valkey, sqs_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Console]:
    services = build_services(database, valkey.url, sqs_endpoint, monkeypatch)
    yield Console(services)
    close(services)


def apply(console: Console, document: str = DOCUMENT) -> None:
    templates = {"digest.txt": "---\nsubject: Hi\n---\n{{ payload.name }}"}
    status, answer, _ = console.call("PUT", "/v1/config", {"document": document, "templates": templates})
    assert status == 200, answer


def events(console: Console) -> list[Any]:
    return list(console.call("GET", "/v1/events")[1]["items"])


def test_a_mail_is_recorded_once_and_a_repeat_is_the_same(console: Console) -> None:
    apply(console)

    first, second = (console.call("POST", PATH, ASKED) for _ in range(2))

    assert (first[0], second[0]) == (202, 200)
    assert (
        first[1]
        == second[1]
        == {
            "eventId": first[1]["eventId"],
            "status": "recorded",
            "account": "mail",
            "provider": "mailgun",
            "from": "Ada <a@acme.io>",
            "sandbox": "http://127.0.0.1:1",
        }
    )
    assert second[2]["Idempotent-Replayed"] == "true"
    assert [(each["source"], each["type"]) for each in events(console)] == [("drumbeat:check", "CONSENT")]
    assert console.notified() == [WakeUp((UUID(first[1]["eventId"]),))]


def test_who_asked_is_kept_with_what(console: Console) -> None:
    apply(console)

    _, made, _ = console.call("POST", PATH, ASKED | {"template": "digest", "payload": {"name": "Bob"}})

    _, shown, _ = console.call("GET", f"/v1/events/{made['eventId']}")
    assert shown["payload"] == {"name": "Bob", "email": "Bob <bob@example.org>"}


def test_a_key_of_another_mail_is_a_conflict(console: Console) -> None:
    apply(console)
    console.call("POST", PATH, ASKED)

    status, problem, _ = console.call("POST", PATH, ASKED | {"to": "eve@example.org"})

    assert status == 422
    assert "another mail" in problem["detail"]
    assert len(events(console)) == 1


REFUSED: list[tuple[dict[str, object], int, str]] = [
    ({"to": "nonsense"}, 400, "`to` is not an address"),
    ({"to": "a@b.io, c@d.io"}, 400, "`to` is not an address"),
    ({"account": "crm"}, 404, "No account that sends mail is called crm"),
    ({"account": "x" * 500}, 404, "No account that sends mail"),
    ({"list": "news"}, 404, "No list is called news; "),
    ({"list": "newsletter"}, 400, "`public_url` and `postal_address`"),
    ({"template": "digset"}, 404, "digest"),
    ({"payload": {"x": "y" * 300_000}}, 413, "262144 bytes"),
    ({"payload": []}, 400, "payload"),
    ({"payload": {"n": 10**20}}, 400, "2^53"),
    ({"idempotencyKey": None}, 400, "idempotencyKey is missing"),
    ({"form": "x"}, 400, "form"),
]


def test_what_cannot_be_sent_is_refused_and_nothing_is_recorded(console: Console) -> None:
    apply(console)

    for asked, status, said in REFUSED:
        answered, problem, _ = console.call("POST", PATH, ASKED | asked)
        assert (answered, said in problem["detail"]) == (status, True), (asked, problem)
    assert events(console) == []


def test_with_several_accounts_one_has_to_be_named(console: Console) -> None:
    apply(console, DOCUMENT.replace("lists:", SECOND))

    several, named = console.call("POST", PATH, ASKED), console.call("POST", PATH, ASKED | {"account": "other"})

    assert (several[0], "mail, other" in several[1]["detail"]) == (400, True)
    assert (named[0], named[1]["provider"]) == (202, "resend")


def test_without_a_configuration_or_an_account_there_is_none(console: Console) -> None:
    before = console.call("POST", PATH, ASKED)
    apply(console, "version: 1\naccounts: {}\nflows: {}\n")
    after = console.call("POST", PATH, ASKED)

    assert (before[0], after[0]) == (404, 404)
    assert "drumbeat apply" in before[1]["detail"]
    assert "No account in force sends mail" in after[1]["detail"]


def test_a_list_that_can_send_is_taken(console: Console) -> None:
    apply(console, ADDRESSES + DOCUMENT)

    assert console.call("POST", PATH, ASKED | {"list": "newsletter"})[0] == 202


def test_an_account_that_calls_its_vendor_has_no_sandbox(console: Console) -> None:
    apply(console, DOCUMENT.replace("domain: mg", "base_url: https://api.mailgun.net, domain: mg"))

    assert console.call("POST", PATH, ASKED)[1]["sandbox"] is None


def test_it_takes_the_right_to_operate(console: Console) -> None:
    apply(console)

    assert console.call("POST", PATH, ASKED, key=console.key("read", "ingest"))[0] == 403
    assert events(console) == []
