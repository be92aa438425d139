"""A stop holds for every attempt that is opened once it is answered; what it held goes on once, when it is lifted."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest

from drumbeat.core.errors import NotFound, Stale
from drumbeat.core.invariants import Invariant
from drumbeat.delivery import claims_sql
from drumbeat.delivery.batch import carry_out
from drumbeat.ledger import stops
from drumbeat.ledger.database import Database
from drumbeat.operations.stops import resume, resume_everything, retry, stop
from drumbeat.relay import sql as relay_sql
from tests.conftest import TestDatabase
from tests.store.delivery.workers import Worker, effect
from tests.store.locks import wait_for_lock
from tests.store.rows import journal, pass_time, status

ADA = "person:ada"


def halt(worker: Worker, account: str | None, invariant: Invariant | None = None) -> None:
    stop(account, reason="look into it", actor=ADA, services=worker, invariant=invariant)


def test_a_stop_holds_for_its_account_alone_and_what_it_held_goes_on_once(worker: Worker) -> None:
    held, free = effect(worker.db), effect(worker.db, account="two")
    halt(worker, "one")
    before = journal(worker.db, held)

    worker.deliver(effects=[held, free])
    stopped = journal(worker.db, held)
    resume("one", reason="it was nothing", actor=ADA, services=worker)
    worker.deliver(effects=[held, free])
    worker.deliver(effects=[held, free])

    assert stopped == before
    assert worker.calls.batches == [[str(free)], [str(held)]]


def test_everything_is_stopped_also_what_is_planned_afterwards(worker: Worker) -> None:
    held = effect(worker.db)
    halt(worker, None)
    later = effect(worker.db, account="two")

    worker.deliver(effects=[held, later])
    called = [*worker.calls.batches]
    resumed = resume_everything(reason="go on", actor=ADA, services=worker)
    worker.deliver(effects=[held, later])

    assert called == []
    assert (resumed.effects, resumed.stopped) == (2, [])
    assert {status(worker.db, held), status(worker.db, later)} == {"accepted"}


def test_what_was_claimed_before_the_stop_is_put_back(worker: Worker) -> None:
    one = effect(worker.db)
    claimed = claims_sql.claim(worker.db, [one], lease=timedelta(seconds=60), limit=1)

    halt(worker, "one")
    carry_out(claimed, worker.clock.elapsed(), worker)

    assert worker.calls.batches == []
    assert status(worker.db, one) == "waiting"
    assert worker.db.run("SELECT FROM effects WHERE id = %s AND reason_code = 'stopped'", (one,))


def test_an_opening_waits_for_a_stop_that_is_being_committed(worker: Worker, database: TestDatabase) -> None:
    one = effect(worker.db)
    with psycopg.connect(database.admin_url) as other, ThreadPoolExecutor() as pool:
        other.execute("""UPDATE gate SET stops = '[{"account": null, "invariant": null, "actor": "a", "reason": "b",
                                                    "at": "2026-01-01T00:00:00Z"}]'""")
        delivered = pool.submit(worker.deliver, effects=[one])
        with psycopg.connect(database.admin_url, autocommit=True) as looking:
            wait_for_lock(looking)
        other.commit()
        delivered.result()

    assert worker.calls.batches == []
    assert status(worker.db, one) == "waiting"


def test_what_expires_while_it_is_stopped_ends(worker: Worker, owner: Database) -> None:
    one = effect(worker.db)
    halt(worker, None)
    pass_time(owner, seconds=8 * 86_400.0)

    worker.deliver(effects=[one])

    assert status(worker.db, one) == "cancelled"
    assert worker.calls.batches == []


def test_the_relay_is_neither_woken_by_what_is_stopped_nor_forgets_it(worker: Worker) -> None:
    one = effect(worker.db)
    halt(worker, "one")
    during = due(worker)

    resume("one", reason=None, actor=ADA, services=worker)

    assert (during, due(worker)) == ([], [one])


def due(worker: Worker) -> list[UUID]:
    found = relay_sql.due_effects(worker.db, ahead=timedelta(minutes=2), allowances={}, otherwise=100, limit=100)
    return [each.id for each in found]


def test_who_stopped_what_and_why_is_in_the_journal_once(worker: Worker) -> None:
    for _ in range(2):
        halt(worker, "one")
    halt(worker, None)
    for _ in range(2):
        resume("one", reason="it was nothing", actor="person:bob", services=worker)

    entries = stops.journal(worker.db, before=None, limit=9)
    lines = [(each.account, each.stopped, each.reason, each.actor) for each in entries]
    assert lines == [
        ("one", False, "it was nothing", "person:bob"),
        (None, True, "look into it", ADA),
        ("one", True, "look into it", ADA),
    ]
    assert [each.account for each in stops.in_force(worker.db)] == [None]


def test_what_an_invariant_has_stopped_goes_on_by_its_name_alone(worker: Worker) -> None:
    one = effect(worker.db)
    halt(worker, "one", Invariant.DUPLICATES)
    halt(worker, "one")

    with pytest.raises(Stale, match="resume --invariant duplicates"):
        resume("one", reason=None, actor=ADA, services=worker)
    resume_everything(reason="all", actor=ADA, services=worker)
    worker.deliver(effects=[one])
    called = [*worker.calls.batches]
    resume_everything(reason="seen", actor=ADA, services=worker, invariant=Invariant.DUPLICATES)
    worker.deliver(effects=[one])

    assert (called, worker.calls.batches) == ([], [[str(one)]])


def test_an_account_that_there_is_not_is_neither_stopped_nor_resumed(worker: Worker) -> None:
    with pytest.raises(NotFound):
        halt(worker, "mial")
    with pytest.raises(NotFound):
        resume("mial", reason=None, actor=ADA, services=worker)
    assert stops.in_force(worker.db) == []


def test_who_resumes_ends_no_stop_that_came_after_what_they_saw(worker: Worker) -> None:
    halt(worker, "one")
    seen = stops.in_force(worker.db)[0].at
    resume("one", reason="it was nothing", actor=ADA, services=worker, seen=seen)
    halt(worker, "one")

    resume("one", reason="again, for the answer was lost", actor=ADA, services=worker, seen=seen)

    assert [each.account for each in stops.in_force(worker.db)] == ["one"]


def test_another_try_of_an_account_ends_no_stop(worker: Worker) -> None:
    halt(worker, "one")

    with pytest.raises(Stale, match="stopped by person:ada"):
        retry("one", reason="it is up again", actor=ADA, services=worker)

    assert [each.account for each in stops.in_force(worker.db)] == ["one"]


def test_a_stop_comes_though_there_is_always_an_opening(worker: Worker, database: TestDatabase) -> None:
    opening = f"SELECT pg_advisory_xact_lock_shared({stops.QUEUE})"
    over = threading.Event()

    def open_again_and_again(first: float) -> None:
        with psycopg.connect(database.admin_url) as other:
            over.wait(first)
            while not over.is_set():
                other.execute(opening)
                other.execute("SELECT FROM gate FOR SHARE")
                over.wait(0.05)
                other.commit()

    with ThreadPoolExecutor() as pool:
        openings = [pool.submit(open_again_and_again, share * 0.02) for share in range(4)]
        try:
            halt(worker, None)
        finally:
            over.set()
        for each in openings:
            each.result()

    assert [each.account for each in stops.in_force(worker.db)] == [None]
