"""Single events over the API: `POST /v1/events`."""

import json
import sys
from datetime import UTC, datetime
from uuid import UUID

import pytest
from psycopg.types.json import Jsonb

from drumbeat.access import sql as stored_keys
from drumbeat.core import ids
from drumbeat.ingest import catalog
from functions.ingest import app
from tests.functions.doors import Doors, lead, make_unreachable


def test_an_event_is_recorded_with_its_body_and_notified(doors: Doors) -> None:
    body = b'{"type":"LEAD_CAPTURE", "source":"crm","payload":{"n":1},"idempotencyKey":"order-1"}'

    answer = doors.post("/v1/events", body)

    id = ids.event_id("crm", "order-1")
    assert (answer.status, answer.body) == (202, {"eventId": str(id), "status": "recorded"})
    (event,) = doors.events()
    assert (event["id"], event["door"], event["body"]) == (id, "api", body)
    assert doors.notified() == [id]


def test_the_due_entry_is_set_before_the_commit(doors: Doors) -> None:
    id = doors.post("/v1/events", lead()).body["eventId"]

    assert doors.services.due_index.due(doors.services.clock.now().timestamp() + 61).members == {f"event:{id}"}


@pytest.mark.point(9)
def test_a_repeat_gives_the_same_id_and_costs_no_query(doors: Doors) -> None:
    first = doors.post("/v1/events", lead("order-1"))
    doors.notified()
    before = doors.services.db.round_trips

    again = doors.post("/v1/events", lead("order-1"))

    assert (again.status, again.body) == (200, first.body)
    assert again.headers["idempotent-replayed"] == "true"
    assert doors.services.db.round_trips == before
    assert doors.notified() == []


def test_a_first_event_costs_one_query(doors: Doors) -> None:
    doors.post("/v1/events", lead())  # reads the configuration
    before = doors.services.db.round_trips

    doors.post("/v1/events", lead())

    assert doors.services.db.round_trips == before + 1


def test_a_repeat_that_redis_has_forgotten_is_still_a_repeat(doors: Doors) -> None:
    doors.post("/v1/events", lead("order-1"))
    doors.redis.flushall()

    again = doors.post("/v1/events", lead("order-1"))

    assert (again.status, again.headers["idempotent-replayed"]) == (200, "true")
    assert len(doors.events()) == 1


def test_the_order_of_fields_and_white_space_make_no_other_body(doors: Doors) -> None:
    doors.post("/v1/events", b'{"type":"LEAD_CAPTURE","source":"a","payload":{"x":1,"y":2.0},"idempotencyKey":"k"}')

    again = doors.post(
        "/v1/events", b'{"idempotencyKey":"k", "payload":{"y":2,"x":1},"source":"a", "type":"LEAD_CAPTURE"}'
    )

    assert again.status == 200


@pytest.mark.point(4)
@pytest.mark.parametrize("forgotten", [False, True])
def test_the_same_key_with_another_body_is_refused_and_names_the_first(doors: Doors, forgotten: bool) -> None:
    first = doors.post("/v1/events", lead("order-1", payload={"n": 1}))
    if forgotten:
        doors.redis.flushall()

    other = doors.post("/v1/events", lead("order-1", payload={"n": 2}))

    assert other.status == 422
    assert other.headers["content-type"] == "application/problem+json"
    assert other.body["type"] == "urn:drumbeat:problem:idempotency-key-reused"
    assert other.body["eventId"] == first.body["eventId"]
    assert first.body["eventId"] in other.body["detail"]
    (event,) = doors.events()
    assert b'"n": 1' in event["body"]


def test_the_refused_body_is_refused_again_while_the_first_is_welcome(doors: Doors) -> None:
    doors.post("/v1/events", lead("order-1", payload={"n": 1}))

    statuses = [doors.post("/v1/events", lead("order-1", payload={"n": n})).status for n in (2, 2, 1)]

    assert statuses == [422, 422, 200]


def test_the_key_may_come_as_a_header(doors: Doors) -> None:
    body = lead()
    del body["idempotencyKey"]

    answer = doors.post("/v1/events", body, headers={"Idempotency-Key": "order-1"})

    assert answer.body["eventId"] == str(ids.event_id("crm", "order-1"))


def test_two_different_keys_are_refused(doors: Doors) -> None:
    differing = doors.post("/v1/events", lead("one"), headers={"Idempotency-Key": "two"})
    agreeing = doors.post("/v1/events", lead("one"), headers={"Idempotency-Key": "one"})

    assert differing.status == 400
    assert "differ" in differing.body["detail"]
    assert agreeing.status == 202
    assert [row["key"] for row in doors.events()] == ["one"]


