"""A problem of one effect, event, secret or moment does not spread, and ends."""

import contextlib
from typing import LiteralString, override

import psycopg
import pytest
from psycopg.sql import Composed

from drumbeat.core.errors import SecretAway, SecretMissing
from drumbeat.core.reasons import ReasonCode
from drumbeat.delivery import attempts_sql
from drumbeat.infrastructure.secrets import Secrets
from drumbeat.infrastructure.settings import Settings
from drumbeat.ledger.database import Parameters, Row
from tests.faults.oracle import check_promises
from tests.faults.processes import SimulatedDatabase
from tests.faults.runs import Simulate
from tests.faults.sample_deployment import Lead
from tests.faults.simulation import MINUTE, Simulation
from tests.faults.stories import ADA, POST, warm_up

DAMAGED = """
    UPDATE requests SET frozen = 'damaged'
     WHERE effect_id IN (SELECT id FROM effects WHERE step = 'news' AND status = 'waiting')
"""
DOMAIN_MISSING = """
    UPDATE configs SET compiled = jsonb_set(compiled, '{accounts,news,provider}', '"mailgun"')
"""
UNKNOWN_PROVIDER = """
    UPDATE configs SET compiled = jsonb_set(compiled, '{accounts,news,provider}', '"unknown"')
"""
FIELD_MISSING = """
    UPDATE configs SET compiled = jsonb_set(compiled, '{flows,post,steps,0,arguments,body}', '"{{ payload.company }}"')
"""  # `apply` cannot know what an event will lack
INVALID_DELAY = """
    UPDATE configs SET compiled = jsonb_set(compiled, '{flows,post,steps,0,delay}', '"soon"')
"""
OUTSIDE = """
    UPDATE configs SET compiled = jsonb_set(compiled, '{accounts,safe,settings,base_url}', '"http://outside/http/safe"')
"""  # any secret opens the sandbox
STATUSES = "SELECT step, status, reason_code FROM effects WHERE event_id = %s"


class Store(Secrets):
    """A parameter store that answers with one error until it is repaired."""

    def __init__(self, settings: Settings, error: type[SecretMissing]) -> None:
        super().__init__(settings)
        self.error: type[SecretMissing] | None = error

    @override
    def get(self, reference: str, *, max_age: float = 0.0) -> str:
        if self.error:
            raise self.error(reference)
        return "opens"


def go_on(simulation: Simulation, minutes: int) -> None:
    """Let minutes pass in which whole worker invocations may fail."""
    for _ in range(minutes):
        simulation.advance(MINUTE)
        simulation.sweep()
        with contextlib.suppress(ValueError, KeyError, TypeError):
            simulation.drain()


def statuses(simulation: Simulation, lead: Lead = ADA) -> dict[str, tuple[str, str | None]]:
    rows = simulation.environment.owner.run(STATUSES, (lead.event,))
    return {row["step"]: (row["status"], row["reason_code"]) for row in rows}


@pytest.mark.point(22)
@pytest.mark.point(63)
@pytest.mark.parametrize(
    ("trouble", "why"),
    [(DAMAGED, ReasonCode.NOT_RENDERED), (DOMAIN_MISSING, ReasonCode.WORKER_CRASHED)],
)
def test_an_effect_that_cannot_even_be_read_ends_held_and_the_others_go_on(
    simulate: Simulate, trouble: LiteralString, why: ReasonCode
) -> None:
    simulation = simulate()
    warm_up(simulation)
    simulation.vendors.inject("429", provider="*", times=10, seconds=20)
    simulation.ingest(ADA)
    simulation.work()
    simulation.vendors.end_faults()
    simulation.environment.owner.run(trouble)
    simulation.restart()

    go_on(simulation, 20)

    ended = statuses(simulation)
    assert ended.pop("news") == ("held", why)
    assert {status for status, _ in ended.values()} == {"accepted"}


