"""The relay over a real ledger, real marks and real queues, on clocks that the test moves together."""

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from redis import Redis

from drumbeat import ids
from drumbeat.apply import apply
from drumbeat.config import Settings
from drumbeat.deliver import deliver
from drumbeat.events import Arrival
from drumbeat.ingest import buffer
from drumbeat.ingest.door import Door
from drumbeat.ingest.single import Single
from drumbeat.keys import SCOPES, ApiKey
from drumbeat.marks import KEY, minute
from drumbeat.queue import Doorbell, Queue
from drumbeat.relay import LOCK, sweep
from drumbeat.sqs import Sqs
from drumbeat.store import sweep as ledger
from drumbeat.store.db import Database
from drumbeat.wiring import Services
from tests.conftest import TestDatabase

MINUTE = 60.0
HOUR = 3600.0


class HandClock:
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


class Recording(Sqs):
    """Keeps what is asked of SQS, which is told to hold nothing back; may be told to take nothing."""

    def __init__(self, endpoint: str) -> None:
        super().__init__("us-east-1", endpoint)
        self.delays: dict[UUID, int] = {}
        self.order: list[UUID] = []
        self.transactions: set[object] = set()
        self.database: TestDatabase | None = None

    def call(self, operation: str, **parameters: object) -> dict[str, Any]:
        sent: Any = parameters.get("Entries") or [parameters]
        for message in sent:
            if "MessageBody" in message and message["MessageBody"].startswith('{"v": 1, "events"'):
                bell = Doorbell.loads(message["MessageBody"])
                named = (*bell.events, *bell.effects)
                self.delays |= dict.fromkeys(named, message["DelaySeconds"])
                self.order += named
                message["DelaySeconds"] = 0
        if self.database is not None and (connection := self.database._connection) is not None:
            self.transactions.add(connection.info.transaction_status)
        return super().call(operation, **parameters)


class World:
    """A ledger, marks and queues, and the hand on both clocks."""

    def __init__(self, services: Services, database: TestDatabase, clock: HandClock, sqs: Recording) -> None:
        self.services, self.db, self.clock, self.sqs = services, database, clock, sqs
        self._admin = psycopg.connect(database.admin_url, autocommit=True)

    def sleep(self, seconds: float) -> None:
        self.clock.sleep(seconds)
        self._admin.execute("UPDATE clock SET shift = make_interval(secs => %s)", (self.clock.gone,))

    def ledgers_clock(self, ahead: float) -> None:
        """Set the ledger's clock alone, so many seconds ahead of ours."""
        self._admin.execute("UPDATE clock SET shift = make_interval(secs => %s)", (self.clock.gone + ahead,))

    def now(self) -> float:
        return self.clock.now().timestamp()

    def configured(self, limits: list[dict[str, object]] | None = None, flows: tuple[str, ...] = ()) -> None:
        compiled = {"accounts": {"mail": {"limits": limits or []}}, "flows": {flow: {} for flow in flows}}
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

    def mark(self, **when: float) -> None:
        assert self.services.marks.set({name.replace("__", ":"): self.now() + at for name, at in when.items()})

    def overdue(self) -> None:
        """Have the relay look, but not at everything."""
        self.services.marks.watch(full_at=self.now() + HOUR)
        self.mark(at__1=-1)

    def rung(self) -> list[Doorbell]:
        bells = []
        while messages := self.services.queue.receive():
            bells += [Doorbell.loads(message.body) for message in messages]
            self.services.queue.delete(messages)
        return bells

    def rung_effects(self) -> set[UUID]:
        return {id for bell in self.rung() for id in bell.effects}

    def rung_events(self) -> set[UUID]:
        return {id for bell in self.rung() for id in bell.events}

    def close(self) -> None:
        self._admin.close()