NO_ONE_KEY = ["", "a,b", "one,one", ",", "x" * 256, "tab\there", "caf\u00e9", "caf\N{REPLACEMENT CHARACTER}", "\u200b"]


@pytest.mark.parametrize("header", NO_ONE_KEY)
@pytest.mark.parametrize("path", ["/v1/events", "/v1/events/batch"])
def test_a_key_in_a_header_comes_once_and_is_plain(doors: Doors, path: str, header: str) -> None:
    events = [{name: value for name, value in lead().items() if name != "idempotencyKey"}, lead("one,one")]

    answers = [
        doors.post(path, event if path == "/v1/events" else {"events": [event]}, headers={"Idempotency-Key": header})
        for event in events
    ]

    assert [answer.status for answer in answers] == [400, 400]
    assert "Idempotency-Key has to come once" in answers[0].body["detail"]
    assert doors.events() == []


@pytest.mark.parametrize("key", ["a,b", "caf\u00e9", "~ -+!"])
def test_a_key_in_the_body_may_be_any_printable_text(doors: Doors, key: str) -> None:
    assert [doors.post("/v1/events", lead(key)).status for _ in range(2)] == [202, 200]


def test_an_api_key_comes_once(doors: Doors) -> None:
    twice = f"Bearer {doors.key()},Bearer {doors.key()}"

    answer = doors.post("/v1/events", lead(), key=None, headers={"Authorization": twice})

    assert answer.status == 401
    assert doors.events() == []


@pytest.mark.point(11)
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("idempotency_key", "idempotency_key: is not known here; did you mean idempotencyKey?"),
        ("zzz", "zzz: is not known here; there are consent, idempotencyKey, payload, scheduledAt, source, type"),
        ("x" * 65, "is not known here; leave it out"),
    ],
)
def test_a_field_that_there_is_not_is_answered_with_the_one_that_was_meant(doors: Doors, name: str, said: str) -> None:
    answer = doors.post("/v1/events", {**lead(), name: "k"})

    assert answer.status == 400
    assert said in answer.body["detail"]
    assert doors.events() == []


def test_an_event_without_a_key_is_refused(doors: Doors) -> None:
    body = lead()
    del body["idempotencyKey"]

    answer = doors.post("/v1/events", body)

    assert answer.status == 400
    assert "idempotencyKey is missing" in answer.body["detail"]
    assert doors.events() == []


