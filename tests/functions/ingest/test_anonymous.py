"""What requests cost that carry no proof: no query, at most one read of Redis a process and minute, a line a minute.

A refused delivery of a configured source costs one write of Redis more, as seldom: its operator is shown why.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from drumbeat.infrastructure.redis import LeanRedis
from drumbeat.infrastructure.secrets import Secrets
from drumbeat.ingest import catalog, webhook
from drumbeat.ingest.rationing import Ration
from drumbeat.ledger.database import Database
from drumbeat.sources.signature import MAX_DELIVERY_BYTES
from functions.ingest import app
from tests.functions.doors import Answer, Doors, lead, make_unreachable
from tests.functions.ingest.test_outages import no_redis
from tests.functions.ingest.test_webhooks import deliver

FORM = b"&".join(b"a%d=1" % number for number in range(500_000))
JUNK = 20


class Calls:
    """Counts what is sent to Postgres, Redis and the parameter store."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.postgres = self.redis = self.secrets = 0
        run, send, get = Database.run, LeanRedis._send, Secrets.get

        def query(*arguments: object) -> object:
            self.postgres += 1
            return run(*arguments)  # type: ignore[arg-type]

        def command(*arguments: object) -> None:
            self.redis += 1
            send(*arguments)  # type: ignore[arg-type]

        def secret(*arguments: object, **options: object) -> str:
            self.secrets += 1
            return get(*arguments, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(Database, "run", query)
        monkeypatch.setattr(LeanRedis, "_send", command)
        monkeypatch.setattr(Secrets, "get", secret)

    @property
    def all(self) -> tuple[int, int, int]:
        return self.postgres, self.redis, self.secrets


@pytest.fixture
def code(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> Doors:
    """A door with two sources, in a process that has not answered yet; the catalogue is where `apply` puts it."""
    monkeypatch.setenv("SESAME", "sesame")
    doors.configure(
        code={"scheme": "github", "secrets": ["env:SESAME"]},
        sms={"scheme": "twilio", "secrets": ["env:SESAME"], "options": {"public_url": "https://x.example"}},
        mail={"scheme": "mailgun", "secrets": ["env:SESAME"]},
    )
    return doors


@pytest.fixture
def calls(code: Doors, monkeypatch: pytest.MonkeyPatch) -> Iterator[Calls]:
    counted = Calls(monkeypatch)
    yield counted
    monkeypatch.undo()


def unknown(doors: Doors) -> Answer:
    return doors.post("/v1/webhooks/x", b"{}", key=None)


@pytest.mark.parametrize(
    ("path", "key", "status", "written"),
    [
        ("/v1/webhooks/x", None, 404, 0),
        ("/v1/webhooks/code", None, 401, 1),
        ("/v1/events", None, 401, 0),
        ("/v1/events", "drumbeat.shop.ingest.forged", 401, 0),
        ("/v1/events/batch", None, 401, 0),
        ("/v1/nothing", None, 404, 0),
    ],
)
def test_it_costs_no_query_and_one_read_of_redis(
    code: Doors, calls: Calls, path: str, key: str | None, status: int, written: int
) -> None:
    answers = [code.post(path, lead("one"), key=key).status for _ in range(JUNK)]

    assert answers == [status] * JUNK
    assert calls.all <= (0, 1 + written, 0)
    assert (calls.postgres, calls.secrets) == (0, 0)


def test_a_delivery_with_a_wrong_signature_costs_no_query(code: Doors, calls: Calls) -> None:
    answers = [deliver(code, secret="wrong").status for _ in range(10)]

    assert answers == [401] * 10
    assert (calls.postgres, calls.redis) == (0, 2)


def test_names_that_nothing_has_share_one_read_of_redis(code: Doors, calls: Calls) -> None:
    for number in range(JUNK):
        assert code.post(f"/v1/webhooks/x{number}", b"{}", key=None).status == 404

    assert (calls.postgres, calls.redis) == (0, 1)


def test_after_a_minute_the_copy_is_read_again_from_redis_alone(code: Doors, calls: Calls) -> None:
    unknown(code)
    app.door().catalog._read_again_at = 0.0
    unknown(code)

    assert (calls.postgres, calls.redis) == (0, 2)


def test_what_redis_has_lost_is_read_once_and_put_back_for_every_process(code: Doors, calls: Calls) -> None:
    code.redis.flushall()
    for _ in range(3):  # processes
        app.door.cache_clear()
        for _ in range(JUNK):
            unknown(code)

    assert calls.postgres == 1


def test_without_redis_a_process_reads_the_ledger_once_a_minute(code: Doors, calls: Calls) -> None:
    no_redis(code)
    for _ in range(JUNK):
        unknown(code)
    once = calls.postgres
    app.door().catalog._read_again_at = 0.0
    for _ in range(JUNK):
        unknown(code)

    assert (once, calls.postgres) == (1, 2)


def test_without_redis_and_ledger_both_are_asked_seldom(code: Doors, calls: Calls) -> None:
    no_redis(code)
    make_unreachable(code.services)

    answers = {unknown(code).status for _ in range(JUNK)}

    assert answers == {503}
    assert calls.postgres == 1


def test_a_delivery_that_proves_itself_brings_what_is_new(code: Doors) -> None:
    """As after `apply` by the release before, or while Redis was away: the copy there is old."""
    code.redis.flushall()
    unknown(code)
    code.services.redis.close()
    old = code.redis.get(code.services.redis.key("{sources}:catalog"))
    code.apply(
        code={"scheme": "github", "secrets": ["env:SESAME"]}, fresh={"scheme": "github", "secrets": ["env:SESAME"]}
    )
    assert isinstance(old, bytes)
    code.redis.set(code.services.redis.key("{sources}:catalog"), old.replace(b'"at": ', b'"at": -'))
    app.door.cache_clear()
    assert deliver(code).status == 202

    assert "fresh" in app.door().catalog.sources()


def test_a_late_writer_does_not_put_an_older_copy_over_a_newer_one(code: Doors) -> None:
    older = catalog.read(code.services)
    code.apply(fresh={"scheme": "github", "secrets": ["env:SESAME"]})
    assert older is not None

    catalog.publish(older, code.services)

    app.door.cache_clear()
    assert set(app.door().catalog.sources()) == {"fresh"}


@pytest.mark.parametrize(
    ("path", "headers", "body", "status"),
    [
        ("/v1/webhooks/sms", {}, FORM, 401),
        ("/v1/webhooks/sms", {"x-twilio-signature": "junk"}, FORM, 413),
        ("/v1/webhooks/mail", {}, b"[" * 400_000, 413),
        ("/v1/webhooks/code", {"x-hub-signature-256": "junk"}, b"x" * (MAX_DELIVERY_BYTES + 9), 413),
    ],
    ids=["unsigned", "a large form", "a large document", "too large for any"],
)
def test_what_is_unsigned_or_too_large_is_refused_before_it_is_decoded(
    code: Doors,
    calls: Calls,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    headers: dict[str, str],
    body: bytes,
    status: int,
) -> None:
    def read(*_: object) -> None:
        raise AssertionError("the body was read")

    monkeypatch.setattr(app, "delivery_of", read)
    monkeypatch.setattr(webhook, "ingest", read)

    assert code.post(path, body, key=None, headers=headers, encoded=True).status == status
    assert (calls.postgres, calls.secrets) == (0, 0)


def test_a_source_may_take_more_or_less_than_its_sender_needs(code: Doors) -> None:
    code.configure(code={"scheme": "github", "secrets": ["env:SESAME"], "max_bytes": 100})

    assert [deliver(code, b"x" * size).status for size in (100, 101)] == [202, 413]


def test_refusals_share_a_line_a_minute_and_name_no_source_that_is_not_configured(
    code: Doors, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr(app.answers, "_refusals", Ration(lambda: now[0]))
    for _ in range(2):  # minutes
        for number in range(JUNK):
            code.post(f"/v1/webhooks/made-up-{number}", b"{}", key=None)
            code.post("/v1/webhooks/code", b"{}", key=None)
            code.post("/v1/events", lead("one"), key=None)
        now[0] += 60

    lines = [(record.problem, record.source, record.count) for record in refusals(caplog)]
    kinds = {("not-found", ""), ("unauthorized", "code"), ("unauthorized", "")}
    assert Counter((problem, source) for problem, source, _ in lines) == dict.fromkeys(kinds, 2)
    assert sorted(count for _, _, count in lines) == [1, 1, 1, JUNK - 1, JUNK - 1, JUNK]
    assert capsys.readouterr().out.count('"DeliveriesRejected":[1.0]') == 1


def test_a_refusal_of_a_known_caller_has_a_line_of_its_own(code: Doors, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        code.post("/v1/events", {"type": "MOON"})

    assert [record.problem for record in refusals(caplog)] == ["invalid-request"] * 3


def refusals(caplog: pytest.LogCaptureFixture) -> list[Any]:
    return [record for record in caplog.records if record.message == "refused"]
