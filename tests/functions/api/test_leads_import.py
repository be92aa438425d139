"""Rows of a file over the API: each is an event once, and what they say about consent holds at once."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb
from redis import Redis

from drumbeat.access import sql as access_sql
from drumbeat.core.address import contact_key
from drumbeat.core.lead_limits import MAX_IMPORT_BYTES, MAX_IMPORT_ROWS
from drumbeat.delivery.deliver import deliver
from drumbeat.local.servers import Valkey
from drumbeat.people import suppressions
from drumbeat.services import Services
from drumbeat.wakeups.queue import WakeUp
from tests.conftest import TestDatabase
from tests.functions.console import Console, build_services, close

FILE = "ab" * 32
COMPILED = {
    "accounts": {},
    "sources": {},
    "flows": {},
    "campaigns": {},
    "templates": {},
    "semantics": 4,
    "lists": {
        "news": {"title": "News", "description": "", "confirm": None},
        "tips": {"title": "Tips", "description": "", "confirm": None},
    },
}


def configured(services: Services) -> None:
    """Put two lists in force."""
    services.db.run(
        "INSERT INTO configs (version, hash, document, templates, compiled, applied_by)"
        " VALUES (1, 'h', '', '{}', %s, 'test')",
        (Jsonb(COMPILED),),
    )


@pytest.fixture
def services(
    database: TestDatabase, redis: Redis, valkey: Valkey, sqs_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Services]:
    services = build_services(database, valkey.url, sqs_endpoint, monkeypatch)
    configured(services)
    yield services
    close(services)


@pytest.fixture
def console(services: Services) -> Console:
    return Console(services)


def chunk(*addresses: object, **said: object) -> dict[str, object]:
    """Return rows from line 2 on."""
    rows = [{"row": row, "fields": {"email": address}} for row, address in enumerate(addresses, 2)]
    return {"file": FILE, "rows": rows, **said}


def post(console: Console, body: object) -> dict[str, Any]:
    status, answer, _ = console.call("POST", "/v1/leads/import", body)
    assert status == 200, answer
    return dict(answer["results"])


def taken(added: int, replayed: int = 0, stay_out: int = 0) -> dict[str, object]:
    return {"added": added, "replayed": replayed, "stayOut": stay_out, "refused": []}


def state(services: Services, address: str, mailing_list: str = "news") -> str:
    """Return what holds for a person, as an attempt that is opened reads it."""
    key = contact_key(services.contact_secret, address)
    rows = services.db.run(
        "SELECT consent_state(consents, %s) AS state, suppressed_at FROM contacts WHERE key = %s", (mailing_list, key)
    )
    return "none" if not rows else "suppressed" if rows[0]["suppressed_at"] else str(rows[0]["state"])


def plan(console: Console) -> None:
    """Let a worker plan what it was notified of."""
    deliver([WakeUp(events=tuple(one.events)) for one in console.notified()], console.services, lambda: 60.0)


def events(services: Services) -> list[dict[str, Any]]:
    rows = services.db.run("SELECT * FROM events JOIN payloads ON event_id = id ORDER BY received_at")
    return [{**row, "body": json.loads(row["body"])} for row in rows]


def test_each_row_is_an_event_and_a_second_run_adds_none(console: Console, services: Services) -> None:
    first, second = (post(console, chunk("ada@x.co", "Bob <bob@x.co>")) for _ in range(2))

    assert (first, second) == (taken(2), taken(0, 2))
    ada, bob = events(services)
    assert (ada["source"], ada["key"], ada["type"], ada["door"]) == (
        "drumbeat:import",
        f"{FILE}:2",
        "LEAD_CAPTURE",
        "import",
    )
    assert ada["body"]["payload"] == {"email": "ada@x.co"}
    assert ada["body"]["evidence"] == {"form": "drumbeat:import", "mode": "none", "by": "person:ada"}
    assert {event for one in console.notified() for event in one.events} == {ada["id"], bob["id"]}


def test_what_a_killed_run_did_not_send_is_all_that_a_second_adds(console: Console) -> None:
    whole = chunk("a@x.co", "b@x.co", "c@x.co")
    rows = whole["rows"]
    assert isinstance(rows, list)
    post(console, {**whole, "rows": rows[:1]})

    assert post(console, whole) == taken(2, 1)


def test_a_row_without_an_address_is_refused_and_the_others_are_recorded(console: Console) -> None:
    results = post(console, chunk("ada@x.co", "ada", None, 7, "ada@x.co, bob@x.co", "bob@x.co"))

    assert (results["added"], results["replayed"]) == (2, 0)
    assert {each["row"]: each["reason"] for each in results["refused"]} == {
        3: "email is not an address: it holds no @",
        4: "email is not an address: it is missing",
        5: "email is not an address: it is no text",
        6: "email is not an address: it holds a comma or semicolon; write one address alone",
    }


def test_of_two_rows_about_one_person_the_later_one_counts(console: Console, services: Services) -> None:
    rows = [{"row": 2 + n, "fields": {"email": "ada@x.co", "town": f"town {n}"}} for n in range(40)]
    post(console, {"file": FILE, "rows": rows})
    plan(console)

    (lead,) = services.db.run("SELECT attributes -> 'town' ->> 'v' AS town FROM leads")
    assert lead["town"] == "town 39"


def test_consent_is_given_with_where_it_comes_from(console: Console, services: Services) -> None:
    results = post(console, chunk("ada@x.co", mode="given", list="news", consent="the fair in May"))
    plan(console)

    assert results == taken(1)
    (event,) = events(services)
    assert event["key"] == f"{FILE}:2:given:news"
    assert event["body"]["consent"] == [{"list": "news", "kind": "given", "text": "the fair in May"}]
    assert (state(services, "ada@x.co"), state(services, "ada@x.co", "tips")) == ("given", "none")


def test_a_withdrawal_holds_before_any_worker_ran_and_no_later_import_undoes_it(
    console: Console, services: Services
) -> None:
    given = {"mode": "given", "list": "news", "consent": "last year"}
    post(console, chunk("ada@x.co", "bob@x.co", **given))
    plan(console)

    assert post(console, chunk("ADA@x.co", mode="withdrawn", list="news")) == taken(1)
    assert (state(services, "ada@x.co"), state(services, "bob@x.co")) == ("withdrawn", "given")
    assert post(console, chunk("ADA@x.co", mode="withdrawn", list="news")) == taken(0, 1)

    again = {**chunk("ada@x.co", "bob@x.co", "no address", "Ada@x.co", **given), "file": "cd" * 32}
    assert {**post(console, again), "refused": []} == taken(3, stay_out=2)  # rows of people who stay out
    plan(console)
    assert state(services, "ada@x.co") == "withdrawn"
    assert {**post(console, again), "refused": []} == taken(0, 3, stay_out=2)
    (fact,) = services.db.run("SELECT list, kind, by_person FROM consents WHERE kind = 'withdrawn'")
    assert fact == {"list": "news", "kind": "withdrawn", "by_person": False}


def test_without_a_list_a_withdrawal_is_from_every_list(console: Console, services: Services) -> None:
    post(console, chunk("ada@x.co", "ada@x.co", "user@faß.de", mode="withdrawn"))

    assert {state(services, "ada@x.co", each) for each in ("news", "tips", "later")} == {"withdrawn"}
    assert state(services, "user@xn--fa-hia.de") == "withdrawn"


def test_who_left_every_list_stays_out_and_no_one_for_whom_the_first_reading_took_them(
    console: Console, services: Services
) -> None:
    post(console, chunk("ada@x.co", "user@fass.de", mode="withdrawn"))

    given = chunk("ada@x.co", "user@faß.de", "bob@x.co", mode="given", list="news", consent="the fair")

    assert post(console, given) == taken(3, stay_out=1)
    plan(console)
    assert state(services, "user@xn--fa-hia.de") == "given"


def test_who_leaves_by_the_first_reading_has_left_under_the_key_of_today(console: Console, services: Services) -> None:
    services.db.run(
        "INSERT INTO configs (version, hash, document, templates, compiled, applied_by)"
        " VALUES (2, 'h', '', '{}', %s, 'a release before')",
        (Jsonb({**COMPILED, "semantics": 1, "lists": {}}),),
    )

    post(console, chunk("user@faß.de", mode="withdrawn"))
    plan(console)

    assert services.db.run("SELECT DISTINCT semantics FROM plans") == [{"semantics": 1}]
    assert state(services, "user@xn--fa-hia.de") == "withdrawn"


def test_of_those_who_withdraw_nothing_else_is_kept_and_no_flow_acts_on_it(
    console: Console, services: Services
) -> None:
    row = {"row": 2, "fields": {"email": "ada@x.co", "name": "Ada"}}
    for mode in ("withdrawn", "suppress"):
        post(console, {"file": FILE, "rows": [row], "mode": mode})
    plan(console)

    assert [(one["type"], one["body"]["payload"]) for one in events(services)] == [
        ("CONSENT", {"email": "ada@x.co"})
    ] * 2
    assert services.db.run("SELECT FROM leads") == []


def test_people_are_suppressed_once_and_a_repeat_does_not_undo_a_lift(console: Console, services: Services) -> None:
    suppressing = chunk("ada@x.co", "user@faß.de", "ADA@x.co", mode="suppress", consent="the old tool's list")

    assert post(console, suppressing) == taken(3)
    assert suppressions.check("user@fass.de", services).suppressed
    (entry,) = suppressions.check("ada@x.co", services).entries
    assert (entry.reason, entry.actor) == ("the old tool's list", "person:ada")

    suppressions.lift("ada@x.co", reason="asked", actor="test", services=services)
    assert post(console, suppressing) == taken(0, 3)
    assert not suppressions.check("ada@x.co", services).suppressed
    assert post(console, {**suppressing, "file": "cd" * 32}) == taken(3)
    assert suppressions.check("ada@x.co", services).suppressed
    (ada,) = services.db.run(
        "SELECT suppression_kind FROM contacts WHERE key = %s", (contact_key(services.contact_secret, "ada@x.co"),)
    )
    assert ada["suppression_kind"] == "manual"


def test_an_import_that_waited_for_a_lift_suppresses_after_it(
    console: Console, services: Services, database: TestDatabase
) -> None:
    suppressing, key = chunk("ada@x.co", mode="suppress"), contact_key(services.contact_secret, "ada@x.co")
    post(console, suppressing)
    lifted = "SET suppressed_at = NULL, suppression_reason = NULL, suppression_kind = NULL"
    waits = threading.Thread(target=post, args=(console, {**suppressing, "file": "cd" * 32}))

    with psycopg.connect(database.url) as first:
        first.execute(f"UPDATE contacts {lifted} WHERE key = %s".encode(), (key,))
        first.execute("INSERT INTO suppressions VALUES (%s, 2, 'asked', 'eve', true)", (key,))
        waits.start()
        waits.join(0.5)
    waits.join()

    assert suppressions.check("ada@x.co", services).suppressed
    rows = services.db.run("SELECT seq, lifted FROM suppressions ORDER BY seq")
    assert [tuple(row.values()) for row in rows] == [(1, False), (2, True), (3, False)]


def test_the_same_row_with_other_content_is_refused(console: Console, services: Services) -> None:
    post(console, chunk("ada@x.co"))

    (refused,) = post(console, chunk("bob@x.co"))["refused"]

    assert refused["row"] == 2 and "imported before with other fields" in refused["reason"]
    assert len(events(services)) == 1


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"mode": "given", "list": "nws", "consent": "x"}, "There is no list 'nws'; there are news, tips"),
        ({"mode": "withdrawn", "list": "nws"}, "There is no list 'nws'; there are news, tips"),
        ({"mode": "given", "list": "news"}, "where it comes from"),
        ({"mode": "given", "consent": "x"}, "needs a list"),
        ({"list": "news"}, "none is of no list"),
        ({"mode": "suppress", "list": "news"}, "suppress is of no list"),
        ({"mode": "give"}, "mode"),
        ({"file": "ab"}, "file"),
        ({"rows": []}, "rows"),
        ({"rows": [{"row": 0, "fields": {}}]}, "row"),
        ({"rows": [{"row": 1, "fields": {}}] * (MAX_IMPORT_ROWS + 1)}, "rows"),
        ({"rows": [{"row": 1, "fields": {"email": "a@x.co"}, "more": 1}]}, "more"),
        ({"consent": " "}, "consent"),
    ],
)
def test_what_does_not_fit_is_refused_as_a_whole(
    console: Console, services: Services, said: dict[str, object], message: str
) -> None:
    status, problem, _ = console.call("POST", "/v1/leads/import", chunk("ada@x.co", **said))

    assert status == 400
    assert message in problem["detail"]
    assert events(services) == []


def test_a_body_that_is_too_large_is_refused(console: Console) -> None:
    status, problem, _ = console.call("POST", "/v1/leads/import", chunk("a" * MAX_IMPORT_BYTES))

    assert (status, "send fewer" in problem["detail"]) == (413, True)


def test_a_caller_needs_the_right_and_a_key_that_is_not_revoked(console: Console, services: Services) -> None:
    key = console.key("operate", id="bob")

    assert console.call("POST", "/v1/leads/import", chunk("ada@x.co"), key=console.key("ingest", "read"))[0] == 403
    assert console.call("POST", "/v1/leads/import", chunk("ada@x.co"), key=key)[0] == 200
    access_sql.revoke(services.db, "bob", actor="test")
    assert console.call("POST", "/v1/leads/import", chunk("bob@x.co"), key=key)[0] == 401


def test_what_the_ledger_cannot_hold_costs_no_other_row_its_place(console: Console) -> None:
    large = {"row": 9, "fields": {"email": "ada@x.co", "note": "x" * 300_000}}
    body = chunk("bob@x.co")

    results = post(console, {**body, "rows": [large, *body["rows"]]})  # type: ignore[misc]

    assert (results["added"], [each["row"] for each in results["refused"]]) == (1, [9])


def test_while_the_ledger_is_away_nothing_is_promised(console: Console, services: Services) -> None:
    key = console.key("operate")
    services.db.close()
    services.db.url = "postgresql://127.0.0.1:1/none"

    status, problem, headers = console.call("POST", "/v1/leads/import", chunk("ada@x.co"), key=key)

    assert (status, headers["Retry-After"]) == (503, "5")
    assert "safe to repeat" in problem["detail"]
