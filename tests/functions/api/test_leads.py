"""Leads, events by address and the rebuild, through their routes and commands."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
from redis import Redis

from drumbeat.access import keys
from drumbeat.access import sql as access_sql
from drumbeat.cli.main import main
from drumbeat.core.address import contact_key
from drumbeat.core.consent import UNVERIFIED_SOURCE
from drumbeat.core.reasons import Reason, ReasonCode
from drumbeat.core.request import Request
from drumbeat.core.status import Status
from drumbeat.delivery import attempts_sql, plans_sql
from drumbeat.delivery.requests import freeze
from drumbeat.local.servers import Valkey
from drumbeat.people.suppressions import suppress
from drumbeat.services import Services
from tests.conftest import TestDatabase
from tests.functions.console import Console, build_services, close
from tests.functions.deployment import served
from tests.store.people.history import START, apply_versions, plan_them, record, said, tell
from tests.store.rows import LEASE, claimed, new_effect, opening

TEXT = f"Glad you are here.\n\nLeave: https://x.co/u/{'t' * 50}\nYours, Fern"


@pytest.fixture
def services(
    database: TestDatabase, redis: "Redis", valkey: Valkey, sqs_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Services]:
    services = build_services(database, valkey.url, sqs_endpoint, monkeypatch)
    apply_versions(services)
    yield services
    close(services)


@pytest.fixture
def console(services: Services) -> Console:
    return Console(services)


@pytest.fixture
def deployment(services: Services, console: Console, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The functions behind HTTP, and the command line."""
    with served() as url:
        monkeypatch.setenv("DRUMBEAT_URL", url)
        monkeypatch.setenv("DRUMBEAT_KEY", console.key("read", "operate"))
        monkeypatch.setenv("COLUMNS", "200")
        yield url


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return int(ended.value.code or 0)


def mailed(services: Services) -> None:
    """Tell of a person who got one mail; a second one was cancelled, and is not theirs who else is named."""
    event = said(
        {"email": "ada@example.com", "plan": "trial"},
        key="a",
        consent=[{"list": "news", "kind": "given"}],
        evidence={"form": "site", "origin": ""},
    )
    record(services.db, [event])
    contact = contact_key(services.contact_secret, "ada@example.com")
    effects = [
        new_effect(event.id, step=step, id=UUID(int=n), contact=key)
        for n, (step, key) in enumerate([("hello", contact), ("bye", contact), ("other", b"eve")], 1)
    ]
    plan_them(services, [event])
    services.db.run("INSERT INTO contacts (key) VALUES ('eve')")
    plans_sql.record(services.db, [plans_sql.NewPlan(event.id, 1, b"h", {}, "welcome")], effects, LEASE)
    mail = {"to": ["ada@example.com"], "subject": "Hello [Ada]", "text": TEXT, "html": "<p>Glad</p>"}
    headers = {"content-type": "application/json"}
    frozen, digest = freeze(Request("POST", "https://api.resend.com/emails", headers, json.dumps(mail).encode()))
    hello, bye = (claimed(services.db, effect.id) for effect in effects[:2])
    suppressed = Reason(ReasonCode.SUPPRESSED, "asked")
    attempts_sql.open_attempts(
        services.db,
        [opening(hello, request_hash=digest, frozen=frozen), opening(bye, Status.CANCELLED, reason=suppressed)],
    )


def test_leads_are_listed_page_by_page(console: Console, services: Services) -> None:
    tell(services, *(said({"email": f"p{n}@example.com", "plan": "trial"}, key=str(n)) for n in range(3)))

    _, first, _ = console.call("GET", "/v1/leads", limit="2", where="plan=trial")
    _, rest, _ = console.call("GET", "/v1/leads", limit="2", where="plan=trial", cursor=first["next"])

    assert {item["address"] for item in first["items"] + rest["items"]} == {f"p{n}@example.com" for n in range(3)}
    assert set(first["items"][0]) == {"id", "address", "attributes", "consent", "suppressed", "since", "changed"}
    assert first["items"][0]["attributes"] == {"plan": "trial"}
    assert rest["next"] is None
    assert console.call("GET", "/v1/leads", where="nonsense")[0] == 400


def test_a_list_that_there_is_not_is_refused_with_those_that_there_are(console: Console, services: Services) -> None:
    tell(services, said({"email": "ada@example.com"}, key="a", consent=[{"list": "news"}]))

    code, problem, _ = console.call("GET", "/v1/leads", where="list:nws")

    assert (code, problem["detail"]) == (400, "There is no list 'nws'; there are news, offers.")
    assert len(console.call("GET", "/v1/leads", where="list:news")[1]["items"]) == 1
    assert console.call("GET", "/v1/leads", where="list:*=withdrawn")[0] == 200
    services.db.run(
        "INSERT INTO configs (version, hash, document, templates, compiled, applied_by)"
        """ VALUES (9, 'h', '', '{}', '{"lists": {"tips": {}}}', 'test')"""
    )
    assert len(console.call("GET", "/v1/leads", where="list:news")[1]["items"]) == 1  # it was removed
    code, problem, _ = console.call("GET", "/v1/leads", where="list:nws")
    assert (code, problem["detail"]) == (400, "There is no list 'nws'; there is tips.")


