"""When the keys in Redis get other names (another secret, an upgrade), the relay checks everything: nothing else."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from drumbeat.access import sql as access_sql
from drumbeat.access.keys import ApiKey
from drumbeat.configuration.apply import apply
from drumbeat.ingest.door import Door
from drumbeat.ingest.single import Single
from drumbeat.relay.sweep import SECOND_SWEEP_SECONDS, sweep
from drumbeat.services import Services
from drumbeat.wakeups.due_index import minute
from tests.store.relay.sample_deployment import MINUTE, SampleDeployment

CALLER = ApiKey("shop", frozenset({"ingest"}))
LEAD = json.dumps({"type": "LEAD_CAPTURE", "source": "crm", "payload": {}, "idempotencyKey": "order-1"}).encode()


@pytest.fixture
def later(deployment: SampleDeployment) -> Iterator[Services]:
    """The same installation, once it has another secret."""
    services = Services(replace(deployment.services.settings, secret="another secret"), deployment.clock)
    services.__dict__ |= {"db": deployment.db, "sqs": deployment.sqs}
    yield services
    services.redis.close()


@pytest.mark.point(32)
def test_the_next_sweep_finds_all_that_is_due_and_repeats_are_known(
    deployment: SampleDeployment, later: Services
) -> None:
    apply("version: 1\naccounts: {}\nflows: {}\n", {}, actor="test", services=deployment.services)
    access_sql.add(deployment.db, CALLER.id, "shop", CALLER.scopes, actor="test")
    before = Single(Door(deployment.services)).ingest(LEAD, caller=CALLER)
    sweep(deployment.services)
    deployment.notified()
    effect = deployment.effect()
    deployment.sleep(45.0)
    assert not deployment.services.due_index.due(deployment.now()).missing

    first, second = sweep(later), sweep(later)

    assert (first.full, first.effects, first.events, second.idle) == (True, 1, 1, True)
    assert deployment.notified_effects() == {effect}
    again = Single(Door(later)).ingest(LEAD, caller=CALLER)
    assert (again.event_id, again.replayed) == (before.event_id, True)
    assert deployment.db.run("SELECT count(*) AS events FROM events WHERE key = 'order-1'") == [{"events": 1}]


def test_what_ran_on_with_the_keys_before_is_found_within_a_quarter_of_an_hour(
    deployment: SampleDeployment, later: Services
) -> None:
    deployment.configured()
    sweep(later)
    effect = deployment.effect(due_in=20 * MINUTE)
    deployment.services.due_index.set(minute(deployment.now() + 20 * MINUTE))
    deployment.sleep(SECOND_SWEEP_SECONDS)

    full = sweep(later).full
    found = 0
    for _ in range(6):
        deployment.sleep(MINUTE)
        found += sweep(later).effects

    assert full
    assert found  # perhaps more than once: an effect that no worker takes is found again
    assert deployment.notified_effects() == {effect}
