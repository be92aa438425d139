"""A deployment for the relay: a real ledger, due index and queues, on clocks that the test moves together."""

import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from redis import Redis

from drumbeat.infrastructure.sqs.client import Sqs
from drumbeat.services import Services
from drumbeat.wakeups.queue import WakeUp
from tests.conftest import TestDatabase

MINUTE = 60.0
HOUR = 3600.0
MID_MINUTE = 30.0  # where each deployment begins, whatever the time of day is


class ManualClock:
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        self._start = datetime.now(UTC)
        self.gone = 0.0

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.gone)

    def elapsed(self) -> float:
        return self.gone

    def sleep(self, seconds: float) -> None:
        self.gone += seconds


class RecordingSqs(Sqs):
    """Records what is sent to SQS, and sends it without its delay, so that a test can receive it at once."""

    def __init__(self, endpoint: str) -> None:
        super().__init__("us-east-1", endpoint)
        self.delays: dict[UUID, int] = {}
        self.order: list[UUID] = []
        self.transactions: set[object] = set()
        self.waits: list[int] = []  # of receives: SQS answers one that does not wait from some of its servers only
        self.database: TestDatabase | None = None

    def call(self, operation: str, **parameters: object) -> dict[str, Any]:
        if operation == "ReceiveMessage":
            self.waits.append(int(str(parameters["WaitTimeSeconds"])))
        sent: Any = parameters.get("Entries") or [parameters]
        for message in sent:
            if "MessageBody" in message and message["MessageBody"].startswith('{"v": 1, "events"'):
                wake_up = WakeUp.loads(message["MessageBody"])
                named = (*wake_up.events, *wake_up.effects)
                self.delays |= dict.fromkeys(named, message["DelaySeconds"])
                self.order += named
                message["DelaySeconds"] = 0
        if self.database is not None and (connection := self.database._connection) is not None:
            self.transactions.add(connection.info.transaction_status)
        return super().call(operation, **parameters)


class SampleDeployment:
    """A ledger, a due index and queues, with both clocks moved by the test."""

    def __init__(
        self, services: Services, database: TestDatabase, redis: Redis, clock: ManualClock, sqs: RecordingSqs
    ) -> None:
        self.services, self.db, self.redis, self.clock, self.sqs = services, database, redis, clock, sqs
        self._admin = psycopg.connect(database.admin_url, autocommit=True)
        self.sleep((MID_MINUTE - self.now()) % 60)  # at a minute's start its entry is due at once

    def sleep(self, seconds: float) -> None:
        self.clock.sleep(seconds)
        self._admin.execute("UPDATE clock SET shift = make_interval(secs => %s)", (self.clock.gone,))

    def ledgers_clock(self, ahead: float) -> None:
        """Set the ledger's clock alone, so many seconds ahead of the others."""
        self._admin.execute("UPDATE clock SET shift = make_interval(secs => %s)", (self.clock.gone + ahead,))

    def now(self) -> float:
        return self.clock.now().timestamp()

    def configured(
        self,
        limits: list[dict[str, object]] | None = None,
        flows: tuple[str, ...] = (),
        lists: Mapping[str, object] | None = None,
    ) -> None:
        compiled = {
            "accounts": {"mail": {"limits": limits or []}},
            "flows": {flow: {} for flow in flows},
            "lists": lists or {},
        }
        self.db.run(
            """INSERT INTO configs (version, hash, document, templates, compiled, applied_by)
               SELECT coalesce(max(version), 0) + 1, '', '', '{}', %s, 'test' FROM configs""",
            (json.dumps(compiled),),
        )

    def event(self, type: str = "LEAD_CAPTURE") -> UUID:
        id = uuid.uuid4()
        self.db.run(
            """INSERT INTO events (id, source, key, type, door, fingerprint, received_at)
               VALUES (%s, 'test', %s, %s, 'api', '', drumbeat_now())""",
            (id, str(id), type),
        )
        return id

    def planned(self, failed: dict[str, str] | None = None, type: str = "LEAD_CAPTURE") -> UUID:
        event = self.event(type)
        self.db.run(
            "INSERT INTO plans (event_id, version, hash, failed) VALUES (%s, 1, '', %s)",
            (event, json.dumps(failed or {})),
        )
        return event

    def effect(
        self,
        status: str = "waiting",
        due_in: float = 0.0,
        lease: float | None = None,
        account: str = "mail",
        type: str = "LEAD_CAPTURE",
    ) -> UUID:
        id, event = uuid.uuid4(), self.planned(type=type)
        self.db.run(
            """INSERT INTO effects (id, event_id, version, flow, step, account, action, base_due_at, status, seq,
                                    fence, due_at, lease_until)
               VALUES (%(id)s, %(event)s, 1, 'f', 's', %(account)s, 'send_email', drumbeat_now(), %(status)s, 2, 1,
                       drumbeat_now() + make_interval(secs => %(due)s),
                       drumbeat_now() + make_interval(secs => %(lease)s))""",
            {
                "id": id,
                "event": event,
                "account": account,
                "status": status,
                "due": due_in if lease is None else lease,
                "lease": lease,
            },
        )
        return id

    def stands(self, effect: UUID) -> dict[str, Any]:
        [row] = self.db.run(
            """SELECT status, seq, fence, crashes, lease_until, due_at <= drumbeat_now() AS due
                 FROM effects WHERE id = %s""",
            (effect,),
        )
        return row

    def journal(self, effect: UUID) -> list[tuple[Any, ...]]:
        rows = self.db.run(
            "SELECT seq, from_status, to_status, fence, actor FROM journal WHERE effect_id = %s ORDER BY seq", (effect,)
        )
        return [tuple(row.values()) for row in rows]

    def schedule(self, **when: float) -> None:
        assert self.services.due_index.set({name.replace("__", ":"): self.now() + at for name, at in when.items()})

    def overdue(self) -> None:
        """Make the relay look at what is due, but not at everything."""
        self.services.due_index.watch(full_at=self.now() + HOUR)
        self.schedule(at__1=-1)

    def notified(self) -> list[WakeUp]:
        wake_ups = []
        while messages := self.services.queue.receive():
            wake_ups += [WakeUp.loads(message.body) for message in messages]
            self.services.queue.delete(messages)
        return wake_ups

    def notified_effects(self) -> set[UUID]:
        return {id for wake_up in self.notified() for id in wake_up.effects}

    def rung_events(self) -> set[UUID]:
        return {id for wake_up in self.notified() for id in wake_up.events}

    def close(self) -> None:
        self._admin.close()
