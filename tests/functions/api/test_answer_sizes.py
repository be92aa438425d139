"""No answer is larger than what Lambda gives (`Console.call` checks it), and all of what is kept can be read."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from redis import Redis

from drumbeat.cli.main import main
from drumbeat.core.address import contact_key
from drumbeat.core.events import Event
from drumbeat.core.request import Request
from drumbeat.delivery import attempts_sql, plans_sql
from drumbeat.delivery.requests import freeze
from drumbeat.ledger.database import Database
from drumbeat.local.servers import Valkey
from drumbeat.planning.render_limits import LONGEST_OUTPUT
from drumbeat.services import Services
from tests.conftest import TestDatabase
from tests.functions.console import Console, build_services, close
from tests.functions.deployment import served
from tests.store.people.history import apply_versions, plan_them, record, said, tell
from tests.store.rows import LEASE, claimed, new_effect, opening

ADDRESS = "ada@example.com"
MAILS = 12
LONG = {"subject": "Hello", "text": "Glad.\n" * 20_000, "html": '<a href="x">' * (LONGEST_OUTPUT // 12)}
LARGEST = "\x01"  # a character that takes seven bytes of an answer
TRIED = """
    INSERT INTO journal (effect_id, seq, from_status, to_status, fence, actor, reason)
    SELECT id, n, 'claimed', 'waiting', 1, 'worker', repeat('"', 400) FROM effects, generate_series(10, 400) AS n
"""


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


@pytest.fixture
def command(console: Console, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The command line, with a deployment to talk to."""
    with served() as url:
        monkeypatch.setenv("DRUMBEAT_URL", url)
        monkeypatch.setenv("DRUMBEAT_KEY", console.key("read", "operate"))
        yield


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return int(ended.value.code or 0)


def mailed(services: Services, *bodies: object) -> Event:
    """Tell of a person who is sent these bodies by one event."""
    event = said({"email": ADDRESS}, key="a")
    record(services.db, [event])
    plan_them(services, [event])
    contact = contact_key(services.contact_secret, ADDRESS)
    effects = [new_effect(event.id, f"s{n:02}", id=uuid4(), contact=contact) for n in range(len(bodies))]
    plans_sql.record(services.db, [plans_sql.NewPlan(event.id, 1, b"h", {}, "welcome")], effects, LEASE)
    for effect, body in zip(effects, bodies, strict=True):
        headers = {"content-type": "application/json"}
        frozen, digest = freeze(Request("POST", "https://x.example", headers, json.dumps(body).encode()))
        attempts_sql.open_attempts(
            services.db, [opening(claimed(services.db, effect.id), request_hash=digest, frozen=frozen)]
        )
    return event


def all_pages(console: Console, path: str, **query: str) -> list[Any]:
    """Return every page of an answer."""
    told: list[Any] = []
    while not told or told[-1]["next"] is not None:
        cursor = {"cursor": told[-1]["next"]} if told else {}
        code, page, _ = console.call("GET", path, **query, **cursor)
        assert code == 200
        told.append(page)
    return told


def test_the_story_of_a_subscriber_with_long_mails_is_told_in_pages(console: Console, services: Services) -> None:
    mailed(services, *[LONG] * MAILS)

    told = all_pages(console, f"/v1/leads/{ADDRESS}")

    effects = [effect for page in told for effect in page["effects"]]
    assert len(told) > 1
    assert [effect["step"] for effect in effects] == [f"s{n:02}" for n in range(MAILS)]
    assert {effect["request"]["html"] for effect in effects} == {LONG["html"]}
    assert {effect["request"]["cut"] for effect in effects} == {None}
    assert sum(len(page["events"]) for page in told) == 1


def test_the_command_follows_the_pages_of_a_story(
    command: None, services: Services, capfd: pytest.CaptureFixture[str]
) -> None:
    mailed(services, *[LONG] * MAILS)

    assert run("leads", "show", ADDRESS, "--json") == 0

    told = json.loads(capfd.readouterr().out)
    assert ([effect["step"] for effect in told["effects"]], told["next"]) == ([f"s{n:02}" for n in range(MAILS)], None)


def test_what_no_answer_holds_is_cut_and_read_in_parts(
    command: None, console: Console, services: Services, capfd: pytest.CaptureFixture[str]
) -> None:
    mail = {"subject": "Hello", "text": LARGEST * LONGEST_OUTPUT, "html": LARGEST * LONGEST_OUTPUT}
    mailed(services, mail)

    (told,) = all_pages(console, f"/v1/leads/{ADDRESS}")

    (effect,) = told["effects"]
    route = f"/v1/effects/{effect['effectId']}/request"
    assert route.replace(effect["effectId"], "<its id>") in effect["request"]["cut"]
    assert "".join(part["text"] for part in all_pages(console, route)) == json.dumps(mail)
    assert run("leads", "show", ADDRESS) == 0
    assert "cut: the first 131,072 characters of each text" in capfd.readouterr().out


def test_of_what_was_not_sent_there_is_no_request(console: Console, services: Services) -> None:
    mailed(services, {"a": 1})
    (effect,) = all_pages(console, f"/v1/leads/{ADDRESS}")[0]["effects"]

    assert console.call("GET", f"/v1/effects/{effect['effectId']}/request", cursor="x")[0] == 400
    code, problem, _ = console.call("GET", f"/v1/effects/{UUID(int=1)}/request")
    assert (code, "first attempt" in problem["detail"]) == (404, True)


def test_leads_with_much_to_know_are_listed_and_exported_in_pages(
    command: None, console: Console, services: Services, capfd: pytest.CaptureFixture[str]
) -> None:
    attributes = {f"a{n:02}": '"' * 255 for n in range(64)}
    people = [f"p{n}@example.com" for n in range(130)]
    tell(services, *(said({"email": address} | attributes, key=address) for address in people))

    listed = all_pages(console, "/v1/leads", limit="200")

    assert sorted(lead["address"] for page in listed for lead in page["items"]) == sorted(people)
    assert all(lead["attributes"] == attributes for page in listed for lead in page["items"])
    assert run("leads", "export") == 0
    rows = [line for line in capfd.readouterr().out.splitlines() if line.startswith('"p')]
    assert len(rows) == len(people)


def test_an_event_whose_effects_were_tried_for_long_is_shown_as_far_as_it_fits(
    console: Console, services: Services, owner: Database
) -> None:
    event = mailed(services, *[{"a": n} for n in range(60)])
    owner.run(TRIED)

    code, told, _ = console.call("GET", f"/v1/events/{event.id}")

    assert (code, told["effectsTotal"], 0 < len(told["effects"]) < 60) == (200, 60, True)
    assert {(effect["older"], len(effect["journal"])) for effect in told["effects"]} == {(True, 200)}
    assert told["effects"][0]["journal"][-1]["seq"] == 400
    listed = all_pages(console, "/v1/effects", event=str(event.id))
    assert sum(len(page["items"]) for page in listed) == 60
