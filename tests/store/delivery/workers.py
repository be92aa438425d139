"""A worker on a real ledger and a real Valkey, whose providers answer as a test says."""

from collections.abc import Iterable, Sequence
from typing import Any, override
from uuid import UUID

from drumbeat.core.clock import SystemClock
from drumbeat.core.outcomes import Accepted, LookupResult, Outcome
from drumbeat.delivery.deliver import Delivered, deliver
from drumbeat.infrastructure.http import Caller
from drumbeat.infrastructure.redis import Argument, LeanRedis
from drumbeat.ledger.database import Database
from drumbeat.providers.calls import Calls, Job
from drumbeat.services import Services
from drumbeat.wakeups.queue import Queue, WakeUp
from tests.store.rows import as_json, new_effect, planned, recorded

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
    """A queue that keeps nothing but what goes back into it."""

    def __init__(self) -> None:
        self.back: list[UUID] = []

    @override
    def notify(self, events: Iterable[UUID] = (), effects: Iterable[UUID] = (), delay: float = 0) -> None:
        self.back += [*events, *effects]

    @override
    def notify_later(self, effects: Iterable[tuple[UUID, float]]) -> None:
        pass


class Worker(Services):
    """A worker whose provider takes everything."""

    calls: Accepting
    redis: Pipelines
    queue: Silent

    def deliver(self, *, events: Sequence[UUID] = (), effects: Sequence[UUID] = (), left: float = 900.0) -> Delivered:
        return deliver([WakeUp(tuple(events), tuple(effects))], self, lambda: left)


def effect(db: Database, body: bytes = BODY, **changes: Any) -> UUID:
    """Return an effect of an event of its own, due unless said otherwise."""
    made = new_effect(recorded(db, body=body), **{"account": "one", "action": "call"} | changes)
    planned(db, made)
    return made.id