@pytest.mark.point(63)
def test_an_effect_for_a_provider_of_a_later_release_waits_for_that_and_the_others_go_on(simulate: Simulate) -> None:
    simulation = simulate()
    warm_up(simulation)
    simulation.environment.owner.run(UNKNOWN_PROVIDER)
    simulation.restart()
    simulation.ingest(ADA)

    go_on(simulation, 20)

    ended = statuses(simulation)
    assert ended.pop("news") == ("waiting", ReasonCode.NOT_UNDERSTOOD)
    assert {status for status, _ in ended.values()} == {"accepted"}


@pytest.mark.point(67)
def test_a_secret_with_letters_of_any_kind_signs_and_harms_no_other_effect(
    simulate: Simulate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIMULATED", "schlüssel")
    simulation = simulate()
    simulation.ingest(ADA)

    simulation.settle()

    assert {status for status, _ in statuses(simulation).values()} == {"accepted"}
    check_promises(simulation)


@pytest.mark.point(67)
def test_a_store_of_secrets_that_is_away_costs_time_and_no_person(simulate: Simulate) -> None:
    simulation = simulate()
    simulation.environment.owner.run(OUTSIDE)
    worker = simulation.process("worker")
    worker.secrets = store = Store(worker.settings, SecretAway)
    simulation.ingest(POST)

    simulation.work()
    assert statuses(simulation, POST) == {"notify": ("waiting", "secret_away")}

    store.error = None
    simulation.settle(prompt=True)
    assert statuses(simulation, POST)["notify"][0] == "accepted"


@pytest.mark.point(67)
def test_a_secret_that_is_not_there_holds_the_effect_until_a_person_has_repaired_it(simulate: Simulate) -> None:
    simulation = simulate()
    simulation.environment.owner.run(OUTSIDE)
    worker = simulation.process("worker")
    worker.secrets = Store(worker.settings, SecretMissing)
    simulation.ingest(POST)

    simulation.work()

    assert statuses(simulation, POST) == {"notify": ("held", "secret_missing")}


@pytest.mark.point(22)
def test_an_effect_whose_field_its_event_does_not_have_is_refused_without_a_call(simulate: Simulate) -> None:
    simulation = simulate()
    simulation.environment.owner.run(FIELD_MISSING)
    simulation.ingest(POST)

    simulation.work()

    assert statuses(simulation, POST) == {"notify": ("refused", "not_rendered")}
    assert list(simulation.vendors.performed()) == []


@pytest.mark.point(22)
def test_an_event_that_cannot_be_planned_for_a_reason_of_ours_stays_unplanned_and_the_others_go_on(
    simulate: Simulate,
) -> None:
    simulation = simulate()
    warm_up(simulation)
    simulation.ingest(POST)
    simulation.ingest(ADA)
    simulation.environment.owner.run(INVALID_DELAY)  # no `apply` writes this, and the planner fails on it

    go_on(simulation, 15)

    assert {status for status, _ in statuses(simulation).values()} == {"accepted"}
    assert statuses(simulation, POST) == {}


class FailingOver(SimulatedDatabase):
    """A ledger that is read-only for a moment, when an outcome is to be committed."""

    read_only = True

    @override
    def run(self, sql: LiteralString | Composed, parameters: Parameters | None = None) -> list[Row]:
        if sql == attempts_sql.CLOSE and self.read_only:
            self.read_only = False
            raise psycopg.errors.ReadOnlySqlTransaction("cannot execute UPDATE in a read-only transaction")
        return super().run(sql, parameters)


@pytest.mark.point(64)
def test_an_answer_in_hand_outlives_a_failover(simulate: Simulate) -> None:
    simulation = simulate()
    worker = simulation.process("worker")
    worker.db.close()
    worker.db = FailingOver(worker, worker.settings.database_url, lambda *_: None)
    simulation.ingest(ADA)

    simulation.work()

    assert statuses(simulation)["ping"] == ("accepted", None)
