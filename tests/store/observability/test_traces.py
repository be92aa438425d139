"""Traces from a real ledger to a collector over real HTTP."""

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from drumbeat.core import tracing
from drumbeat.core.errors import SettingsError
from drumbeat.core.reasons import Reason, ReasonCode
from drumbeat.core.status import Status
from drumbeat.delivery import attempts_sql
from drumbeat.infrastructure.settings import Settings
from drumbeat.observability.traces import export as export_module
from drumbeat.observability.traces.export import Exported, export
from drumbeat.services import Services
from tests.collectors import FakeCollector, attributes, collecting, incomplete, names
from tests.conftest import TestDatabase
from tests.store import rows
from tests.store.relay.sample_deployment import ManualClock

URL_IDENTITY = "mailgun https://api.mailgun.net mg.example.com"
SECONDS = 5.0
OUTSIDE = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"  # trace and span of a sender


@dataclass
class Site:
    """A ledger, a collector, and a process that exports."""

    db: TestDatabase
    collector: FakeCollector
    services: Services

    def export(self, seconds: float = SECONDS) -> Exported:
        return export(self.services, seconds)

    def accepted(self, step: str = "hello") -> UUID:
        effect = rows.sending(self.db, step=step)
        close = rows.closing(effect, "accepted", Status.ACCEPTED, identity=URL_IDENTITY)
        attempts_sql.close_attempts(self.db, [close])
        return effect.id

    def pass_time(self, **by: float) -> None:
        with psycopg.connect(self.db.admin_url, autocommit=True) as admin:
            admin.execute("UPDATE clock SET shift = shift + %s", (timedelta(**by),))


def services_for(db: TestDatabase, **environment: str) -> Services:
    settings = {"DATABASE_URL": db.url, "DRUMBEAT_LOCAL": "1", "DRUMBEAT_SECRET": "for tests", "STAGE": "prod"}
    services = Services(Settings.from_env(settings | environment), ManualClock())
    services.__dict__["db"] = db
    return services


@pytest.fixture
def site(database: TestDatabase) -> Iterator[Site]:
    with collecting() as collector:
        yield Site(database, collector, services_for(database, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url))


def test_an_effect_that_was_accepted_is_one_trace_linked_to_that_of_its_event(site: Site) -> None:
    effect = site.accepted()

    site.export()

    event = site.db.run("SELECT event_id FROM effects")[0]["event_id"]
    whole, wait, attempt = site.collector.trace(effect.hex)
    assert names([whole, wait, attempt]) == ["effect send_email", "wait", "attempt"]
    assert (wait["parentSpanId"], attempt["parentSpanId"]) == (whole["spanId"], whole["spanId"])
    assert whole["status"] == attempt["status"] == {"code": 1}
    assert whole["links"][0]["traceId"] == event.hex
    assert attributes(whole) == {
        "drumbeat.effect.id": str(effect),
        "drumbeat.event.id": str(event),
        "drumbeat.flow": "welcome",
        "drumbeat.step": "hello",
        "drumbeat.account": "mail",
        "drumbeat.action": "send_email",
        "drumbeat.campaign": False,
        "drumbeat.version": "1",
        "drumbeat.status": "accepted",
    }
    assert names(site.collector.trace(event.hex)) == ["event LEAD_CAPTURE", "receive", "plan"]
    assert site.collector.trace(event.hex)[0]["spanId"] == whole["links"][0]["spanId"]


def test_what_is_exported_again_is_the_same(site: Site) -> None:
    site.accepted()
    site.export()
    (first,) = site.collector.bodies

    with psycopg.connect(site.db.admin_url, autocommit=True) as admin:
        admin.execute("UPDATE trace_exports SET tx = '0'")
    site.export()

    assert site.collector.bodies == [first, first]


def test_what_was_exported_is_not_exported_again(site: Site) -> None:
    site.accepted()

    assert site.export().spans == 6
    assert site.export().spans == 0
    assert site.collector.posts == 1