@pytest.fixture
def world(database: TestDatabase, redis: Redis, sqs_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    sqs = Recording(sqs_endpoint)
    urls = {
        name: sqs.call("CreateQueue", QueueName=f"{name}{uuid.uuid4().hex}")["QueueUrl"]
        for name in ("effects", "buffer")
    }
    sqs.database = database
    settings = Settings.from_env(
        {
            "DATABASE_URL": database.url,
            "REDIS_URL": f"redis://127.0.0.1:{redis.connection_pool.connection_kwargs['port']}/0",
            "DRUMBEAT_SECRET": "for tests",
            "EFFECTS_QUEUE_URL": urls["effects"],
            "BUFFER_QUEUE_URL": urls["buffer"],
            "AWS_ENDPOINT_URL": sqs_endpoint,
            "DRUMBEAT_LOCAL": "1",
        }
    )
    clock = HandClock()
    services = Services(settings, clock)
    services.__dict__ |= {"db": database, "sqs": sqs}
    world = World(services, database, clock, sqs)
    yield world
    world.close()
    services.redis.close()
    sqs.close()


# ---------------------------------------------------------------- asleep


def test_an_idle_day_asks_the_ledger_only_in_its_full_sweeps(world: World) -> None:
    world.configured()
    sweeps = []
    asked: dict[bool, int] = {True: 0, False: 0}
    for _ in range(24 * 60):
        before = world.db.round_trips
        summary = sweep(world.services)
        asked[summary.full] += world.db.round_trips - before
        sweeps.append(summary)
        world.sleep(MINUTE)

    assert [minute for minute, summary in enumerate(sweeps) if not summary.asleep] == [0, 360, 720, 1080]
    assert asked[False] == 0
    assert 0 < asked[True] <= 4 * 8


def test_an_event_every_two_minutes_has_the_relay_ask_nothing(world: World) -> None:
    apply("version: 1\naccounts: {}\nflows: {}\n", {}, actor="test", services=world.services)
    sweep(world.services)
    door = Single(Door(world.services))
    asked = 0
    for number in range(60):
        if number % 2 == 0:
            event = {"type": "LEAD_CAPTURE", "source": "shop", "payload": {}, "idempotencyKey": f"{number}"}
            door.ingest(json.dumps(event).encode(), caller=ApiKey("ada", frozenset(SCOPES)))
            world.sleep(1)
            deliver([Doorbell(events=tuple(world.rung_events()))], world.services, lambda: 50.0)
        world.sleep(MINUTE)
        before = world.db.round_trips

        assert sweep(world.services).asleep

        asked += world.db.round_trips - before
    assert world.db.run("SELECT count(*) AS planned FROM plans") == [{"planned": 30}]
    assert asked == 0


@pytest.mark.point(32)
def test_lost_marks_have_everything_looked_at(world: World) -> None:
    world.configured()
    sweep(world.services)
    effect = world.effect()
    world.services.redis.flushall()

    summary = sweep(world.services)

    assert summary.full
    assert world.rung_effects() == {effect}
    assert sweep(world.services).asleep


@pytest.mark.point(31)
def test_without_redis_every_minute_looks_at_everything(world: World) -> None:
    world.configured()
    world.services.redis.connection_pool.disconnect()
    world.services.redis.connection_pool.connection_kwargs["port"] = 1
    world.services.__dict__.pop("marks", None)
    effect = world.effect()

    summaries = [sweep(world.services), sweep(world.services)]

    assert [summary.full for summary in summaries] == [True, True]
    assert world.rung_effects() == {effect}


def test_one_relay_sweeps_at_a_time(world: World) -> None:
    world.configured()
    world.effect()
    world.services.redis.set(LOCK, "somebody")

    assert sweep(world.services).elsewhere
    assert world.rung() == []

    world.services.redis.delete(LOCK)
    assert sweep(world.services).effects == 1


# ---------------------------------------------------------------- recovery


@pytest.mark.point(24)
def test_a_claim_whose_lease_ended_waits_again(world: World) -> None:
    world.configured()
    effect = world.effect("claimed", lease=-1)
    world.overdue()

    summary = sweep(world.services)

    assert summary.recovered == 1
    assert world.stands(effect) == {
        "status": "waiting", "seq": 3, "fence": 1, "crashes": 1, "lease_until": None, "due": True,
    }  # fmt: skip
    assert world.journal(effect) == [(3, "claimed", "waiting", 1, "relay")]
    assert world.rung_effects() == {effect}


@pytest.mark.point(18)
@pytest.mark.point(49)
def test_an_open_attempt_whose_lease_ended_is_unknown(world: World) -> None:
    world.configured()
    effect = world.effect("sending", lease=-1)
    world.overdue()

    sweep(world.services)

    assert world.stands(effect) == {
        "status": "unknown", "seq": 3, "fence": 1, "crashes": 1, "lease_until": None, "due": True,
    }  # fmt: skip
    assert world.journal(effect) == [(3, "sending", "unknown", 1, "relay")]
    assert world.rung_effects() == {effect}


def test_a_look_that_ended_without_a_word_counts_as_a_crash_and_moves_nothing(world: World) -> None:
    world.configured()
    effect = world.effect("unknown", lease=-1)
    world.overdue()

    sweep(world.services)

    stands = world.stands(effect)
    assert (stands["status"], stands["crashes"], stands["lease_until"]) == ("unknown", 1, None)
    assert world.journal(effect) == []
    assert world.rung_effects() == {effect}


@pytest.mark.point(20)
@pytest.mark.parametrize("status", ["claimed", "sending", "unknown"])
def test_a_live_lease_is_left_alone_and_looked_at_when_it_ends(world: World, status: str) -> None:
    world.configured()
    effect = world.effect(status, lease=40)

    first = sweep(world.services)
    asleep = sweep(world.services)
    world.sleep(MINUTE)
    second = sweep(world.services)

    assert (first.recovered, asleep.asleep, second.recovered) == (0, True, 1)
    assert world.rung_effects() == {effect}


def test_recovery_passes_over_what_others_hold(world: World) -> None:
    world.configured()
    held, free = world.effect("claimed", lease=-1), world.effect("claimed", lease=-1)
    world.overdue()
    with psycopg.connect(world.db.admin_url) as other:
        other.execute("SELECT FROM effects WHERE id = %s FOR UPDATE", (held,))

        sweep(world.services)

    assert world.stands(held)["status"] == "claimed"
    assert world.stands(free)["status"] == "waiting"


def test_many_ended_leases_are_freed_in_chunks(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drumbeat.relay.CHUNK", 4)
    world.configured()
    effects = {world.effect("sending", lease=-1) for _ in range(10)}
    world.overdue()

    assert sweep(world.services).recovered == 10
    assert world.rung_effects() == effects


# ---------------------------------------------------------------- due effects


def test_what_is_due_within_two_minutes_is_rung_for_its_second(world: World) -> None:
    world.configured()
    overdue, soon = world.effect(due_in=-300), world.effect(due_in=90.5)
    look = world.effect("unknown", due_in=30)
    later = world.effect(due_in=121)

    sweep(world.services)

    delays = world.sqs.delays
    assert delays[overdue] == 0
    assert delays[soon] in (90, 91)
    assert delays[look] in (29, 30)
    assert later not in delays


@pytest.mark.parametrize("status", ["held", "accepted", "refused", "cancelled"])
def test_what_is_settled_is_not_rung(world: World, status: str) -> None:
    world.configured()
    effect = world.effect()
    world.db.run("UPDATE effects SET status = %s, reason = 'test' WHERE id = %s", (status, effect))

    sweep(world.services)

    assert world.rung() == []


def test_an_account_is_released_two_minutes_of_its_limit_at_its_pace(world: World) -> None:
    world.configured([{"count": 30, "period": 60, "burst": 5}, {"count": 1000, "period": 86400, "burst": None}])
    effects = {world.effect() for _ in range(80)}

    first = sweep(world.services)

    assert first.effects == 65  # 5 at once and 60 in two minutes
    delays = sorted(world.sqs.delays.values())
    assert delays[:6] == [0, 0, 0, 0, 0, 2]
    assert delays[-1] == 120
    assert world.rung_effects() < effects


def test_the_rest_of_a_backlog_is_released_minute_by_minute(world: World) -> None:
    world.configured([{"count": 30, "period": 60, "burst": 5}])
    effects = {world.effect() for _ in range(80)}
    sweep(world.services)
    done = world.rung_effects()
    world.db.run("UPDATE effects SET status = 'accepted', due_at = 'infinity' WHERE id = ANY (%s)", (list(done),))
    world.services.marks.clear([f"effect:{effect}" for effect in done])
    world.sleep(MINUTE)

    second = sweep(world.services)

    assert not second.full
    assert world.rung_effects() == effects - done


def test_a_backlog_of_one_account_does_not_hold_up_another(world: World) -> None:
    world.configured([{"count": 1, "period": 60, "burst": 1}])
    for _ in range(20):
        world.effect()
    other = world.effect(account="crm")

    sweep(world.services)

    assert world.sqs.delays[other] == 0
    assert other in world.rung_effects()


@pytest.mark.point(35)
def test_what_people_set_off_comes_before_what_campaigns_send(world: World) -> None:
    world.configured([{"count": 2, "period": 60, "burst": 2}])
    campaign = [world.effect(due_in=-500, type="CAMPAIGN_TRIGGER") for _ in range(20)]
    person = [world.effect(due_in=-1) for _ in range(3)]

    sweep(world.services)

    assert set(world.sqs.order[:3]) == set(person)
    assert set(world.sqs.order[3:]) < set(campaign)
    assert len(world.sqs.order) == 6


@pytest.mark.point(12)
@pytest.mark.point(7)
def test_a_lost_message_is_rung_again_within_two_minutes(world: World) -> None:
    world.configured()
    sweep(world.services)
    effect = world.effect()
    world.mark(**{f"effect__{effect}": 30})
    world.services.queue.ring(effects=[effect])
    world.services.queue.purge()

    for _ in range(2):
        world.sleep(MINUTE)
        sweep(world.services)

    assert world.rung_effects() == {effect}


def test_what_was_rung_and_is_watched_is_not_rung_twice(world: World) -> None:
    world.configured()
    effect = world.effect()
    sweep(world.services)
    assert world.rung_effects() == {effect}
    world.mark(at__1=-1)

    sweep(world.services)

    assert world.rung() == []


def test_what_was_rung_and_not_settled_is_rung_again(world: World) -> None:
    world.configured()
    effect = world.effect()
    sweep(world.services)
    world.rung()
    world.sleep(MINUTE)

    sweep(world.services)

    assert world.rung_effects() == {effect}


def test_what_is_due_in_days_wakes_the_relay_in_its_minute(world: World) -> None:
    world.configured()
    effect = world.effect(due_in=4 * HOUR + 125)
    sweep(world.services)
    hours = []
    for number in range(5 * 60):
        world.sleep(MINUTE)
        if not sweep(world.services).asleep:
            hours.append(number)

    assert effect in world.sqs.delays
    assert world.sqs.delays[effect] <= 120
    assert min(hours) >= 240


def test_marks_with_nothing_behind_them_are_forgotten(world: World) -> None:
    world.configured()
    world.overdue()
    world.mark(**{f"effect__{uuid.uuid4()}": -1, f"event__{uuid.uuid4()}": -1})

    first = sweep(world.services)
    second = sweep(world.services)

    assert (first.asleep, second.asleep) == (False, True)
    assert world.services.redis.zcard(KEY) == 2  # the sentinel and the next full sweep


def test_a_mark_set_during_the_sweep_survives_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.configured()
    world.overdue()
    effect = f"effect:{uuid.uuid4()}"
    world.services.marks.set({effect: world.now() - 1})
    advance = ledger.advance

    def advance_and_meanwhile(db: Database, *, margin: timedelta, back: timedelta | None) -> None:
        world.services.marks.set({effect: world.now() + 90})
        advance(db, margin=margin, back=back)

    monkeypatch.setattr(ledger, "advance", advance_and_meanwhile)

    sweep(world.services)

    assert world.services.marks.times([effect]) == {effect: world.now() + 90}


# ---------------------------------------------------------------- forgotten events


@pytest.mark.point(7)
def test_an_event_that_nobody_planned_is_rung_after_a_while(world: World) -> None:
    world.configured()
    event = world.event()

    sweep(world.services)
    assert world.rung() == []
    world.services.redis.flushall()
    world.sleep(21)
    sweep(world.services)

    assert world.rung_events() == {event}


def test_an_event_whose_mark_is_due_is_rung_however_young(world: World) -> None:
    world.configured()
    event = world.event()
    world.overdue()
    world.mark(**{f"event__{event}": -1})

    sweep(world.services)

    assert world.rung_events() == {event}


def test_events_wait_for_the_first_configuration(world: World) -> None:
    event = world.event()
    world.sleep(MINUTE)
    assert sweep(world.services).events == 0

    world.configured()
    world.services.marks.distrust()
    sweep(world.services)

    assert world.rung_events() == {event}


def test_planned_events_are_not_searched_again(world: World) -> None:
    world.configured()
    planned = [world.planned() for _ in range(3)]
    world.sleep(HOUR)
    forgotten = world.event()
    world.sleep(HOUR)
    world.services.redis.flushall()

    sweep(world.services)

    [state] = world.db.run("SELECT planned_until FROM relay_state")
    [recorded] = world.db.run("SELECT recorded_at FROM events WHERE id = %s", (forgotten,))
    assert state["planned_until"] == recorded["recorded_at"]
    assert world.rung_events() == {forgotten}
    assert forgotten not in planned


def test_the_search_stays_behind_commits_that_are_slow(world: World) -> None:
    world.configured()
    world.planned()
    world.sleep(HOUR)

    sweep(world.services)

    [state] = world.db.run("SELECT drumbeat_now() - planned_until AS behind FROM relay_state")
    assert timedelta(minutes=5) <= state["behind"] < timedelta(minutes=6)


@pytest.mark.point(29)
@pytest.mark.parametrize("marks", ["kept", "lost"])
def test_an_event_is_found_though_the_ledgers_clock_was_set_back_before_it(world: World, marks: str) -> None:
    world.configured()
    world.planned()
    world.sleep(HOUR)
    sweep(world.services)
    world.ledgers_clock(-600.0)  # another server took over

    event = world.event()
    if marks == "kept":
        world.overdue()
        world.mark(**{f"event__{event}": -1})
    else:
        world.services.redis.flushall()
        world.ledgers_clock(-570.0)
    sweep(world.services)

    assert world.rung_events() == {event}


def test_an_event_that_is_never_planned_is_rung_ever_more_rarely(world: World) -> None:
    world.configured()
    world.event()
    rung = []
    for number in range(24 * 60):
        world.sleep(MINUTE)
        if sweep(world.services).events:
            rung.append(number)

    assert set(range(1, 59)) <= set(rung)
    assert len(rung) < 60 + 25


def test_a_failed_flow_is_tried_again_by_a_later_configuration(world: World) -> None:
    world.configured(flows=("welcome",))
    failed = world.planned({"welcome": "no field payload.email"})
    gone = world.planned({"removed": "no field payload.email"})
    world.services.redis.flushall()
    assert sweep(world.services).events == 0

    world.configured(flows=("welcome",))
    world.services.marks.distrust()
    sweep(world.services)

    assert world.rung_events() == {failed}
    assert gone != failed


def test_a_flow_that_was_planned_again_is_left_alone(world: World) -> None:
    world.configured(flows=("welcome",))
    event = world.planned({"welcome": "no field payload.email"})
    world.configured(flows=("welcome",))
    world.db.run("INSERT INTO replans (event_id, flow, version, hash) VALUES (%s, 'welcome', 2, '')", (event,))

    assert sweep(world.services).events == 0


# ---------------------------------------------------------------- queue and buffer


def arrival(world: World, key: str) -> Arrival:
    return Arrival(
        id=ids.event_id("shop", key),
        source="shop",
        key=key,
        type="LEAD_CAPTURE",
        door="api",
        fingerprint=key.encode(),
        scheduled_at=None,
        received_at=world.clock.now(),
        body=b"{}",
    )


def buffered(world: World, *texts: str) -> Queue:
    queue = Queue(world.sqs, world.services.settings.buffer_queue_url)
    for text in texts:
        queue.put(text)
    return queue


@pytest.mark.point(10)
def test_the_buffer_is_drained_once_the_ledger_answers_without_any_mark(world: World) -> None:
    world.configured()
    sweep(world.services)
    arrivals = [arrival(world, f"key-{number}") for number in range(23)]
    queue = buffered(world, *[buffer.dumps([each]) for each in arrivals])

    summary = sweep(world.services)

    assert (summary.asleep, summary.drained) == (False, 23)
    assert queue.count() == 0
    recorded = {row["id"] for row in world.db.run("SELECT id FROM events")}
    assert recorded == {each.id for each in arrivals}
    assert world.rung_events() == recorded
    assert sweep(world.services).asleep


@pytest.mark.point(10)
def test_the_buffer_stays_while_the_ledger_is_away(world: World) -> None:
    queue = buffered(world, buffer.dumps([arrival(world, "key")]))
    world.db.close()
    world.db.url = "postgresql://127.0.0.1:1/none"

    with pytest.raises(psycopg.OperationalError):
        sweep(world.services)

    assert queue.count() == 1


@pytest.mark.point(17)
def test_a_foreign_message_in_the_buffer_stays_and_its_neighbours_go(world: World) -> None:
    world.configured()
    queue = buffered(world, "not ours", buffer.dumps([arrival(world, "key")]))

    summary = sweep(world.services)

    assert (summary.drained, summary.foreign) == (1, 1)
    assert queue.count() == 1


def test_a_sweep_that_runs_out_of_time_goes_on_in_the_next_minute(world: World) -> None:
    world.configured()
    queue = buffered(world, buffer.dumps([arrival(world, "key")]))

    hurried = sweep(world.services, remaining=lambda: 1.0)
    world.sleep(MINUTE)
    second = sweep(world.services)

    assert (hurried.drained, second.drained) == (0, 1)
    assert second.full
    assert queue.count() == 0


@pytest.mark.point(7)
def test_an_unreachable_queue_costs_a_minute_and_nothing_else(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.configured()
    effect = world.effect()
    away = Queue(Sqs("us-east-1", "http://127.0.0.1:1"), "http://127.0.0.1:1/q")
    queue = world.services.queue
    world.services.__dict__["queue"] = away

    first = sweep(world.services)
    world.services.__dict__["queue"] = queue
    world.sleep(MINUTE)
    sweep(world.services)

    assert first.unrung == 1
    assert world.rung_effects() == {effect}


@pytest.mark.point(13)
def test_sweeping_twice_at_a_time_only_doubles_doorbells(world: World) -> None:
    world.configured()
    effect = world.effect("claimed", lease=-1)
    sweep(world.services)
    world.services.redis.flushall()

    sweep(world.services)

    assert [bell.effects for bell in world.rung()] == [(effect,), (effect,)]
    assert world.journal(effect) == [(3, "claimed", "waiting", 1, "relay")]


def test_no_transaction_is_open_while_the_queue_is_called(world: World) -> None:
    world.configured()
    world.effect("sending", lease=-1)
    world.event()
    world.sleep(MINUTE)
    buffered(world, buffer.dumps([arrival(world, "key")]))

    sweep(world.services)

    assert world.sqs.transactions == {psycopg.pq.TransactionStatus.IDLE}


def test_a_far_mark_shares_the_members_of_its_minute(world: World) -> None:
    world.configured()
    world.effect(due_in=HOUR)

    sweep(world.services)

    expected = set(minute(world.now() + HOUR)) | set(minute(world.now() + HOUR - 1))
    members = set(world.services.marks.due(world.now() + 12 * HOUR).members)
    assert len(members) == 2
    assert members - {"full"} <= expected
