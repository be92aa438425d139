"""The scope `people`: a key without it sees nothing of a person, whatever route it asks.

One marked person is wherever a person can get; what each route answers is searched for the mark. The routes come from
the resolver: a new one fails until it says here what it is asked.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import pytest
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2
from redis import Redis

from drumbeat.access.keys import PEOPLE, ApiKey
from drumbeat.api.access import require
from drumbeat.api.masking import masked_key
from drumbeat.api.resolver import NOUNS
from drumbeat.core.address import contact_key
from drumbeat.core.errors import Forbidden
from drumbeat.core.events import Arrival
from drumbeat.core.reasons import Reason, ReasonCode
from drumbeat.core.request import Request
from drumbeat.core.status import Status
from drumbeat.delivery import attempts_sql, plans_sql
from drumbeat.delivery.requests import freeze
from drumbeat.ingest import parking
from drumbeat.ingest import sql as ingest_sql
from drumbeat.ledger import account_states
from drumbeat.ledger.account_states import Report
from drumbeat.local.servers import Valkey
from drumbeat.wakeups.queue import Queue
from tests.conftest import TestDatabase
from tests.functions.api.test_api import applied
from tests.functions.console import Console, build_services, close
from tests.store.rows import LEASE, as_json, claimed, closing, new_effect, opening, recorded

MARK = "zq7mark"
ADDRESS = f"{MARK}@{MARK}.example"
SAID = f"asked by {ADDRESS}"  # what people and providers may have written before
EMPTY = "version: 1\n"


@dataclass(frozen=True)
class Marked:
    """A console over a ledger that holds the marked person, with two keys of which one sees people."""

    console: Console
    event: UUID
    held: UUID
    refused: UUID
    waiting: UUID
    parked: UUID
    people: str
    blind: str
    blind_id: str


@dataclass(frozen=True)
class Asked:
    """What a route is asked; `shows`: its answer to a key with `people` has the mark."""

    body: object = None
    query: Mapping[str, str] = field(default_factory=dict)
    shows: bool = False
    code: int = 200
    named: bool = False  # by the caller itself: the answer may say the address back

    def unnamed(self, said: str) -> str:
        """Return an answer without the address that the caller itself has named."""
        return said.replace(f'"{ADDRESS}"', "") if self.named else said


@pytest.fixture
def console(
    database: TestDatabase, redis: Redis, valkey: Valkey, sqs_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Console]:
    services = build_services(database, valkey.url, sqs_endpoint, monkeypatch)
    yield Console(services)
    close(services)


@pytest.fixture
def marked(console: Console, database: TestDatabase) -> Marked:
    return mark(console, database)


def mark(console: Console, database: TestDatabase) -> Marked:
    """Put the marked person wherever a person can get."""
    applied(database)
    lead = as_json({"payload": {"email": ADDRESS, "name": MARK, MARK: 1}})
    event, other = recorded(database, ADDRESS, lead), recorded(database, f"other {ADDRESS}", lead)
    contact = contact_key(console.services.contact_secret, ADDRESS)
    steps = [new_effect(event, "refused", contact=contact), new_effect(event, "waiting"), new_effect(other, "held")]
    plans = [
        plans_sql.NewPlan(each, 1, b"hash", {"other": SAID}, person=named(console, each)) for each in (event, other)
    ]
    plans_sql.record(database, plans, steps, LEASE)
    refused, waiting, held = (step.id for step in steps)
    unfit, said = Reason(ReasonCode.NOT_RENDERED, SAID), Reason(ReasonCode.REFUSED_BY_PROVIDER, SAID)
    attempts_sql.open_attempts(database, [opening(claimed(database, held), "held", reason=unfit)])
    sending = claimed(database, refused)
    frozen, digest = freeze(Request("POST", "https://x.example", {}, ADDRESS.encode()))
    attempts_sql.open_attempts(database, [opening(sending, frozen=frozen, request_hash=digest)])
    attempts_sql.close_attempts(
        database, [closing(sending, "refused", Status.REFUSED, reason=said, learned=said, reference=ADDRESS)]
    )
    paused = Reason(ReasonCode.CREDENTIALS_REFUSED, SAID)
    account_states.report(database, [Report("mail", answered=False, at_once=True, pause=300.0, reason=paused)])
    conflict, apart = (arrival(console, key, id) for key, id in ((ADDRESS, event), (f"parked {ADDRESS}", uuid4())))
    ingest_sql.keep_conflicts(database, [conflict])
    parking.park([apart], ApiKey("shop", frozenset()), console.services.db)
    dead = Queue(console.services.sqs, console.services.settings.dlq_url)
    dead.put(json.dumps({"events": [ADDRESS, MARK], "effects": [MARK], MARK: ADDRESS}))
    console.call("POST", "/v1/suppressions", {"email": ADDRESS, "reason": SAID})
    console.call("POST", f"/v1/events/{event}/dismiss", {"reason": SAID})
    _, people, _ = console.call("POST", "/v1/keys", {"name": SAID, "scopes": ["read", "people", "operate"]})
    _, blind, _ = console.call("POST", "/v1/keys", {"name": "blind", "scopes": ["read", "operate"]})
    return Marked(console, event, held, refused, waiting, apart.id, people["token"], blind["token"], str(blind["id"]))


def named(console: Console, event: UUID) -> plans_sql.Person:
    """Return what the events say of the person."""
    stamp = {"t": 1, "e": str(event)}
    return plans_sql.Person(
        contact_key(console.services.contact_secret, ADDRESS),
        None,
        console.services.clock.now(),
        address={"v": ADDRESS} | stamp,
        attributes={"name": {"v": MARK} | stamp},
    )


def arrival(console: Console, key: str, id: UUID) -> Arrival:
    body = as_json({"payload": {"email": ADDRESS, "again": MARK}})
    return Arrival(id, "crm", key, "LEAD_CAPTURE", "api", b"other", None, console.services.clock.now(), body)


def asked(at: Marked) -> dict[str, Asked]:
    """What each route is asked; what changes something comes after what reads."""
    seen = "2100-01-01T00:00:00Z"
    many = {"reason": SAID, "seenAt": seen}
    return {
        "GET /healthz": Asked(query={"deep": "1"}),
        "GET /v1/events": Asked(shows=True),
        "GET /v1/events/<event_id>": Asked(shows=True),
        "GET /v1/journal": Asked(query={"since": "2020-01-01"}, shows=True),
        "GET /v1/leads": Asked(shows=True, code=403),
        "GET /v1/leads/<person>": Asked(shows=True, code=403),
        "GET /v1/leads/<person>/receipt": Asked(shows=True, code=403),
        "GET /v1/audiences": Asked(),
        "GET /v1/audiences/<name>": Asked(shows=True),
        "GET /v1/audiences/<name>/explain": Asked(query={"lead": ADDRESS}, shows=True, code=403),
        "POST /v1/leads/erase": Asked({"email": ADDRESS, "dryRun": True}, code=403),
        "POST /v1/views/rebuild": Asked({"check": True}),
        "POST /v1/leads/import": Asked({"file": "ab" * 32, "rows": [{"row": 2, "fields": {"email": ADDRESS}}]}),
        "GET /v1/effects": Asked(shows=True),
        "GET /v1/effects/<effect_id>/request": Asked(shows=True, code=403),
        "GET /v1/effects/groups": Asked(query={"status": "refused"}, shows=True),
        "GET /v1/effects/held": Asked(shows=True),
        "GET /v1/config": Asked(),
        "GET /v1/keys": Asked(shows=True),
        "GET /v1/parked": Asked(shows=True),
        "GET /v1/dlq": Asked(),
        "GET /v1/suppressions": Asked(shows=True),
        "POST /v1/suppressions/check": Asked({"email": ADDRESS}, shows=True, named=True),
        "GET /v1/accounts": Asked(shows=True),
        "GET /v1/status": Asked(shows=True),
        "GET /v1/usage": Asked(),
        "GET /v1/counts": Asked(),
        "GET /v1/doctor": Asked(),
        "POST /v1/doctor/mail": Asked({"to": ADDRESS, "idempotencyKey": ADDRESS}, code=404),
        "GET /metrics": Asked(),
        "GET /v1/verify": Asked(),
        "GET /v1/reconcile": Asked(),
        "POST /v1/reconcile": Asked({"account": "mail", "reason": SAID, "accepted": {f"{at.waiting}-1": "1"}}),
        "POST /v1/events/<event_id>/dismiss": Asked({"reason": SAID}, code=409),
        "POST /v1/effects/<effect_id>/resolve": Asked({"reason": SAID, "decision": "resend", "version": 0}),
        "POST /v1/effects/<effect_id>/redrive": Asked({"reason": SAID, "version": 0}, shows=True),
        "POST /v1/effects/<effect_id>/cancel": Asked({"reason": SAID, "version": 0}),
        "POST /v1/effects/resolve": Asked({**many, "decision": "resend"}),
        "POST /v1/effects/redrive": Asked({**many, "status": "refused"}),
        "POST /v1/effects/cancel": Asked(many),
        "POST /v1/dlq/redrive": Asked(),
        "GET /v1/stops": Asked(),
        "POST /v1/accounts/<name>/pause": Asked({"reason": SAID}, shows=True),
        "POST /v1/accounts/<name>/resume": Asked({"reason": SAID}),
        "POST /v1/pause": Asked({"reason": SAID}, shows=True),
        "POST /v1/resume": Asked({"reason": SAID}),
        "GET /v1/campaigns": Asked(),
        "GET /v1/campaigns/<name>": Asked(code=404),
        "POST /v1/campaigns/<name>/plan": Asked({"idempotencyKey": ADDRESS}, code=404),
        "POST /v1/campaigns/<name>/runs": Asked({"idempotencyKey": ADDRESS}, code=404),
        "POST /v1/campaigns/<name>/trigger": Asked({"idempotencyKey": ADDRESS}, code=404),
        # What there is to see of a run is in `test_runs.py`.
        "GET /v1/runs": Asked(),
        "GET /v1/runs/<run_id>": Asked(code=404),
        "GET /v1/runs/<run_id>/recipients": Asked(code=404),
        "POST /v1/runs/<run_id>/approve": Asked({"hash": "00"}, code=404),
        **{f"POST /v1/runs/<run_id>/{act}": Asked({"reason": SAID}, code=404) for act in ("pause", "resume", "cancel")},
        "POST /v1/runs/<run_id>/missing": Asked(code=404),
        "POST /v1/parked": Asked({"decision": "release", "reason": SAID, "events": [str(at.parked)]}),
        "POST /v1/suppressions": Asked({"email": ADDRESS, "reason": SAID, "lift": True}, shows=True, named=True),
        "POST /v1/console/links": Asked(code=201),
        "POST /v1/keys": Asked({"name": "new", "scopes": ["read"]}, code=201),
        "PUT /v1/config": Asked({"document": EMPTY}),
        "DELETE /v1/keys/<id>": Asked(),
    }


def routes() -> set[str]:
    """Return the routes of the API that there are; what pages show has tests of their own."""
    return {f"{route.method} {route.rule}" for noun in NOUNS for route in noun.router.declared}


def answer(at: Marked, route: str, how: Asked, key: str) -> tuple[int, str]:
    """Return the status and all of what a route answers, headers too."""
    method, path = route.split()
    effect = {"resolve": at.held, "redrive": at.refused, "cancel": at.waiting, "request": at.refused}.get(
        path.rpartition("/")[2]
    )
    for name, value in {
        "event_id": at.event,
        "run_id": at.event,
        "effect_id": effect,
        "name": "mail",
        "id": at.blind_id,
        "person": ADDRESS,
    }.items():
        path = path.replace(f"<{name}>", str(value))
    body = how.body
    if isinstance(body, dict) and "version" in body:
        (item,) = at.console.call("GET", "/v1/effects", id=str(effect))[1]["items"]
        body = {**body, "version": item["version"]}
    code, said, headers = at.console.call(method, path, body, key=key, **how.query)
    return code, json.dumps([said, headers], ensure_ascii=False)


def test_a_key_without_people_sees_nothing_of_a_person_whatever_it_asks(marked: Marked) -> None:
    assert routes() == asked(marked).keys()
    answers = {route: (how, *answer(marked, route, how, marked.blind)) for route, how in asked(marked).items()}

    assert [said for how, _, said in answers.values() if MARK in how.unnamed(said)] == []
    assert {route: code for route, (how, code, _) in answers.items() if code != how.code} == {}


def test_a_table_shows_a_person_to_those_to_whom_json_does(marked: Marked) -> None:
    for route in ("events", "effects", "keys", "parked", "suppressions", "accounts"):
        how = Asked(query={"format": "csv"})
        assert (route, MARK in answer(marked, f"GET /v1/{route}", how, marked.blind)[1]) == (route, False)
        assert (route, MARK in answer(marked, f"GET /v1/{route}", how, marked.people)[1]) == (route, True)


def test_a_key_with_people_sees_the_person(marked: Marked) -> None:
    shown = {route for route, how in asked(marked).items() if MARK in answer(marked, route, how, marked.people)[1]}

    assert shown == {route for route, how in asked(marked).items() if how.shows}


def test_a_masked_answer_has_its_form_and_still_tells_events_apart(marked: Marked) -> None:
    secret = marked.console.services.mask_secret

    listed = marked.console.call("GET", "/v1/events", key=marked.blind)[1]["items"]
    shown = marked.console.call("GET", f"/v1/events/{marked.event}", key=marked.blind)[1]
    whole = marked.console.call("GET", f"/v1/events/{marked.event}", key=marked.people)[1]

    assert {item["idempotencyKey"] for item in listed} == {
        masked_key(ADDRESS, secret),
        masked_key(f"other {ADDRESS}", secret),
    }
    for path, query in (("/v1/effects", {}), ("/v1/events", {}), ("/v1/journal", {"since": "2020-01-01"})):
        items = marked.console.call("GET", path, key=marked.blind, **query)[1]["items"]
        assert {item["recipient"] for item in items} == {None, masked_key(ADDRESS, secret)}
    assert (shown["payload"], shown["payloadForm"], whole["payloadForm"]) == ("masked", "masked", "json")
    assert shown.keys() == whole.keys()
    assert (shown["payloadBytes"], shown["fingerprint"]) == (whole["payloadBytes"], "masked")
    assert shown["dismissals"][0]["reason"] == "asked by [address]"


def test_what_is_masked_cannot_be_searched_for(marked: Marked) -> None:
    def found(text: str, key: str) -> int:
        return len(marked.console.call("GET", "/v1/events", key=key, q=text)[1]["items"])

    assert (found(ADDRESS, marked.people), found(str(marked.event), marked.blind)) == (2, 1)
    assert marked.console.call("GET", "/v1/events", key=marked.blind, q=ADDRESS)[0] == 403


def test_the_message_id_that_we_gave_is_no_address(marked: Marked, database: TestDatabase) -> None:
    named = f"{marked.refused}-1@mg.example.com"
    database.run("INSERT INTO outcomes (effect_id, n, generation, identity, origin, kind, reference)"
                 " VALUES (%s, 1, 1, 'mail', 'feedback', 'accepted', %s)", (marked.refused, named))  # fmt: skip

    story = marked.console.call("GET", f"/v1/events/{marked.event}", key=marked.blind)[1]

    (effect,) = [each for each in story["effects"] if each["effectId"] == str(marked.refused)]
    assert [outcome["reference"] for outcome in effect["outcomes"]][1:] == [named]


# ---------------------------------------------------------------- who gives it


def minted(console: Console, key: str, *scopes: str) -> tuple[int, dict[str, Any]]:
    """Ask for a key with a key."""
    code, said, _ = console.call("POST", "/v1/keys", {"name": "new", "scopes": list(scopes)}, key=key)
    return code, said


def test_only_a_key_with_people_gives_people(marked: Marked) -> None:
    refused = minted(marked.console, marked.blind, "read", "people")
    given = minted(marked.console, marked.people, "read", "people")

    assert (refused[0], "`people`" in refused[1]["detail"], given[0]) == (403, True, 201)
    shown = marked.console.call("GET", f"/v1/events/{marked.event}", key=given[1]["token"])[1]
    assert shown["payload"]["email"] == ADDRESS


def test_people_without_read_is_no_key(marked: Marked) -> None:
    code, problem = minted(marked.console, marked.people, "operate", "people")

    assert (code, "`read`" in problem["detail"]) == (400, True)


def test_a_token_cannot_claim_people(marked: Marked) -> None:
    claimed = marked.blind.replace(".read+operate.", ".read+people+operate.")

    assert marked.console.call("GET", "/v1/events", key=claimed)[0] == 401


def test_a_route_about_people_asks_for_both_scopes(marked: Marked) -> None:
    def request(key: str) -> APIGatewayProxyEventV2:
        return APIGatewayProxyEventV2({"headers": {"authorization": f"Bearer {key}"}})

    _, given = minted(marked.console, marked.people, "ingest")

    assert require(request(marked.people), "read", PEOPLE).scopes >= {"read", PEOPLE}
    for key in (marked.blind, given["token"]):
        with pytest.raises(Forbidden):
            require(request(key), "read", PEOPLE)
