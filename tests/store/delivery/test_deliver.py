"""Deliver: what messages name is planned, claimed, sent and closed, for few round trips and in the time there is."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, override
from uuid import UUID

import pytest
from redis import Redis

from drumbeat.configuration.document import compile_document
from drumbeat.core.clock import SystemClock
from drumbeat.core.outcomes import Accepted, LookupResult, Outcome
from drumbeat.delivery.budget import BATCH_SECONDS, EFFECTS_CLAIMED_WHEN_PLANNED, EFFECTS_PER_BATCH
from drumbeat.delivery.deliver import Delivered, deliver
from drumbeat.infrastructure.http import Caller
from drumbeat.infrastructure.redis import Argument, LeanRedis
from drumbeat.infrastructure.settings import Settings
from drumbeat.ledger import configs
from drumbeat.ledger.database import Database
from drumbeat.local.servers import Valkey
from drumbeat.providers.calls import Calls, Job
from drumbeat.services import Services
from drumbeat.wakeups.queue import Queue, WakeUp
from tests.conftest import TestDatabase
from tests.store.rows import as_json, new_effect, planned, recorded, status

DOCUMENT = """
version: 1
accounts:
  one: {provider: http, settings: {base_url: "https://one.example.com"}, secrets: {signing_key: "env:SIGNING_KEY"}}
  two: {provider: http, settings: {base_url: "https://two.example.com"}, secrets: {signing_key: "env:SIGNING_KEY"}}
flows:
  dispatch:
    on: CAMPAIGN_TRIGGER
    steps:
      - {id: hello, account: one, action: call, with: {method: POST, path: /hello, body: {}}}
      - {id: other, account: two, action: call, with: {method: POST, path: /other, body: {}}}
  welcome:
    on: LEAD_CAPTURE
    steps:
      - {id: hello, account: one, action: call, with: {method: POST, path: /hello, body: {}}}
      - {id: other, account: two, action: call, with: {method: POST, path: /other, body: {}}}
"""
BODY = as_json({"type": "LEAD_CAPTURE", "source": "test", "payload": {}})
UNKNOWN = UUID(int=1)


class Accepting(Calls):
    """Takes everything and keeps what was sent, by batch."""

    def __init__(self) -> None:
        super().__init__(Caller(SystemClock()), SystemClock())
        self.batches: list[list[str]] = []

    @override
    def run(self, jobs: Sequence[Job], deadline: float) -> list[Outcome | LookupResult]:
        if jobs:
            self.batches.append([job.key.removesuffix("-1") for job in jobs])
        return [Accepted("taken") for _ in jobs]


class Pipelines(LeanRedis):
    """Counts the pipelines, which only the rate limits use."""

    pipelines = 0

    @override
    def run_all(self, commands: Sequence[Sequence[Argument]]) -> list[Any]:
        self.pipelines += 1
        return super().run_all(commands)


class Silent(Queue):
    """A queue that keeps nothing."""

    def __init__(self) -> None:
        pass

    @override
    def notify_later(self, effects: Iterable[tuple[UUID, float]]) -> None:
        pass


class Worker(Services):
    """A worker whose provider takes everything."""

    calls: Accepting
    redis: Pipelines

    def deliver(self, *, events: Sequence[UUID] = (), effects: Sequence[UUID] = (), left: float = 900.0) -> Delivered:
        return deliver([WakeUp(tuple(events), tuple(effects))], self, lambda: left)


@pytest.fixture
def worker(database: TestDatabase, redis: "Redis", valkey: Valkey, monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    monkeypatch.setenv("SIGNING_KEY", "secret")
    environment = {"DRUMBEAT_LOCAL": "1", "DATABASE_URL": database.url, "DRUMBEAT_SECRET": "for tests"}
    worker = Worker(Settings.from_env(environment))
    worker.redis, worker.queue, worker.calls = Pipelines.at(valkey.url), Silent(), Accepting()
    compiled = compile_document(DOCUMENT, {})
    configs.insert(worker.db, hash=b"1", document="", templates={}, compiled=compiled, identities={}, actor="test")
    worker.throttle.states(["one"])  # Redis knows the script
    worker.redis.pipelines = 0
    yield worker
    worker.db.close()
    worker.redis.close()


def effect(db: Database, **changes: Any) -> UUID:
    """Return an effect of an event of its own, due unless said otherwise."""
    made = new_effect(recorded(db, body=BODY), **{"account": "one", "action": "call"} | changes)
    planned(db, made)
    return made.id


def test_a_batch_of_events_is_planned_and_carried_out_in_few_round_trips(worker: Worker) -> None:
    events = [recorded(worker.db, body=BODY) for _ in range(10)]
    worker.configuration(1)
    before = worker.db.round_trips

    done = worker.deliver(events=events)

    assert done.counts == {"sending": 20, "accepted": 20}
    assert worker.db.round_trips - before <= 5
    assert worker.redis.pipelines == 1  # both accounts' tokens


def test_transactional_effects_are_claimed_before_those_of_campaigns(worker: Worker) -> None:
    fired = [recorded(worker.db, body=BODY, type="CAMPAIGN_TRIGGER") for _ in range(EFFECTS_CLAIMED_WHEN_PLANNED // 2)]
    lead = recorded(worker.db, body=BODY)

    done = worker.deliver(events=[*fired, lead])

    assert done.counts == {"sending": EFFECTS_CLAIMED_WHEN_PLANNED, "accepted": EFFECTS_CLAIMED_WHEN_PLANNED}
    (left,) = worker.db.run("SELECT e.type, count(*) FROM effects f JOIN events e ON e.id = f.event_id"
                            " WHERE f.status = 'waiting' GROUP BY e.type")  # fmt: skip
    assert left == {"type": "CAMPAIGN_TRIGGER", "count": 2}


def test_what_cannot_be_claimed_is_told_apart_for_one_more_round_trip(worker: Worker) -> None:
    due = [effect(worker.db) for _ in range(10)]
    early = effect(worker.db, due_at=datetime.now(UTC) + timedelta(minutes=1))
    worker.configuration(1)
    before = worker.db.round_trips

    done = worker.deliver(effects=[*due, early, UNKNOWN])

    assert done == Delivered(done.counts, missing=frozenset({UNKNOWN}))
    assert done.counts == {"sending": 10, "accepted": 10}
    assert worker.db.round_trips - before <= 5
    assert worker.redis.pipelines == 1
    assert worker.due_index.times([f"effect:{early}"]).keys() == {f"effect:{early}"}


@pytest.mark.point(22)
def test_an_effect_that_may_crash_the_worker_is_carried_out_alone_and_last(worker: Worker, owner: Database) -> None:
    suspect, *others = (effect(worker.db) for _ in range(EFFECTS_PER_BATCH + 2))
    owner.run("UPDATE effects SET crashes = 1 WHERE id = %s", (suspect,))

    worker.deliver(effects=[suspect, *others])

    *first, last = worker.calls.batches
    assert {key for batch in first for key in batch} == {str(other) for other in others}
    assert last == [str(suspect)]


def test_what_time_does_not_suffice_for_is_left_as_it_is(worker: Worker) -> None:
    event, due = recorded(worker.db, body=BODY), effect(worker.db)

    done = worker.deliver(events=[event], effects=[due], left=BATCH_SECONDS - 0.1)

    assert done == Delivered(left=frozenset({event, due}))
    assert status(worker.db, due) == "waiting"
    assert worker.db.run("SELECT FROM plans WHERE event_id = %s", (event,)) == []
