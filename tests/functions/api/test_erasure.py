"""A person's consent receipt, and their erasure, through the routes."""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from redis import Redis

from drumbeat.core.address import contact_key
from drumbeat.core.request import Request
from drumbeat.core.status import Status
from drumbeat.delivery import attempts_sql, plans_sql
from drumbeat.delivery.requests import freeze
from drumbeat.local.servers import Valkey
from drumbeat.services import Services
from tests.conftest import TestDatabase
from tests.functions.console import Console, build_services, close
from tests.store.people.history import START, apply_versions, record, said, tell
from tests.store.rows import LEASE, claimed, closing, new_effect, opening

ADDRESS = "zoe@person.example"
TEXT = f"Press https://hooks.example.com/c/{'t' * 50}\nFern"
SHOWN = {
    "form": "https://hooks.example.com/f/narrow",
    "locale": "en",
    "origin": "",
    "text": "Yes, write to me each Monday.\nI can leave.",
    "text_sha256": "ab" * 32,
    "version": 1,
    "ip": "203.0.113.0/24",
}


@pytest.fixture
def services(
    database: TestDatabase, redis: Redis, valkey: Valkey, sqs_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Services]:
    services = build_services(database, valkey.url, sqs_endpoint, monkeypatch)
    apply_versions(services)
    yield services
    close(services)


@pytest.fixture
def console(services: Services) -> Console:
    return Console(services)


def signed_up(services: Services) -> None:
    """Let a person sign up by a form, get the mail that asks, and confirm."""
    pending = said(
        {"email": ADDRESS},
        key="a",
        source="narrow",
        type="CONSENT",
        door="form",
        consent=[{"list": "offers", "kind": "pending"}],
        evidence=SHOWN,
    )
    confirmed = said(
        {"email": ADDRESS},
        key=f"confirm:{pending.id}",
        source="narrow",
        door="confirm",
        at=START + timedelta(hours=1),
        consent=[{"list": "offers", "kind": "given"}],
        evidence={"form": "confirmation page", "ip": "198.51.100.0/24"},
    )
    tell(services, confirmed)
    record(services.db, [pending])
    contact = contact_key(services.contact_secret, ADDRESS)
    asks = new_effect(pending.id, "mail", flow="confirm:offers", contact=contact, list="offers", confirms=True)
    person = plans_sql.Person(contact, None, pending.received_at, consents=(("offers", "pending", True),))
    plans_sql.record(services.db, [plans_sql.NewPlan(pending.id, 1, b"h", {}, person=person)], [asks], LEASE)
    mail = {"to": [ADDRESS], "subject": "Confirm", "text": TEXT}
    frozen, digest = freeze(
        Request("POST", "https://mail.example", {"content-type": "application/json"}, json.dumps(mail).encode())
    )
    one = claimed(services.db, asks.id)
    attempts_sql.open_attempts(services.db, [opening(one, frozen=frozen, request_hash=digest, counted=True)])
    attempts_sql.close_attempts(services.db, [closing(one, "accepted", Status.ACCEPTED)])


def test_a_receipt_has_the_words_both_instants_and_the_mail(console: Console, services: Services) -> None:
    signed_up(services)

    code, receipt, _ = console.call("GET", f"/v1/leads/{ADDRESS}/receipt")

    assert (code, receipt["address"], receipt["whole"]) == (200, ADDRESS, True)
    assert console.call("GET", f"/v1/leads/{receipt['id']}/receipt")[1]["statements"] == receipt["statements"]
    assert receipt["standing"] == [{"list": "offers", "state": "given"}]
    assert [(each["kind"], each["door"], each["at"]) for each in receipt["statements"]] == [
        ("pending", "form", "2026-11-01T09:00:00.000Z"),
        ("given", "confirm", "2026-11-01T10:00:00.000Z"),
    ]
    assert receipt["statements"][0]["evidence"] == SHOWN
    (mail,) = receipt["mails"]
    assert (mail["status"], mail["list"], mail["request"]["text"]) == ("accepted", "offers", TEXT)


def test_of_whom_nothing_is_known_there_is_no_receipt(console: Console) -> None:
    code, problem, _ = console.call("GET", "/v1/leads/bob@person.example/receipt")

    assert (code, "bob" in problem["detail"]) == (404, False)


def test_a_person_is_counted_then_erased_then_known_no_more(console: Console, services: Services) -> None:
    signed_up(services)

    _, held, _ = console.call("POST", "/v1/leads/erase", {"email": ADDRESS, "dryRun": True})
    _, erased, _ = console.call("POST", "/v1/leads/erase", {"email": ADDRESS})

    assert held == {"events": 2, "requests": 1, "unfinished": 0, "lead": True, "known": True, "erasedAt": None}
    assert erased == {"events": 2, "copies": 0, "next": None}
    _, receipt, _ = console.call("GET", f"/v1/leads/{ADDRESS}/receipt")
    assert (receipt["address"], receipt["suppressed"], receipt["standing"]) == (
        None,
        "erased",
        [{"list": "offers", "state": "given"}],
    )
    assert [each["evidence"] for each in receipt["statements"]] == [None, None]
    assert [mail["request"] for mail in receipt["mails"]] == [None]
    told = console.call("GET", f"/v1/leads/{ADDRESS}")[1]
    assert (told["address"], told["attributes"], told["suppressed"]) == (None, [], "erased")
    assert console.call("GET", "/v1/verify")[1]["items"] == []


def test_of_whom_nothing_is_known_it_is_said(console: Console, services: Services) -> None:
    signed_up(services)

    known = [
        console.call("POST", "/v1/leads/erase", {"email": email, "dryRun": True})[1]["known"]
        for email in (ADDRESS, "zoe@persn.example")
    ]

    assert known == [True, False]


def test_it_takes_both_scopes(console: Console, services: Services) -> None:
    tell(services, said({"email": ADDRESS}, key="a"))
    _, reads, _ = console.call("POST", "/v1/keys", {"name": "reads", "scopes": ["read", "people"]})
    _, acts, _ = console.call("POST", "/v1/keys", {"name": "acts", "scopes": ["read", "operate"]})

    codes = [console.call("POST", "/v1/leads/erase", {"email": ADDRESS}, key=key["token"])[0] for key in (reads, acts)]

    assert codes == [403, 403]
    assert len(services.db.run("SELECT 1 FROM payloads")) == 1


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"email": "no address"}, "not an e-mail address"),
        ({"email": "ada@example.com"}, "versions 1, 2"),
        ({}, "email"),
    ],
)
def test_what_cannot_be_erased_is_said_without_the_address(console: Console, body: dict[str, str], why: str) -> None:
    code, problem, _ = console.call("POST", "/v1/leads/erase", body)

    assert (code, why in problem["detail"], "ada@" in problem["detail"]) == (400, True, False)
    assert "nothing was changed" in problem["detail"].lower()
