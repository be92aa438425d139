"""An hour in which nothing happens, with a scraper and pages that poll: Postgres is asked nothing."""

from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families
from redis import Redis

from drumbeat.audit import watch
from drumbeat.configuration.apply import apply
from drumbeat.delivery.deliver import deliver
from drumbeat.ingest import sql as ingest_sql
from drumbeat.local.servers import Valkey
from drumbeat.observability import snapshot
from drumbeat.relay.sweep import Summary, sweep
from drumbeat.wakeups.queue import WakeUp
from tests.conftest import TestDatabase
from tests.functions.console import Console, build_services, close
from tests.store.audit.test_verify import arrival
from tests.store.relay.sample_deployment import MINUTE, ManualClock

HOUR = 60
SETTLED = 20  # minutes after which a relay that found an empty index has looked twice


@pytest.fixture
def console(
    database: TestDatabase, redis: "Redis", valkey: Valkey, sqs_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Console]:
    services = build_services(database, valkey.url, sqs_endpoint, monkeypatch)
    services.clock = ManualClock()
    apply("version: 1\naccounts: {}\nflows: {}\n", {}, actor="test", services=services)
    yield Console(services)
    close(services)


def minute(console: Console) -> Summary:
    """Let a minute pass, at the end of which the relay comes."""
    clock = console.services.clock
    assert isinstance(clock, ManualClock)
    clock.sleep(MINUTE)
    return sweep(console.services, look=watch.look)


def settled(console: Console) -> None:
    for _ in range(SETTLED):
        minute(console)


def test_an_idle_hour_with_a_scraper_asks_postgres_nothing(console: Console) -> None:
    settled(console)
    key = console.key("read")
    console.call("GET", "/metrics", key=key)
    asked = console.services.db.round_trips

    answers = []
    for _ in range(HOUR):
        assert minute(console).idle
        answers.append(console.call("GET", "/metrics", key=key))
        assert snapshot.kept(console.services) is not None  # as pages poll

    assert console.services.db.round_trips == asked
    assert {code for code, _, _ in answers} == {200}
    ages = [age(text) for _, text, _ in answers]
    assert ages == sorted(ages)
    assert ages[-1] - ages[0] == (HOUR - 1) * MINUTE


def test_what_a_worker_did_is_seen_after_one_look_and_looks_end_with_it(console: Console) -> None:
    settled(console)
    key = console.key("read")
    event = arrival()
    ingest_sql.record(console.services.db, event)
    deliver([WakeUp(events=(event.id,))], console.services, lambda: 50.0)

    looked = minute(console)
    shown = console.call("GET", "/metrics", key=key)[1]

    assert (looked.looked, age(shown)) == (True, 0.0)
    assert 'drumbeat_events_24h{status="attention"} 1' in shown  # it names a list that there is not
    assert [minute(console).idle for _ in range(3)] == [True] * 3


def age(text: str) -> float:
    (family,) = [each for each in text_string_to_metric_families(text) if each.name == "drumbeat_snapshot_age_seconds"]
    return family.samples[0].value
