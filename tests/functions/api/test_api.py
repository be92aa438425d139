"""The console's routes, called as API Gateway calls them.

Long, because each route has a test or two, and all of them share one console.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families
from redis import Redis

from drumbeat.access import keys
from drumbeat.audit import watch
from drumbeat.core.address import Keys, contact_key
from drumbeat.core.invariants import Invariant
from drumbeat.core.reasons import Reason, ReasonCode
from drumbeat.core.status import Status
from drumbeat.delivery import attempts_sql
from drumbeat.delivery.effects import Claimed
from drumbeat.ledger import account_states, configs, violations
from drumbeat.ledger.account_states import Report
from drumbeat.ledger.database import Database
from drumbeat.ledger.violations import Found
from drumbeat.local.servers import Valkey
from drumbeat.people import sql as people_sql
from drumbeat.services import services
from drumbeat.wakeups.queue import Queue, WakeUp
from tests.conftest import TestDatabase
from tests.functions.console import Console, build_services, close
from tests.store.rows import (
    as_json,
    claimed,
    closing,
    journal,
    new_effect,
    opening,
    planned,
    recorded,
    sending,
    status,
    waiting,
)


@pytest.fixture
def console(
    database: TestDatabase, redis: "Redis", valkey: Valkey, sqs_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Console]:
    services = build_services(database, valkey.url, sqs_endpoint, monkeypatch)
    yield Console(services)
    close(services)


def held(db: TestDatabase, **changes: object) -> Claimed:
    """Return an effect that nothing can prove."""
    effect = sending(db, **changes)
    attempts_sql.close_attempts(db, [closing(effect, "unknown", Status.UNKNOWN)])
    looked = claimed(db, effect.id)
    attempts_sql.close_attempts(
        db, [closing(looked, None, Status.HELD, n=effect.fence, origin="look", reason=Reason(ReasonCode.UNPROVABLE))]
    )
    return effect


def applied(db: TestDatabase) -> None:
    """Put a configuration in force that says nothing, but who is called an audience."""
    said: dict[str, object] = {part: {} for part in ("accounts", "sources", "flows", "campaigns", "templates")}
    said["audiences"] = {"mail": {"field": ["name"], "operator": "exists", "value": True}}
    configs.insert(db, hash=b"", document="", templates={}, compiled=said, identities={}, actor="test")


def version(console: Console, effect: UUID) -> int:
    _, page, _ = console.call("GET", "/v1/effects", status="held")
    return int(next(item["version"] for item in page["items"] if item["effectId"] == str(effect)))


# ---------------------------------------------------------------- who may


def test_the_shallow_health_check_needs_no_key_and_no_dependency(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: object) -> None:
        raise AssertionError("a dependency was asked")

    monkeypatch.setattr("drumbeat.ledger.database.Database.run", unreachable)
    monkeypatch.setattr("drumbeat.infrastructure.redis.LeanRedis.run", unreachable)
    monkeypatch.setattr("drumbeat.infrastructure.sqs.client.Sqs.call", unreachable)

    code, body, _ = console.call("GET", "/healthz", key=None)

    assert (code, body["status"]) == (200, "ok")


def test_the_deep_health_check_asks_every_dependency(console: Console) -> None:
    code, body, _ = console.call("GET", "/healthz", deep="1")

    assert code == 200
    assert {check["name"]: check["ok"] for check in body["checks"]} == {
        "postgres": True,
        "redis": True,
        "effects queue": True,
        "buffer queue": True,
        "wishes queue": True,
    }
    assert console.call("GET", "/healthz", key=None, deep="1")[0] == 401


def test_no_key_a_foreign_key_and_a_revoked_key_are_401(console: Console, database: TestDatabase) -> None:
    database.run("INSERT INTO api_keys (id, name, scopes, revoked_at) VALUES ('bob', '', '{read}', drumbeat_now())")

    answers = [console.call("GET", "/v1/events", key=key) for key in (None, "x.y.z", console.key("read", id="bob"))]

    assert [(code, headers["WWW-Authenticate"]) for code, _, headers in answers] == [(401, "Bearer")] * 3
    assert all(body["type"] == "urn:drumbeat:problem:unauthorized" for _, body, _ in answers)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", f"/v1/effects/{UUID(int=7)}/resolve"),
        ("POST", "/v1/effects/resolve"),
        ("POST", f"/v1/effects/{UUID(int=7)}/redrive"),
        ("POST", "/v1/effects/redrive"),
        ("POST", f"/v1/effects/{UUID(int=7)}/cancel"),
        ("POST", "/v1/effects/cancel"),
        ("PUT", "/v1/config"),
        ("GET", "/v1/keys"),
        ("POST", "/v1/keys"),
        ("DELETE", "/v1/keys/ada"),
        ("POST", "/v1/dlq/redrive"),
        ("POST", "/v1/suppressions"),
        ("POST", "/v1/accounts/mail/resume"),
    ],
)
def test_reading_rights_do_not_operate(console: Console, method: str, path: str) -> None:
    assert console.call(method, path, {}, key=console.key("read", "ingest"))[0] == 403


@pytest.mark.parametrize(
    "path",
    ["/v1/events", "/v1/effects", "/v1/effects/held", "/v1/effects/groups", "/v1/config", "/v1/dlq",
     "/v1/suppressions", "/v1/accounts", "/v1/status", "/metrics"],
)  # fmt: skip
def test_operating_rights_do_not_read(console: Console, path: str) -> None:
    assert console.call("GET", path, key=console.key("operate", "ingest"))[0] == 403


# ---------------------------------------------------------------- reading


def test_an_event_is_shown_with_all_that_followed(console: Console, database: TestDatabase) -> None:
    event = recorded(database, body=as_json({"payload": {"email": "ada@example.com"}}))
    effect = new_effect(event)
    planned(database, effect)
    attempts_sql.open_attempts(database, [opening(claimed(database, effect.id))])

    code, body, _ = console.call("GET", f"/v1/events/{event}")

    assert code == 200
    assert (body["eventId"], body["status"]) == (str(event), "in_progress")
    assert body["payload"] == {"email": "ada@example.com"}
    assert body["plan"]["version"] == 1
    (effect_story,) = body["effects"]
    assert [entry["toStatus"] for entry in effect_story["journal"]] == ["waiting", "claimed", "sending"]
    assert effect_story["attempts"][0]["requestHash"] == b"h".hex()
    assert "frozen" not in str(body)


def test_the_id_of_an_effect_is_said_to_be_one(console: Console, database: TestDatabase) -> None:
    effect = held(database)

    code, problem, _ = console.call("GET", f"/v1/events/{effect.id}")

    assert code == 404
    assert f"is the id of an effect, not of an event. Its event: drumbeat event {effect.event.id}" in problem["detail"]


def test_what_is_not_there_is_404_and_what_is_not_understood_400(console: Console) -> None:
    assert console.call("GET", f"/v1/events/{uuid4()}")[0] == 404
    assert console.call("GET", "/v1/nothing")[0] == 404
    assert console.call("GET", "/v1/events/abc")[0] == 400
    assert console.call("GET", "/v1/events", status="lost")[0] == 400
    assert console.call("GET", "/v1/events", stauts="done")[0] == 400
    assert console.call("GET", "/v1/events", since="yesterday")[0] == 400
    assert console.call("GET", "/v1/events", limit="0")[0] == 400
    assert console.call("GET", "/v1/events", limit="1" * 5000)[0] == 400  # more digits than Python reads
    assert console.call("GET", "/v1/config")[0] == 404


@pytest.mark.parametrize("parameters", [{"status": "done,failed"}, {"limit": "5,5"}, {"q": "a,"}])
def test_a_parameter_comes_once(console: Console, parameters: dict[str, str]) -> None:
    code, problem, _ = console.call("GET", "/v1/events", **parameters)

    assert code == 400
    assert f"parameter {next(iter(parameters))} came twice" in problem["detail"]


@pytest.mark.parametrize(
    ("method", "path", "body", "query"),
    [
        ("GET", "/v1/events", None, {"q": "\0"}),
        ("GET", "/v1/events", None, {"source": "a\0"}),
        ("GET", "/v1/effects", None, {"account": "\0"}),
        ("POST", "/v1/keys", {"name": "a\0", "scopes": ["read"]}, {}),
        ("POST", "/v1/keys", '{"name": "a", "name": "b", "scopes": ["read"]}', {}),
        ("POST", "/v1/suppressions", {"email": "ada@example.com", "reason": "\ud800"}, {}),
        ("PUT", "/v1/config", {"document": "version: 1\0"}, {}),
        ("PUT", "/v1/config", {"document": 'version: 1\nflows: {"a\\0": {}}'}, {}),
        ("PUT", "/v1/config", "[" * 100_000, {}),
    ],
)
def test_what_the_ledger_cannot_hold_is_the_callers_mistake(
    console: Console, method: str, path: str, body: object, query: dict[str, str]
) -> None:
    assert console.call(method, path, body, **query)[0] == 400


def test_lists_come_in_pages(console: Console, database: TestDatabase) -> None:
    for _ in range(3):
        recorded(database)

    _, first, _ = console.call("GET", "/v1/events", limit="2")
    _, second, _ = console.call("GET", "/v1/events", limit="2", cursor=first["next"])

    assert len({item["eventId"] for item in first["items"] + second["items"]}) == 3
    assert second["next"] is None


def test_metrics_are_prometheus_text_of_what_the_relay_saw_last(console: Console, database: TestDatabase) -> None:
    applied(database)
    waiting(database, account='a"b')
    watch.look(console.services, lambda: True)

    code, text, headers = console.call("GET", "/metrics")

    assert code == 200
    assert headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert 'drumbeat_effects{account="a\\"b",status="waiting"} 1\n' in text
    assert 'drumbeat_events_24h{status="planned"} 1\n' in text
    assert "drumbeat_dead_letters 0\n" in text


def test_until_the_relay_has_looked_every_metric_is_absent_and_no_ledger_is_asked(console: Console) -> None:
    key = console.key("read")
    console.call("GET", "/metrics", key=key)
    asked = console.services.db.round_trips

    code, text, _ = console.call("GET", "/metrics", key=key)

    assert (code, list(text_string_to_metric_families(text))) == (200, [])
    assert console.services.db.round_trips == asked


def test_a_scraper_asks_the_ledger_about_its_key_once(console: Console) -> None:
    asked = []
    for _ in range(3):
        before = console.services.db.round_trips
        assert console.call("GET", "/metrics", key=console.key("read"))[0] == 200
        asked.append(console.services.db.round_trips - before - 1)  # one to make the key

    assert asked[0] > 0
    assert asked[1:] == [0, 0]


def test_a_scrapers_key_that_is_revoked_is_refused_at_once_and_asks_the_ledger_nothing(console: Console) -> None:
    scraper = console.key("read", id="scraper")
    operator = console.key("operate")
    answered = console.call("GET", "/metrics", key=scraper)[0]

    console.call("DELETE", "/v1/keys/scraper", key=operator)
    asked = console.services.db.round_trips
    codes = [console.call("GET", "/metrics", key=scraper)[0] for _ in range(3)]

    assert (answered, codes) == (200, [401] * 3)
    assert console.services.db.round_trips == asked


def test_a_key_that_was_never_made_here_scrapes_nothing(console: Console) -> None:
    console.call("GET", "/metrics")
    forged = keys.mint(console.services.key_secret, "forged", ["read"])

    assert console.call("GET", "/metrics", key=forged)[0] == 401


def test_a_scrapers_key_claims_no_scope_that_its_row_does_not_give(console: Console, database: TestDatabase) -> None:
    console.call("GET", "/metrics")
    database.run("INSERT INTO api_keys (id, name, scopes) VALUES ('narrow', '', '{ingest}')")
    claims = keys.mint(console.services.key_secret, "narrow", ["read", "ingest"])

    assert [console.call("GET", "/metrics", key=claims)[0] for _ in range(2)] == [401, 401]


def test_who_resumes_from_an_invariant_is_noted_with_what_was_found_and_it_stops_nothing_more(
    console: Console, database: TestDatabase
) -> None:
    applied(database)
    subject = waiting(database)
    violations.record(database, [Found(Invariant.DUPLICATES, "accepted-twice", subject, "1", {"generation": 1})])
    watch.look(console.services, lambda: True)
    shown = console.call("GET", "/v1/status")[1]

    code, answer, _ = console.call("POST", "/v1/resume", {"reason": "one mail only", "invariant": "duplicates"})
    watch.look(console.services, lambda: True)

    assert [(each["invariant"], each["subject"], each["account"]) for each in shown["violations"]] == [
        ("duplicates", str(subject), "mail")
    ]
    assert [(each["account"], each["invariant"]) for each in shown["stops"]] == [("mail", "duplicates")]
    assert (code, answer["violations"], answer["stopped"]) == (200, 1, [])
    assert console.call("GET", "/v1/status")[1]["stops"] == []
    assert database.run("SELECT resumed_by, resume_reason FROM violations") == [
        {"resumed_by": "person:ada", "resume_reason": "one mail only"}
    ]


def test_an_unreachable_ledger_is_503_and_says_what_was_not_lost(console: Console, database: TestDatabase) -> None:
    key = console.key("read")
    console.services.db.close()
    with psycopg.connect(database.admin_url, autocommit=True) as admin:
        admin.execute("ALTER ROLE drumbeat_app NOLOGIN")
        try:
            code, body, headers = console.call("GET", "/v1/events", key=key)
        finally:
            admin.execute("ALTER ROLE drumbeat_app LOGIN")

    assert (code, headers["Retry-After"]) == (503, "5")
    assert "safe" in body["detail"]
    assert body["requestId"] == "request-1"


def test_while_the_ledger_hangs_a_change_is_answered_that_it_may_have_been_made(
    console: Console, owner: Database
) -> None:
    key, stored = console.key("operate"), console.call("POST", "/v1/keys", {"name": "a", "scopes": ["read"]})[1]
    console.services.db.close()
    console.services.db = Database(console.services.db.url, patience=0.3)
    with owner.transaction():
        owner.run("LOCK TABLE api_keys IN SHARE MODE")  # reading goes on: the revocation itself gets no answer
        code, body, headers = console.call("DELETE", f"/v1/keys/{stored['id']}", key=key)
        again = console.call("GET", "/v1/keys", key=key)[0]

    assert (code, headers["Retry-After"], headers["Content-Type"]) == (503, "5", "application/problem+json")
    assert "may or may not have been done, and is safe to repeat" in body["detail"]
    assert "Nothing" not in body["title"]
    assert again == 503  # at once: it is not asked again for a while


def test_an_unexpected_error_shows_nothing_of_its_message(
    console: Console, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("ada@example.com")

    monkeypatch.setattr("drumbeat.views.events", fail)

    code, body, _ = console.call("GET", "/v1/events")

    assert code == 500
    assert "ada@example.com" not in str(body) + capsys.readouterr().out


# ---------------------------------------------------------------- deciding


def test_a_resend_begins_a_new_generation_and_notifies(console: Console, database: TestDatabase) -> None:
    effect = held(database)

    code, body, _ = console.call(
        "POST",
        f"/v1/effects/{effect.id}/resolve",
        {"decision": "resend", "reason": "not in the outbox", "version": version(console, effect.id)},
    )

    assert (code, body["status"]) == (200, "waiting")
    (row,) = database.run("SELECT generation, tries, looks, due_at <= drumbeat_now() AS due FROM effects")
    assert row == {"generation": 2, "tries": 0, "looks": 0, "due": True}
    (entry,) = database.run("SELECT actor, reason FROM journal ORDER BY seq DESC LIMIT 1")
    assert entry == {"actor": "person:ada", "reason": "not in the outbox"}
    assert console.notified() == [WakeUp(effects=(effect.id,))]
    assert claimed(database, effect.id).generation == 2


@pytest.mark.parametrize(("decision", "to"), [("accepted", "accepted"), ("drop", "cancelled")])
def test_other_decisions_are_final_and_wake_what_waited(
    console: Console, database: TestDatabase, decision: str, to: str
) -> None:
    later = uuid4()
    effect = held(database, dependents=(later,))

    code, _, _ = console.call(
        "POST",
        f"/v1/effects/{effect.id}/resolve",
        {"decision": decision, "reason": "seen in the log", "version": version(console, effect.id)},
    )

    assert (code, status(database, effect.id)) == (200, to)
    assert journal(database, effect.id)[-1] == f"held>{to}"
    assert console.notified() == [WakeUp(effects=(later,))]


def test_a_decision_on_an_older_version_is_409_and_changes_nothing(console: Console, database: TestDatabase) -> None:
    effect = held(database)
    seen = version(console, effect.id)
    path = f"/v1/effects/{effect.id}/resolve"

    stale = console.call("POST", path, {"decision": "resend", "reason": "r", "version": seen - 1})[0]
    first = console.call("POST", path, {"decision": "drop", "reason": "r", "version": seen})[0]
    second = console.call("POST", path, {"decision": "resend", "reason": "r", "version": seen})[0]

    assert (stale, first, second) == (409, 200, 409)
    assert status(database, effect.id) == "cancelled"


def test_a_decision_needs_a_reason_a_known_decision_and_an_effect(console: Console, database: TestDatabase) -> None:
    effect = held(database)
    path = f"/v1/effects/{effect.id}/resolve"

    assert console.call("POST", path, {"decision": "drop", "reason": " ", "version": 5})[0] == 400
    assert console.call("POST", path, {"decision": "burn", "reason": "r", "version": 5})[0] == 400
    assert console.call("POST", path, "not json")[0] == 400
    decision = {"decision": "drop", "reason": "r", "version": 1}
    assert console.call("POST", f"/v1/effects/{UUID(int=7)}/resolve", decision)[0] == 404
    assert status(database, effect.id) == "held"


def test_many_held_effects_are_decided_in_chunks_and_only_those_that_were_counted(
    console: Console, database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drumbeat.operations.decisions.EFFECTS_PER_REQUEST", 2)
    counted = [held(database).id for _ in range(3)]
    other = held(database, account="crm").id
    _, summary, _ = console.call("GET", "/v1/effects/held", account="mail")
    newcomer = held(database).id
    asked = {"decision": "drop", "reason": "campaign called off", "account": "mail", "seenAt": summary["at"]}

    answers: list[Any] = []
    while not answers or answers[-1]["left"]:
        answers.append(console.call("POST", "/v1/effects/resolve", asked)[1])

    assert summary["total"] == 3
    assert [len(answer["effects"]) for answer in answers] == [2, 1]
    assert [status(database, effect) for effect in counted] == ["cancelled"] * 3
    assert [status(database, other), status(database, newcomer)] == ["held", "held"]


def test_a_reason_has_its_code_beside_its_sentence(console: Console, database: TestDatabase) -> None:
    effect = held(database)
    (row,) = database.run("SELECT event_id FROM effects WHERE id = %s", (effect.id,))

    _, listed, _ = console.call("GET", "/v1/effects")
    _, groups, _ = console.call("GET", "/v1/effects/held")
    _, story, _ = console.call("GET", f"/v1/events/{row['event_id']}")

    wanted = {
        "reasonCode": "unprovable",
        "reasonDetail": None,
        "reason": "outcome unknown, and nothing can prove it",
    }
    (effect_story,) = story["effects"]
    for shown in (listed["items"][0], groups["groups"][0], effect_story, effect_story["journal"][-1]):
        assert wanted.items() <= shown.items()


def test_a_cause_that_there_is_not_is_refused(console: Console, database: TestDatabase) -> None:
    effect = held(database)
    _, summary, _ = console.call("GET", "/v1/effects/held")
    asked = {"decision": "drop", "reason": "r", "cause": "unproven", "seenAt": summary["at"]}

    code, problem, _ = console.call("POST", "/v1/effects/resolve", asked)

    assert (code, "no reason has the code 'unproven'" in problem["detail"]) == (400, True)
    assert status(database, effect.id) == "held"


# ---------------------------------------------------------------- keys, suppressions, dead letters, accounts


def test_a_minted_key_works_is_listed_without_its_token_and_can_be_revoked(console: Console) -> None:
    code, minted, _ = console.call("POST", "/v1/keys", {"name": "grafana", "scopes": ["read", "read"]})
    works = console.call("GET", "/v1/events", key=minted["token"])[0]
    _, listed, _ = console.call("GET", "/v1/keys")

    revoked = console.call("DELETE", f"/v1/keys/{minted['id']}")[0]

    assert (code, works, revoked) == (201, 200, 200)
    assert minted["scopes"] == ["read"]
    (grafana,) = [key for key in listed["items"] if key["name"] == "grafana"]
    assert (grafana["scopes"], grafana["createdBy"]) == (["read"], "person:ada")
    assert minted["token"] not in str(listed)
    assert console.call("GET", "/v1/events", key=minted["token"])[0] == 401
    assert console.call("DELETE", "/v1/keys/missing")[0] == 404


def test_suppressions_keep_no_address(console: Console, database: TestDatabase) -> None:
    asked = {"email": "Ada@Example.com", "reason": "asked by phone"}

    first = console.call("POST", "/v1/suppressions", asked)[1]
    again = console.call("POST", "/v1/suppressions", {**asked, "email": "ada@example.com"})[1]
    _, listed, _ = console.call("GET", "/v1/suppressions")
    lifted = console.call("POST", "/v1/suppressions", {**asked, "lift": True})[1]

    assert (first["changed"], again["changed"], lifted["changed"]) == (True, False, True)
    assert first["contact"] == again["contact"] == listed["items"][0]["contact"]
    assert (listed["items"][0]["reason"], listed["items"][0]["actor"]) == ("asked by phone", "person:ada")
    assert "ada@" not in str(listed).lower()
    assert console.call("GET", "/v1/suppressions")[1]["items"] == []
    assert [row["lifted"] for row in database.run("SELECT lifted FROM suppressions ORDER BY seq")] == [False, True]
    assert console.call("POST", "/v1/suppressions", {"email": "no-address", "reason": "r"})[0] == 400


def test_an_address_is_suppressed_as_it_is_read_and_so_found_again(console: Console) -> None:
    asked = {"email": "User <user@FAẞ.de>", "reason": "asked by phone"}

    added = console.call("POST", "/v1/suppressions", asked)[1]
    found = console.call("POST", "/v1/suppressions/check", {"email": "user@xn--fa-hia.de"})[1]
    other = console.call("POST", "/v1/suppressions/check", {"email": "user@example.com"})[1]

    assert (added["address"], added["also"]) == ("user@xn--fa-hia.de", "user@fass.de")
    assert (found["address"], found["suppressed"]) == ("user@xn--fa-hia.de", True)
    assert [(entry["reading"], entry["effective"]) for entry in found["entries"]] == [("today", True), ("first", True)]
    assert (found["entries"][0]["reason"], found["entries"][0]["actor"]) == ("asked by phone", "person:ada")
    assert (other["suppressed"], other["entries"]) == (False, [])


@pytest.mark.parametrize("path", ["/v1/suppressions", "/v1/suppressions/check"])
@pytest.mark.parametrize(
    "email",
    [
        "\u200bmary@example.com",
        "joan@example.com,",
        "rosa@example.com.",
        "eva@example.com; ida@example.com",
        "@",
        "a" * 997,
    ],
)
def test_what_is_no_address_is_refused_and_never_confirmed(
    console: Console, database: TestDatabase, path: str, email: str
) -> None:
    body = {"email": email} if path.endswith("check") else {"email": email, "reason": "asked"}

    code, problem, _ = console.call("POST", path, body)

    assert (code, problem["detail"].startswith("that is not an e-mail address: ")) == (400, True)
    assert database.run("SELECT 1 FROM contacts") == []


def test_what_a_release_before_kept_for_any_text_is_found_by_that_text_and_listed(
    console: Console, database: TestDatabase
) -> None:
    typed = "Grace <grace@example.com>"
    junk = contact_key(services().contact_secret, typed)
    people_sql.change(database, Keys(junk), reason="asked", actor="before", lifted=False)
    console.call("POST", "/v1/suppressions", {"email": "ada@example.com", "reason": "asked"})
    planned(database, new_effect(recorded(database), contact=contact_key(services().contact_secret, "ada@example.com")))

    _, found, _ = console.call("POST", "/v1/suppressions/check", {"email": typed})
    _, listed, _ = console.call("GET", "/v1/suppressions", unmatched="true")

    assert (found["address"], found["suppressed"]) == ("grace@example.com", False)
    assert [(entry["reading"], entry["effective"]) for entry in found["entries"]] == [("as typed", False)]
    assert [item["contact"] for item in listed["items"]] == [junk.hex()]
    assert console.call("GET", "/v1/suppressions", unmatched="perhaps")[0] == 400


def test_a_configuration_of_a_later_release_is_shown_and_answered_in_words(
    console: Console, database: TestDatabase
) -> None:
    database.run(
        "INSERT INTO configs (version, hash, document, templates, compiled, applied_by)"
        """ VALUES (1, '', 'version: 1', '{}', '{"must_understand": ["moon phases"]}', 'later')"""
    )

    code, problem, _ = console.call("GET", "/v1/accounts")

    assert (code, "moon phases" in problem["detail"]) == (503, True)
    assert console.call("GET", "/v1/config")[0] == 200


@pytest.mark.point(21)
def test_dead_letters_are_shown_and_sent_again_but_never_thrown_away(console: Console) -> None:
    dead = Queue(console.services.sqs, console.services.settings.dlq_url)
    effect = uuid4()
    dead.notify(effects=[effect])
    dead.put("not a wake-up message")

    _, listed, _ = console.call("GET", "/v1/dlq")
    _, redriven, _ = console.call("POST", "/v1/dlq/redrive")

    assert listed["count"] == 2
    assert sorted(item["effects"] for item in listed["items"]) == [[], [str(effect)]]
    assert redriven == {"rung": 1, "foreign": 1, "left": 1}
    assert console.notified() == [WakeUp(effects=(effect,))]


def test_a_paused_account_says_why_and_goes_on_when_resumed(console: Console, database: TestDatabase) -> None:
    applied(database)
    effect = waiting(database)
    put_back = opening(
        claimed(database, effect),
        "waiting",
        wait=300.0,
        reason=Reason(ReasonCode.CREDENTIALS_REFUSED, "401 key revoked"),
    )
    attempts_sql.open_attempts(database, [put_back])
    refused = Reason(ReasonCode.CREDENTIALS_REFUSED, "401 key revoked")
    account_states.report(database, [Report("mail", answered=False, at_once=True, pause=300.0, reason=refused)])

    _, before, _ = console.call("GET", "/v1/accounts")
    code, resumed, _ = console.call("POST", "/v1/accounts/mail/resume")
    _, after, _ = console.call("GET", "/v1/accounts")

    assert (before["items"][0]["state"], before["items"][0]["reason"]) == ("paused", "401 key revoked")
    assert before["items"][0]["reasonCode"] == "credentials_refused"
    assert (code, resumed["effects"], resumed["left"]) == (200, 1, False)
    assert after["items"][0]["state"] == "running"
    assert console.notified() == [WakeUp(effects=(effect,))]
    assert claimed(database, effect)
    assert console.call("POST", "/v1/accounts/missing/resume")[0] == 404


def test_resuming_does_not_wait_for_what_a_release_before_did_not_understand(
    console: Console, database: TestDatabase
) -> None:
    applied(database)
    effect = waiting(database)
    put_back = opening(claimed(database, effect), "waiting", wait=300.0, reason=Reason(ReasonCode.NOT_UNDERSTOOD))
    attempts_sql.open_attempts(database, [put_back])

    _, resumed, _ = console.call("POST", "/v1/accounts/mail/resume")

    assert resumed["effects"] == 1
    assert claimed(database, effect)


def test_resuming_leaves_planned_delays_alone(console: Console, database: TestDatabase) -> None:
    applied(database)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    waiting(database, due_at=tomorrow)

    console.call("POST", "/v1/accounts/mail/resume")

    assert database.run("SELECT due_at FROM effects") == [{"due_at": tomorrow}]