def test_a_scheduled_time_is_kept_in_utc(doors: Doors) -> None:
    doors.post("/v1/events", lead(scheduledAt="2030-06-01T12:00:00+02:00"))

    (event,) = doors.events()
    assert event["scheduled_at"] == datetime(2030, 6, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize("token", [None, "nonsense", "drumbeat.shop.ingest.AAAA", "drumbeat.shop.ingest+operate.é"])
def test_a_caller_without_a_good_key_is_refused(doors: Doors, token: str | None) -> None:
    answer = doors.post("/v1/events", lead(), key=token)

    assert answer.status == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert doors.events() == []


def test_a_key_without_the_scope_is_refused(doors: Doors) -> None:
    assert doors.post("/v1/events", lead(), key=doors.key("read", "operate")).status == 403


def test_a_revoked_key_is_refused_in_the_insert(doors: Doors) -> None:
    stored_keys.add(doors.ledger, "shop", "Shop", ["ingest"], actor="person:ada")
    assert doors.post("/v1/events", lead()).status == 202
    stored_keys.revoke(doors.ledger, "shop", actor="person:ada")

    answer = doors.post("/v1/events", lead())
    batch = doors.post("/v1/events/batch", {"events": [lead()]})

    assert (answer.status, batch.status) == (401, 401)
    assert len(doors.events()) == 1


def test_a_campaigns_name_is_not_for_the_api(doors: Doors) -> None:
    doors.configure()
    digest = {"schedule": "rate(1 day)", "timezone": "UTC", "on_gap": "shift"}
    doors.ledger.run(
        "INSERT INTO configs (version, hash, document, templates, compiled, applied_by)"
        " SELECT 2, '', '', '{}', compiled || %s, 'test' FROM configs",
        [Jsonb({"campaigns": {"digest": digest}})],
    )
    catalog.announce(doors.services)

    assert doors.post("/v1/events", lead(source="digest")).status == 403
    [result] = doors.post("/v1/events/batch", {"events": [lead(source="digest")]}).body["results"]
    assert result["status"] == 403
    assert doors.post("/v1/webhooks/digest", {}).status == 404
    make_unreachable(doors.services)
    app.door.cache_clear()
    app.single.cache_clear()
    assert doors.post("/v1/events", lead(source="digest")).status == 403  # while Postgres is unreachable, too


def test_a_configured_source_is_not_for_the_api(doors: Doors) -> None:
    doors.configure(shop={"scheme": "github"})

    assert doors.post("/v1/events", lead(source="shop")).status == 403
    assert doors.post("/v1/events", lead(source="crm")).status == 202


def agreed(*consent: object, type: str = "LEAD_CAPTURE", source: str = "crm") -> dict[str, object]:
    return lead("signed-up", source=source) | {
        "type": type,
        "payload": {"email": "ada@example.com"},
        "consent": list(consent),
    }


@pytest.fixture
def with_lists(doors: Doors) -> Doors:
    doors.configure()
    lists = {name: {"title": name, "description": "", "confirm": None} for name in ("news", "offers")}
    doors.ledger.run(
        "INSERT INTO configs (version, hash, document, templates, compiled, applied_by)"
        " SELECT 2, '', '', '{}', compiled || %s, 'test' FROM configs",
        [Jsonb({"lists": lists})],
    )
    catalog.announce(doors.services)
    return doors


def test_an_event_may_say_what_its_person_agreed_to(with_lists: Doors) -> None:
    said = agreed({"list": "news", "text": "Yes, each Monday.", "at": "2026-01-31T09:00:00Z"}, {"list": "offers"})

    assert with_lists.post("/v1/events", said).status == 202
    assert with_lists.post("/v1/events", said).status == 200
    other = with_lists.post("/v1/events", agreed({"list": "offers"}))
    assert other.status == 422  # another body under the same key


@pytest.mark.parametrize(
    ("consent", "said"),
    [
        ([{"list": "newz"}], "there is no list newz; did you mean news?"),
        ([{"list": "*"}], "there is no list *"),
        ([], "consent"),
        ([{"list": "news", "kind": "given"}], "kind: is not known here"),
        ([{"list": "news", "at": "yesterday"}], "has to be an RFC 3339 time"),
        ([{"list": 7}], "list"),
        (["news"], "consent"),
        ([{"list": "news"}] * 51, "consent"),
    ],
)
def test_consent_that_means_nothing_is_refused(with_lists: Doors, consent: list[object], said: str) -> None:
    answer = with_lists.post("/v1/events", agreed(*consent))
    [in_batch] = with_lists.post("/v1/events/batch", {"events": [agreed(*consent)]}).body["results"]

    assert answer.status == in_batch["status"] == 400
    assert said in answer.body["detail"]
    assert with_lists.events() == []


@pytest.mark.parametrize(
    "payload", [{}, {"name": "Ada"}, {"email": ""}, {"email": "ada"}, {"email": ["ada@example.com"]}]
)
def test_consent_of_no_one_is_refused(with_lists: Doors, payload: dict[str, object]) -> None:
    answer = with_lists.post("/v1/events", agreed({"list": "news"}) | {"payload": payload})

    assert answer.status == 400
    assert "payload.email names none" in answer.body["detail"]


def test_consent_belongs_to_a_lead_and_our_own_sources_to_us(with_lists: Doors) -> None:
    post = agreed({"list": "news"}, type="CONTENT_PUBLISH")

    assert with_lists.post("/v1/events", post).status == 400
    assert with_lists.post("/v1/events", lead(source="drumbeat:import")).status == 403
    assert with_lists.post("/v1/events", lead() | {"type": "CONSENT"}).status == 400


def test_an_unknown_path_is_a_problem(doors: Doors) -> None:
    answer = doors.post("/v1/nothing", {})

    assert (answer.status, answer.body["type"]) == (404, "urn:drumbeat:problem:not-found")


def test_an_unexpected_error_is_a_problem_without_anything_of_the_request(
    doors: Doors, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.logger.registered_handler, "stream", sys.stdout)

    class Broken:
        def ingest(self, *_: object, **__: object) -> None:
            raise RuntimeError("ada@example.com")

    with monkeypatch.context() as patch:
        patch.setattr(app, "single", Broken)
        answer = doors.post("/v1/events", lead())

    assert (answer.status, answer.body["type"]) == (500, "urn:drumbeat:problem:internal")
    logged = capsys.readouterr().out
    assert "RuntimeError" in logged
    assert "ada@example.com" not in logged


def test_the_log_has_the_event_and_nothing_personal(
    doors: Doors, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.logger.registered_handler, "stream", sys.stdout)
    id = UUID(doors.post("/v1/events", lead()).body["eventId"])

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    assert any(line.get("correlation_id") == str(id) for line in lines)
    assert any(line.get("EventsRecorded") == [1.0] for line in lines)
    assert "ada@example.com" not in json.dumps(lines)