def test_one_person_is_shown_by_address_or_id_with_what_was_sent_and_what_was_not(
    console: Console, services: Services
) -> None:
    mailed(services)

    code, told, _ = console.call("GET", "/v1/leads/Ada@example.com")

    assert code == 200
    assert console.call("GET", f"/v1/leads/{told['id']}")[1] == told
    assert [each["name"] for each in told["attributes"]] == ["plan"]
    assert [(each["list"], each["state"]) for each in told["consent"]] == [("news", "given")]
    effects = {each["step"]: (each["status"], each["reason"], each["request"]) for each in told["effects"]}
    mail = {
        "method": "POST",
        "subject": "Hello [Ada]",
        "text": TEXT,
        "html": "<p>Glad</p>",
        "body": None,
        "cut": None,
    }
    assert effects == {
        "hello": ("sending", None, mail),
        "bye": ("cancelled", "suppressed: asked", None),
    }


@pytest.mark.parametrize("address", ["a/b#c?d`e@example.com", "user%40home@example.com", "zoë@example.com"])
def test_an_address_with_characters_that_no_path_has_is_encoded_twice(
    console: Console, services: Services, address: str
) -> None:
    tell(services, said({"email": address}, key="a"))

    assert console.call("GET", f"/v1/leads/{quote(address, safe='')}")[1]["address"] == address


def test_who_is_not_known_and_what_is_no_address_is_said(console: Console) -> None:
    code, missing, _ = console.call("GET", "/v1/leads/bob@example.com")
    refused, problem, _ = console.call("GET", "/v1/leads/bob-example.com")

    assert (code, refused) == (404, 400)
    assert "views rebuild" in missing["detail"]
    assert "bob" not in problem["detail"] + missing["detail"]


def test_events_that_name_an_address_are_found_by_it(console: Console, services: Services) -> None:
    tell(
        services, said({"email": "ada@example.com"}, key="eve@example.com"), said({"email": "bob@example.com"}, key="b")
    )

    def found(q: str) -> list[str]:
        return [item["idempotencyKey"] for item in console.call("GET", "/v1/events", q=q)[1]["items"]]

    assert found("ADA@example.com") == found("Ada <ada@example.com>") == ["eve@example.com"]
    assert found("eve@example.com") == ["eve@example.com"]  # by its key
    assert found("nobody@example.com") == found("ada") == []


def test_the_story_reads_in_order_on_a_terminal(
    deployment: str, services: Services, capfd: pytest.CaptureFixture[str]
) -> None:
    mailed(services)
    suppress("ada@example.com", reason="asked", actor="person:ann", services=services)

    assert run("leads", "show", "ada@example.com") == 0

    lines = [line for line in capfd.readouterr().out.splitlines() if not line.startswith("{")]
    text = "\n".join(lines)
    places = [
        text.index(part) for part in ("plan trial", "LEAD_CAPTURE from site", "Hello [Ada]", "asked, by person:ann")
    ]
    assert places == sorted(places)
    assert "Glad you are here." in text and "suppressed: asked" in text
    assert "not rendered: cancelled before" in text
    assert "form: site" in text and "origin" not in text
    assert "Leave: …/u/…" in text and "more line: --full" in text and "Yours, Fern" not in text

    assert run("leads", "show", "ada@example.com", "--full") == 0

    whole = capfd.readouterr().out
    assert f"https://x.co/u/{'t' * 50}" in whole and "Yours, Fern" in whole


def test_what_had_no_effect_and_what_is_not_due_is_said_on_a_terminal(
    deployment: str, services: Services, capfd: pytest.CaptureFixture[str]
) -> None:
    left = said(
        {"email": "ada@example.com"},
        key="l",
        type="CONSENT",
        door="unsubscribe",
        consent=[{"list": "*", "kind": "withdrawn"}],
    )
    given = said({"email": "ada@example.com"}, key="g", at=START + timedelta(minutes=1), consent=[{"list": "news"}])
    tell(services, left, given)
    contact = contact_key(services.contact_secret, "ada@example.com")
    later = new_effect(
        given.id, step="later", id=UUID(int=9), contact=contact, due_at=datetime.now(UTC) + timedelta(days=9)
    )
    plans_sql.record(services.db, [plans_sql.NewPlan(given.id, 1, b"h", {}, "welcome")], [later], LEASE)

    assert run("leads", "show", "ada@example.com") == 0
    assert run("leads", "list") == 0

    text = capfd.readouterr().out
    assert "withdrawn: every list, by the person" in text and "given: list news, by a program" in text
    assert "no effect: the person left" in text and "every list: withdrawn" in text and "*" not in text
    assert "not rendered: not yet due" in text