def test_each_try_is_a_wait_and_an_attempt_with_its_reason(site: Site) -> None:
    effect = rows.sending(site.db)
    throttled = Reason(ReasonCode.PAUSED, "ada@example.com: too many")
    back = rows.closing(effect, "throttled", Status.WAITING, reason=throttled, learned=throttled)
    attempts_sql.close_attempts(site.db, [back])
    again = rows.claimed(site.db, effect.id)
    limited = rows.opening(again, "waiting", reason=Reason(ReasonCode.RATE_LIMITED))
    attempts_sql.open_attempts(site.db, [limited])
    last = rows.claimed(site.db, effect.id)
    attempts_sql.open_attempts(site.db, [rows.opening(last, identity=URL_IDENTITY)])
    refused = Reason(ReasonCode.REFUSED_BY_PROVIDER, "no such address: ada@example.com")
    attempts_sql.close_attempts(
        site.db, [rows.closing(last, "refused", Status.REFUSED, reason=refused, learned=refused)]
    )

    site.export()

    whole, *parts = site.collector.trace(effect.id.hex)
    assert sorted(names(parts)) == ["attempt", "attempt", "wait", "wait"]
    assert (whole["status"], attributes(whole)["error.type"]) == ({"code": 2}, "refused_by_provider")
    first, second = [attributes(part) for part in parts if part["name"] == "attempt"]
    assert (first["drumbeat.outcome"], first["error.type"]) == ("throttled", "paused")
    assert (second["drumbeat.outcome"], second["server.address"]) == ("refused", "api.mailgun.net")
    (waited,) = [part for part in parts if part["name"] == "wait" and "events" in part]
    assert [attributes(one) for one in waited["events"]] == [{"drumbeat.reason": "rate_limited"}]


def test_an_effect_that_ends_without_an_attempt_has_waited(site: Site) -> None:
    effect = rows.claimed(site.db, rows.waiting(site.db))
    suppressed = rows.opening(effect, "cancelled", reason=Reason(ReasonCode.SUPPRESSED, "asked us"))
    attempts_sql.open_attempts(site.db, [suppressed])

    site.export()

    whole, wait = site.collector.trace(effect.id.hex)
    assert (whole["status"], attributes(whole)["drumbeat.reason"]) == ({}, "suppressed")
    assert attributes(wait)["drumbeat.until"] == "cancelled"


def test_an_effect_that_is_redriven_ends_twice_in_one_trace(site: Site) -> None:
    effect = rows.sending(site.db)
    refused = Reason(ReasonCode.REFUSED_BY_PROVIDER, "no")
    attempts_sql.close_attempts(site.db, [rows.closing(effect, "refused", Status.REFUSED, reason=refused)])
    site.export()
    redriven(site.db, effect.id)
    again = rows.claimed(site.db, effect.id)
    attempts_sql.open_attempts(site.db, [rows.opening(again)])
    attempts_sql.close_attempts(site.db, [rows.closing(again, "accepted", Status.ACCEPTED)])

    site.export()

    spans = site.collector.trace(effect.id.hex)
    first, second = [span for span in spans if span["name"].startswith("effect")]
    assert (first["status"]["code"], second["status"]["code"]) == (2, 1)
    assert second["parentSpanId"] == first["spanId"]
    assert sorted(names(spans)) == [*["attempt"] * 2, *["effect send_email"] * 2, *["wait"] * 2]
    assert incomplete(site.collector, [effect.id.hex]) == []


def redriven(db: TestDatabase, effect: UUID) -> None:
    with psycopg.connect(db.admin_url, autocommit=True) as admin:
        admin.execute(
            """WITH moved AS (UPDATE effects SET status = 'waiting', seq = seq + 1, generation = generation + 1,
                                     due_at = drumbeat_now(), reason = NULL, reason_code = NULL
                               WHERE id = %s RETURNING id, seq, fence)
               INSERT INTO journal (effect_id, seq, from_status, to_status, fence, actor)
               SELECT id, seq, 'refused', 'waiting', fence, 'key' FROM moved""",
            (effect,),
        )


