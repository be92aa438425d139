"""Traces in a sweep: exported last, whatever that comes to, and never what wakes a database."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from drumbeat.infrastructure.trace_settings import TraceSettings
from drumbeat.relay.sweep import sweep
from drumbeat.wakeups.ledger_rest import KEY, LedgerRest
from drumbeat.wakeups.queue import WakeUp
from tests.collectors import FakeCollector, collecting
from tests.store.relay.sample_deployment import HOUR, MINUTE, SampleDeployment

SLEEPS_AFTER = 300.0


@pytest.fixture
def collector() -> Iterator[FakeCollector]:
    with collecting() as collector:
        yield collector


@pytest.fixture
def traced(deployment: SampleDeployment, collector: FakeCollector) -> SampleDeployment:
    deployment.configured()
    tell(deployment, f"{collector.url}/v1/traces")
    deployment.services.due_index.watch(full_at=deployment.now() + 100 * HOUR)
    return deployment


def tell(deployment: SampleDeployment, url: str) -> None:
    traces = TraceSettings(url, "", 10.0, None, {"service.name": "drumbeat"})
    deployment.services.settings = replace(deployment.services.settings, traces=traces)


def sleeping(deployment: SampleDeployment) -> None:
    services = deployment.services
    services.__dict__["ledger_rest"] = LedgerRest(services.redis, services.clock, SLEEPS_AFTER)


def test_a_sweep_exports_what_is_new(traced: SampleDeployment, collector: FakeCollector) -> None:
    traced.planned()
    traced.overdue()

    assert sweep(traced.services).logged()["spans"] == 3
    assert len(collector.spans) == 3


def test_everything_else_is_done_before_it(traced: SampleDeployment, collector: FakeCollector) -> None:
    effect = traced.effect()
    traced.overdue()
    left: list[frozenset[str]] = []
    notified: list[WakeUp] = []

    def look() -> None:
        left.append(traced.services.due_index.due(traced.now()).members)
        notified.extend(traced.notified())

    collector.answers = look

    sweep(traced.services)

    assert left == [frozenset()]
    assert [each.effects for each in notified] == [(effect,)]


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
def test_a_collector_that_refuses_changes_nothing_else(
    traced: SampleDeployment, collector: FakeCollector, status: int
) -> None:
    collector.status = status
    effect = traced.effect()
    traced.overdue()

    summary = sweep(traced.services)

    assert (summary.effects, summary.spans) == (1, 0)
    assert traced.notified_effects() == {effect}


def test_an_error_in_it_changes_nothing_else(traced: SampleDeployment, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise KeyError("what a person wrote")

    monkeypatch.setattr("drumbeat.observability.traces.export.export", fail)
    effect = traced.effect()
    traced.overdue()

    assert sweep(traced.services).effects == 1
    assert traced.notified_effects() == {effect}


def test_with_little_time_left_it_waits_for_the_next_sweep(traced: SampleDeployment, collector: FakeCollector) -> None:
    traced.planned()
    traced.overdue()

    sweep(traced.services, remaining=lambda: 8.2)

    assert collector.posts == 0


def test_where_the_database_never_sleeps_each_sweep_exports(traced: SampleDeployment, collector: FakeCollector) -> None:
    traced.planned()

    summary = sweep(traced.services)

    assert (summary.idle, summary.spans) == (True, 3)


def test_a_database_that_sleeps_is_woken_for_no_trace(traced: SampleDeployment, collector: FakeCollector) -> None:
    sleeping(traced)
    traced.planned()
    before = traced.db.round_trips

    assert sweep(traced.services).logged() == {"asleep": True}
    assert (traced.db.round_trips, collector.posts) == (before, 0)


def test_one_that_was_used_a_moment_ago_is_asked_once_or_twice_more(
    traced: SampleDeployment, collector: FakeCollector
) -> None:
    sleeping(traced)
    traced.planned()
    traced.services.ledger_rest.used()
    asked = []
    for minute in range(5):
        left = SLEEPS_AFTER - MINUTE - 1 - minute * MINUTE
        traced.redis.pexpire(f"{traced.services.redis_prefix}{KEY}", int(left * 1000))
        before = traced.db.round_trips
        sweep(traced.services)
        asked.append(traced.db.round_trips > before)
        traced.sleep(MINUTE)

    assert asked == [True, True, False, False, False]
    assert len(collector.spans) == 3