def test_a_sign_up_that_waits_and_a_press_that_may_be_a_programs_are_shown(
    deployment: str, services: Services, console: Console, capfd: pytest.CaptureFixture[str]
) -> None:
    now = datetime.now(UTC)
    noted = {"unverified": "it did not come from the page", "user_agent": "[Scanner]/1", "ip": "192.0.2.0/24"}
    about: dict[str, Any] = {"type": "CONSENT", "at": now}
    pending = [{"list": "offers", "kind": "pending"}]
    sign_up = said({"email": "ada@example.com"}, key="s", door="form", consent=pending, **about)
    press = said(
        {"email": "ada@example.com"}, key="p", source=UNVERIFIED_SOURCE, door="confirm", evidence=noted, **about
    )
    tell(services, sign_up, press)

    assert run("leads", "show", "ada@example.com") == 0
    assert run("event", str(press.id)) == 0

    person, _, event = capfd.readouterr().out.rpartition(f"event {press.id}  ")
    assert "list offers: pending until in 7 d" in person
    assert "may have been pressed by a program: it did not come from the page" in person
    assert "from 192.0.2.0/24, [Scanner]/1" in person
    assert "it changed nothing; the person can still confirm" in person
    assert "the button may have been pressed by a program: it changed nothing" in event
    assert "user_agent: [Scanner]/1" in event
    shown = console.call("GET", "/v1/leads/ada@example.com")[1]
    assert [each["unverified"] and each["unverified"]["why"] for each in shown["events"]].count(
        noted["unverified"]
    ) == 1
    assert console.call("GET", f"/v1/events/{press.id}")[1]["evidence"] == noted
    access_sql.add(services.db, "eve", "of a test", ["read"], actor="test")
    blind = keys.mint(services.key_secret, "eve", ["read"])
    assert console.call("GET", f"/v1/events/{press.id}", key=blind)[1]["evidence"] == "masked"


def test_a_sign_up_that_was_not_confirmed_is_shown_as_expired(
    deployment: str, services: Services, console: Console, capfd: pytest.CaptureFixture[str]
) -> None:
    consent = [{"list": "offers", "kind": "pending"}]
    tell(services, said({"email": "ada@example.com"}, key="s", door="form", consent=consent))

    assert run("leads", "show", "ada@example.com") == 0
    assert run("leads", "list", "--where", "list:offers=expired") == 0
    assert run("leads", "list", "--where", "list:offers=pending") == 0

    printed = capfd.readouterr().out
    assert "list offers: expired, not confirmed until" in printed
    assert "offers: expired" in printed and "no such leads" in printed
    assert console.call("GET", "/v1/leads/ada@example.com")[1]["consent"][0]["until"].startswith("2026-11-08T09:00")


def test_leads_are_listed_on_a_terminal(deployment: str, services: Services, capfd: pytest.CaptureFixture[str]) -> None:
    tell(services, said({"email": "ada@example.com", "plan": "[b]"}, key="a"))

    assert run("leads", "list", "--where", "plan=[b]") == 0
    assert run("leads", "list", "--where", "plan=paid") == 0

    printed = capfd.readouterr().out
    assert "ada@example.com" in printed and "plan [b]" in printed and "no such leads" in printed


def test_history_from_before_leads_is_rebuilt_by_one_command(
    deployment: str, services: Services, capfd: pytest.CaptureFixture[str]
) -> None:
    events = [said({"email": f"p{n}@example.com"}, key=str(n)) for n in range(3)]
    record(services.db, events)
    plan_them(services, events, people=False)

    codes = run("views", "rebuild", "--check"), run("views", "rebuild"), run("views", "rebuild", "--check")

    assert codes == (1, 0, 0)
    printed = capfd.readouterr().out
    assert "no difference in 3 events and 3 people" in printed
    assert run("leads", "show", "p1@example.com") == 0


def test_a_rebuild_needs_the_right_to_operate_and_a_cursor_of_ours(console: Console) -> None:
    assert console.call("POST", "/v1/views/rebuild", {}, key=console.key("read"))[0] == 403
    for cursor in ("x", "events:x", "people:x", "leads:00"):
        assert console.call("POST", "/v1/views/rebuild", {"cursor": cursor})[0] == 400


def test_without_the_right_to_see_people_there_are_none(console: Console, services: Services) -> None:
    tell(services, said({"email": "ada@example.com"}, key="a"))
    access_sql.add(services.db, "eve", "of a test", ["read"], actor="test")
    key = keys.mint(services.key_secret, "eve", ["read"])

    for path in ("/v1/leads", "/v1/leads/ada@example.com"):
        assert console.call("GET", path, key=key)[0] == 403
    assert console.call("GET", "/v1/events", key=key, q="ada@example.com")[0] == 403
    assert console.call("GET", "/v1/events", key=key, q="a")[1]["items"] == []