def test_looks_and_late_answers_are_below_their_attempt(site: Site) -> None:
    effect = site.accepted()
    for origin, kind in (("look", "absent"), ("late", "accepted")):
        site.db.run(
            "INSERT INTO outcomes (effect_id, n, generation, identity, origin, kind) VALUES (%s, 1, 1, %s, %s, %s)",
            (effect, URL_IDENTITY, origin, kind),
        )

    site.export()

    spans = {span["name"]: span for span in site.collector.trace(effect.hex)}
    assert spans["look-up"]["parentSpanId"] == spans["late answer"]["parentSpanId"] == spans["attempt"]["spanId"]


def test_a_report_that_comes_later_is_a_further_span_of_the_trace(site: Site) -> None:
    effect = site.accepted()
    site.export()
    report = rows.recorded(site.db, type="FEEDBACK", door="webhook")
    site.db.run(
        """INSERT INTO feedback (account, name, event_id, kind, word, said, at, effect_id, generation, machine)
           VALUES ('mail', 'n', %s, 'bounced', 'hard', 'ada@example.com is unknown', drumbeat_now(), %s, 1, false)""",
        (report, effect),
    )

    assert site.export().spans == 1

    whole, *_, last = site.collector.trace(effect.hex)
    assert (last["name"], last["parentSpanId"]) == ("feedback bounced", whole["spanId"])
    assert last["links"][0]["traceId"] == report.hex


def test_an_event_continues_the_trace_of_its_sender(site: Site) -> None:
    trace, span = OUTSIDE
    effect = site.accepted()
    with psycopg.connect(site.db.admin_url, autocommit=True) as admin:
        sender = tracing.parsed(f"00-{trace}-{span}-01")
        assert sender is not None
        admin.execute("UPDATE events SET trace = %s", (sender.stored,))

    site.export()

    whole, *parts = site.collector.trace(trace)
    assert (whole["name"], whole["parentSpanId"], whole["flags"]) == ("event LEAD_CAPTURE", span, 0x300)
    assert names(parts) == ["receive", "plan"]
    assert site.collector.trace(effect.hex)[0]["links"][0]["traceId"] == trace


def test_what_commits_late_is_passed_over_by_no_cursor(site: Site) -> None:
    slow = rows.sending(site.db)
    with psycopg.connect(site.db.url) as session, session.transaction():
        session.execute(
            "INSERT INTO journal (effect_id, seq, from_status, to_status, fence, actor)"
            " VALUES (%s, 4, 'sending', 'accepted', 1, 'worker')",
            (slow.id,),
        )
        quick = site.accepted()
        site.export()
        before = [effect for effect in (slow.id, quick) if site.collector.trace(effect.hex)]
    site.export()

    assert before == []
    assert incomplete(site.collector, [slow.id.hex, quick.hex]) == []


def test_while_the_collector_is_away_nothing_is_lost_and_it_resumes_where_it_stopped(site: Site) -> None:
    first = site.accepted()
    site.export()
    site.collector.status = 503
    second = site.accepted()
    away = site.export()
    posts = site.collector.posts
    still = site.export()
    site.collector.status = 200
    site.pass_time(seconds=61)
    third = site.accepted()

    back = site.export()

    assert (away.spans, away.rests) == (0, True)
    assert (still.rests, site.collector.posts) == (True, posts + 1)
    assert back.spans == 12
    assert incomplete(site.collector, [one.hex for one in (first, second, third)]) == []
    assert len(site.collector.spans) == len(site.collector.distinct)


def test_it_is_left_alone_for_longer_after_each_failure(site: Site) -> None:
    site.accepted()
    site.collector.status = 500
    waits = []

    for _ in range(8):
        site.export()
        (row,) = site.db.run("SELECT max(retry_at) - drumbeat_now() AS wait FROM trace_exports")
        waits.append(round(row["wait"].total_seconds()))
        site.pass_time(seconds=waits[-1] + 1)

    assert waits == [60, 120, 240, 480, 960, 1920, 3600, 3600]


