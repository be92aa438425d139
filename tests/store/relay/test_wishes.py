"""What people asked for while the ledger was away is recorded before the relay does anything else."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from drumbeat.core import ids
from drumbeat.infrastructure.redis import LeanRedis
from drumbeat.infrastructure.sqs.client import Sqs, SqsError
from drumbeat.ledger.database import Database
from drumbeat.people import waiting_wishes
from drumbeat.people.wishes import Wish, WishKind
from drumbeat.relay import wishes
from drumbeat.relay.sweep import RESERVED_SECONDS, sweep
from drumbeat.wakeups import wishes_flag
from drumbeat.wakeups.queue import Queue
from tests.conftest import PREFIX
from tests.deadlocks import deadlock
from tests.store.people.conftest import mail as mail_to_ada
from tests.store.people.conftest import states
from tests.store.relay.sample_deployment import HOUR, MINUTE, SampleDeployment


def wish(deployment: SampleDeployment, mail: UUID) -> Wish:
    return Wish(WishKind.WITHDRAW, mail, uuid.uuid4(), None, deployment.clock.now(), {"ip": "203.0.113.0"})


def wait_in_queue(deployment: SampleDeployment, *texts: str, flag: bool = True) -> Queue:
    """Let messages wait as a door that could not reach the ledger leaves them."""
    for text in texts:
        deployment.services.wishes.put(text)
    if flag:
        deployment.services.wishes_flag.set()
    return deployment.services.wishes


def flag_of(deployment: SampleDeployment) -> bytes | None:
    return deployment.services.redis.get(wishes_flag.KEY)


def idle(deployment: SampleDeployment) -> None:
    """Reach a minute in which a relay finds nothing to do."""
    deployment.configured()
    deployment.services.due_index.watch(full_at=deployment.now() + HOUR)
    assert sweep(deployment.services).idle


@pytest.mark.parametrize("flag", [True, False])
def test_a_wish_is_recorded_also_when_nothing_else_is_due(deployment: SampleDeployment, *, flag: bool) -> None:
    """Without the flag, as where Redis was away: then the queue alone says so."""
    mail = mail_to_ada(deployment.db)
    idle(deployment)
    queue = wait_in_queue(deployment, waiting_wishes.dumps(wish(deployment, mail)), flag=flag)
    deployment.sleep(MINUTE)

    summary = sweep(deployment.services)

    assert (summary.idle, summary.wishes) == (False, 1)
    assert states(deployment.db)["news"] == "withdrawn"
    assert queue.count() == 0
    assert flag_of(deployment) is None


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_wish_has_the_time_at_which_its_queue_took_it_whatever_the_clock_of_its_page_says(
    deployment: SampleDeployment, hours: float
) -> None:
    mail = mail_to_ada(deployment.db)
    made = replace(wish(deployment, mail), received_at=datetime.now(UTC) + timedelta(hours=hours))
    before = datetime.now(UTC)
    wait_in_queue(deployment, waiting_wishes.dumps(made))
    after = datetime.now(UTC)
    deployment.configured()

    sweep(deployment.services)

    event = ids.event_id("drumbeat:unsubscribe", str(made.id))
    (row,) = deployment.db.run("SELECT received_at FROM events WHERE id = %s", (event,))
    assert before <= row["received_at"] <= after + timedelta(milliseconds=1)


def test_a_minute_without_wishes_asks_the_ledger_nothing(deployment: SampleDeployment) -> None:
    idle(deployment)
    before = deployment.db.round_trips

    assert sweep(deployment.services).idle
    assert deployment.db.round_trips == before


def test_wishes_are_recorded_before_any_worker_is_notified_or_the_buffer_is_drained(
    deployment: SampleDeployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.configured()
    deployment.effect("claimed", lease=-1)
    mail = mail_to_ada(deployment.db)
    wait_in_queue(deployment, waiting_wishes.dumps(wish(deployment, mail)))
    found: list[str] = []
    call = deployment.sqs.call

    def watching(operation: str, **parameters: Any) -> dict[str, Any]:
        if parameters["QueueUrl"] != deployment.services.wishes.url:
            found.append(states(deployment.db)["news"])
        return call(operation, **parameters)

    monkeypatch.setattr(deployment.sqs, "call", watching)
    sweep(deployment.services)

    assert set(found) == {"withdrawn"}
    assert len(found) > 1


def test_what_is_left_when_the_time_is_over_holds_up_everything_else(deployment: SampleDeployment) -> None:
    deployment.configured()
    deployment.effect()
    mail = mail_to_ada(deployment.db)
    wait_in_queue(deployment, waiting_wishes.dumps(wish(deployment, mail)))

    hurried = sweep(deployment.services, remaining=lambda: RESERVED_SECONDS + wishes.HIDDEN_SECONDS)
    standing = flag_of(deployment)
    later = sweep(deployment.services)

    assert (hurried.wishes, hurried.effects) == (0, 0)
    assert standing is not None
    assert (later.wishes, later.effects) == (1, 2)


def test_the_ledger_away_again_leaves_wishes_and_flag(deployment: SampleDeployment) -> None:
    queue = wait_in_queue(deployment, waiting_wishes.dumps(wish(deployment, uuid.uuid4())))
    deployment.db.close()
    deployment.db.url = "postgresql://127.0.0.1:1/none"

    with pytest.raises(psycopg.OperationalError):
        sweep(deployment.services)

    assert queue.count() == 1
    assert flag_of(deployment) is not None


def test_a_wish_that_comes_while_the_queue_is_found_empty_keeps_the_flag(
    deployment: SampleDeployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.configured()
    mail = mail_to_ada(deployment.db)
    queue = wait_in_queue(deployment, waiting_wishes.dumps(wish(deployment, mail)))
    receive, count = Queue.receive, Queue.count

    def and_then_another(self: Queue, *args: Any, **how: Any) -> Any:
        found = receive(self, *args, **how)
        if self.url == queue.url and not found:
            wait_in_queue(deployment, waiting_wishes.dumps(wish(deployment, mail)))
        return found

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(Queue, "receive", and_then_another)
        # Its count may be older than the message.
        meanwhile.setattr(Queue, "count", lambda self: 0 if self.url == queue.url else count(self))
        sweep(deployment.services)

    assert queue.count() == 1
    assert flag_of(deployment) is not None
    assert sweep(deployment.services).wishes == 1
    assert flag_of(deployment) is None


@pytest.mark.parametrize("flag", [True, False])
def test_what_a_relay_that_was_killed_had_received_lets_marketing_wait_and_is_there_for_the_next(
    deployment: SampleDeployment, *, flag: bool
) -> None:
    """Without the flag, as where Redis was emptied meanwhile."""
    deployment.configured()
    mail = mail_to_ada(deployment.db)
    queue = wait_in_queue(deployment, waiting_wishes.dumps(wish(deployment, mail)), flag=flag)
    received = queue.receive(hidden=60)  # and then its process ended

    soon = sweep(deployment.services)
    kept = flag_of(deployment)
    queue.release(received)  # as when that minute is over
    later = sweep(deployment.services)

    assert (soon.wishes, later.wishes) == (0, 1)
    assert kept is not None
    assert flag_of(deployment) is None


def test_a_wish_that_another_transaction_locks_out_comes_back_and_its_neighbour_goes(
    deployment: SampleDeployment,
) -> None:
    deployment.configured()
    mail = mail_to_ada(deployment.db)
    other = deployment.effect()
    wait_in_queue(
        deployment,
        waiting_wishes.dumps(wish(deployment, mail)),
        waiting_wishes.dumps(wish(deployment, other)),
    )
    deployment.db.run("SET lock_timeout = '100ms'")
    with psycopg.connect(deployment.db.admin_url) as holder:
        holder.execute("SELECT 1 FROM contacts FOR UPDATE")
        summary = sweep(deployment.services)

    assert summary.wishes == 0
    assert summary.foreign == 0
    assert flag_of(deployment) is not None
    assert deployment.services.wishes.count() == 1


def test_a_wish_that_is_the_victim_of_a_deadlock_comes_back_and_its_neighbour_goes(
    deployment: SampleDeployment, owner: Database
) -> None:
    deployment.configured()
    mail = mail_to_ada(deployment.db)
    victim, other = wish(deployment, mail), wish(deployment, mail)
    wait_in_queue(deployment, *map(waiting_wishes.dumps, (victim, other)))
    deadlock(owner, "events", key=str(victim.id))

    summary = sweep(deployment.services)

    assert (summary.wishes, summary.foreign) == (1, 0)
    assert flag_of(deployment) is not None
    assert deployment.services.wishes.count() == 1


def test_foreign_messages_stay_for_a_person_and_hold_up_no_marketing(deployment: SampleDeployment) -> None:
    deployment.configured()
    mail = mail_to_ada(deployment.db)
    ours, later = waiting_wishes.dumps(wish(deployment, mail)), waiting_wishes.dumps(wish(deployment, mail))
    queue = wait_in_queue(deployment, "not ours", later.replace('"v":1', '"v":2'), "[]", ours)

    summary = sweep(deployment.services)

    assert (summary.wishes, summary.foreign) == (1, 3)
    assert queue.count() == 3
    assert flag_of(deployment) is None


def test_a_wish_whose_mail_is_unknown_is_taken_out_of_the_queue(deployment: SampleDeployment) -> None:
    deployment.configured()
    queue = wait_in_queue(deployment, waiting_wishes.dumps(wish(deployment, uuid.uuid4())))

    assert sweep(deployment.services).wishes == 0
    assert queue.count() == 0
    assert flag_of(deployment) is None


def test_without_redis_wishes_are_recorded_all_the_same(deployment: SampleDeployment) -> None:
    deployment.configured()
    mail = mail_to_ada(deployment.db)
    lose_redis(deployment)
    wait_in_queue(deployment, waiting_wishes.dumps(wish(deployment, mail)))

    assert sweep(deployment.services).wishes == 1
    assert states(deployment.db)["news"] == "withdrawn"


def lose_redis(deployment: SampleDeployment) -> None:
    deployment.services.redis.close()
    deployment.services.redis = LeanRedis.at("redis://127.0.0.1:1", PREFIX)
    for name in ("due_index", "wishes_flag"):
        deployment.services.__dict__.pop(name, None)


def lose_queue(deployment: SampleDeployment) -> None:
    deployment.services.__dict__["wishes"] = Queue(Sqs("us-east-1", "http://127.0.0.1:1"), "http://127.0.0.1:1/q")


@pytest.mark.parametrize("flag", [True, False])
def test_a_queue_that_does_not_answer_lets_the_flag_stand_and_the_rest_go_on(
    deployment: SampleDeployment, *, flag: bool
) -> None:
    """Without the flag, as where Redis was emptied: it is set, for there may be wishes."""
    deployment.configured()
    deployment.effect()
    if flag:
        deployment.services.wishes_flag.set()
    lose_queue(deployment)

    summary = sweep(deployment.services)

    assert (summary.wishes_away, summary.effects) == (True, 1)
    assert flag_of(deployment) is not None


def test_a_queue_that_does_not_answer_lets_the_flag_stand_also_when_nothing_is_due(
    deployment: SampleDeployment,
) -> None:
    idle(deployment)
    lose_queue(deployment)
    deployment.sleep(MINUTE)

    sweep(deployment.services)

    assert flag_of(deployment) is not None


def test_a_queue_that_fails_once_some_are_recorded_lets_the_flag_stand(
    deployment: SampleDeployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.configured()
    mail = mail_to_ada(deployment.db)
    queue = wait_in_queue(deployment, waiting_wishes.dumps(wish(deployment, mail)))
    first = flag_of(deployment)

    def fail(self: Queue, *args: Any, **how: Any) -> Any:
        if self.url == queue.url:
            raise SqsError("DeleteMessageBatch", "Unreachable", "no answer")

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(Queue, "delete", fail)
        summary = sweep(deployment.services)

    assert (summary.wishes, summary.wishes_away) == (1, True)
    assert states(deployment.db)["news"] == "withdrawn"
    assert flag_of(deployment) not in (None, first)


def test_where_neither_the_queue_nor_redis_answers_nothing_is_recovered_notified_or_drained(
    deployment: SampleDeployment,
) -> None:
    deployment.configured()
    stuck, due = deployment.effect("claimed", lease=-1), deployment.effect()
    lose_queue(deployment)
    lose_redis(deployment)

    with pytest.raises(SqsError):
        sweep(deployment.services)

    assert [deployment.stands(each)["status"] for each in (stuck, due)] == ["claimed", "waiting"]
    assert deployment.services.queue.count() == 0


@pytest.mark.parametrize("flag", ["of another program", b"\xff"])
def test_what_another_program_left_under_the_flags_name_is_taken_for_a_flag(
    deployment: SampleDeployment, flag: str | bytes
) -> None:
    idle(deployment)
    deployment.redis.set(deployment.services.redis.key(wishes_flag.KEY), flag)

    assert not sweep(deployment.services).idle
    assert flag_of(deployment) is None


def test_a_value_of_another_type_under_the_flags_name_stops_nothing(deployment: SampleDeployment) -> None:
    idle(deployment)
    deployment.redis.rpush(deployment.services.redis.key(wishes_flag.KEY), "strange")

    assert sweep(deployment.services).idle
    assert deployment.services.wishes_flag.set() is not None
    assert sweep(deployment.services).idle is False