def test_it_is_left_alone_for_as_long_as_it_asks(site: Site) -> None:
    site.accepted()
    site.collector.status, site.collector.answer_headers = 429, {"Retry-After": "600"}

    site.export()

    (row,) = site.db.run("SELECT max(retry_at) - drumbeat_now() AS wait FROM trace_exports")
    assert row["wait"] > timedelta(seconds=590)


def test_a_collector_that_hangs_is_given_up_in_time(site: Site) -> None:
    services = services_for(site.db, OTEL_EXPORTER_OTLP_ENDPOINT=site.collector.url, OTEL_EXPORTER_OTLP_TIMEOUT="300")
    effect = site.accepted()
    site.collector.hangs.set()

    hung = export(services, SECONDS)
    site.collector.hangs.clear()
    site.collector.resumes.set()
    site.pass_time(seconds=61)
    export(services, SECONDS)

    assert (hung.spans, hung.rests) == (0, True)
    assert incomplete(site.collector, [effect.hex]) == []


def test_one_that_is_too_slow_for_large_requests_gets_smaller_ones(site: Site) -> None:
    effects = [site.accepted() for _ in range(12)]
    with psycopg.connect(site.db.admin_url, autocommit=True) as admin:
        admin.execute("UPDATE trace_exports SET failures = 9")

    site.export()

    assert len(site.collector.bodies) > 1
    assert max(map(len, site.collector.bodies)) < 17 * 1024
    assert incomplete(site.collector, [effect.hex for effect in effects]) == []


def test_a_port_where_nothing_answers_is_as_a_collector_that_is_away(database: TestDatabase) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        services = services_for(database, OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{closed.getsockname()[1]}")
        rows.waiting(database)

        done = export(services, SECONDS)

    assert (done.spans, done.rests) == (0, True)


def test_what_it_did_not_keep_of_what_it_took_is_counted_and_not_sent_again(site: Site) -> None:
    site.accepted()
    site.collector.answer = {"partialSuccess": {"rejectedSpans": "2", "errorMessage": "ada@example.com"}}

    done = site.export()

    assert (done.spans, done.rejected, done.rests) == (6, 2, False)
    assert site.export().spans == 0


def test_of_a_request_that_is_too_large_the_halves_are_sent(site: Site) -> None:
    effects = [site.accepted() for _ in range(6)]
    site.collector.most_bytes = 6_000

    assert site.export().spans == 36
    assert incomplete(site.collector, [effect.hex for effect in effects]) == []


def test_a_row_that_it_refuses_is_passed_over_once_it_takes_a_later_one(site: Site) -> None:
    good, bad = site.accepted(), site.accepted()
    site.collector.refuses = bad.hex.encode()

    first = site.export()
    site.pass_time(seconds=61)
    later = site.accepted()
    second = site.export()

    assert (first.refused, first.rests) == (1, True)
    assert (second.refused, second.rests) == (1, False)
    assert site.db.run("SELECT max(failures) AS n FROM trace_exports") == [{"n": 0}]
    assert incomplete(site.collector, [good.hex, later.hex]) == []
    assert site.collector.trace(bad.hex) == []


def test_one_that_refuses_everything_loses_nothing(site: Site) -> None:
    effects = [site.accepted() for _ in range(20)]
    site.collector.status = 400

    refused = site.export()
    posts = site.collector.posts
    site.collector.status = 200
    site.pass_time(seconds=61)
    site.export()

    assert (refused.spans, refused.rests) == (0, True)
    assert posts < 20
    assert incomplete(site.collector, [effect.hex for effect in effects]) == []


@pytest.mark.parametrize("rows_per_page", [1, 2, 3])
def test_pages_leave_nothing_out(site: Site, monkeypatch: pytest.MonkeyPatch, rows_per_page: int) -> None:
    monkeypatch.setattr(export_module, "ROWS_PER_PAGE", rows_per_page)
    effects = [site.accepted() for _ in range(7)]

    assert site.export().spans == 42
    assert incomplete(site.collector, [effect.hex for effect in effects]) == []
    assert len(site.collector.spans) == len(site.collector.distinct)


def test_with_no_time_left_nothing_is_begun(site: Site) -> None:
    site.accepted()

    assert site.export(seconds=0.4) == Exported()
    assert site.collector.posts == 0


def test_without_a_collector_the_ledger_is_not_asked(database: TestDatabase) -> None:
    before = database.round_trips

    assert export(services_for(database), SECONDS) == Exported()
    assert database.round_trips == before


def test_a_ledger_that_was_moved_to_another_server_is_exported_anew(site: Site) -> None:
    effect = site.accepted()
    with psycopg.connect(site.db.admin_url, autocommit=True) as admin:
        admin.execute("UPDATE trace_exports SET tx = '9000000000'")

    site.export()

    assert incomplete(site.collector, [effect.hex]) == []
    assert site.export().spans == 0


def test_no_trace_has_anything_of_a_person(site: Site) -> None:
    told = Reason(ReasonCode.REFUSED_BY_PROVIDER, "no such address: ada@example.com")
    event = rows.recorded(site.db, key="ada@example.com", body=b'{"email": "ada@example.com"}')
    rows.planned(site.db, rows.new_effect(event, contact=None, claim=False))
    effect = rows.claimed(site.db, site.db.run("SELECT id FROM effects")[0]["id"])
    attempts_sql.open_attempts(site.db, [rows.opening(effect)])
    closing = rows.closing(effect, "refused", Status.REFUSED, reason=told, learned=told, reference="ada@example.com")
    attempts_sql.close_attempts(site.db, [closing])
    report = rows.recorded(site.db, type="FEEDBACK", door="webhook")
    site.db.run(
        """INSERT INTO feedback (account, name, event_id, kind, word, said, at, effect_id, generation, reference,
                                 machine)
           VALUES ('mail', 'ada@example.com', %s, 'bounced', 'ada@', 'ada@example.com', drumbeat_now(), %s, 1, 'ada',
                   false)""",
        (report, effect.id),
    )

    site.export()

    assert site.collector.spans
    assert not any(b"ada" in body for body in site.collector.bodies)


def test_the_standard_variables_say_where_and_as_what(database: TestDatabase) -> None:
    with collecting() as collector:
        services = services_for(
            database,
            OTEL_EXPORTER_OTLP_ENDPOINT=f"{collector.url}/base/",
            OTEL_EXPORTER_OTLP_HEADERS="api-key=a%3Db,x-tenant=one",
            OTEL_SERVICE_NAME="marketing",
            OTEL_RESOURCE_ATTRIBUTES="team=growth,service.name=other",
        )
        rows.planned(database, rows.new_effect(rows.recorded(database)))

        export(services, SECONDS)

    resource = json.loads(collector.bodies[0])["resourceSpans"][0]["resource"]
    assert collector.path == "/base/v1/traces"
    assert (collector.headers["api-key"], collector.headers["x-tenant"]) == ("a=b", "one")
    assert attributes(resource)["service.name"] == "marketing"
    assert attributes(resource)["team"] == "growth"
    assert attributes(resource)["deployment.environment.name"] == "prod"


def test_a_header_that_cannot_be_sent_is_named_without_its_value(
    database: TestDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    services = services_for(
        database, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1", OTEL_EXPORTER_OTLP_HEADERS="key=top%0asecret"
    )

    with pytest.raises(SettingsError, match="'key'") as error:
        services.collector()

    assert "secret" not in str(error.value)
    assert export(services, SECONDS).rests


def test_without_a_collector_they_can_be_lines_of_a_file(database: TestDatabase, tmp_path: Path) -> None:
    file = tmp_path / "telemetry/traces.jsonl"
    services = services_for(database, DRUMBEAT_TELEMETRY_FILE=str(file))
    for _ in range(2):
        rows.waiting(database)
        export(services, SECONDS)

    assert [json.loads(line)["resourceSpans"] != [] for line in file.read_text().splitlines()] == [True, True]
