"""Each way to corrupt a run is named by verify, and nothing else."""

from collections.abc import Callable
from uuid import UUID, uuid4

import pytest

from drumbeat.ledger.database import Database
from drumbeat.views.run_totals import run_totals
from tests.store.audit.staged_runs import (
    RECORDED,
    approved,
    begun,
    cancelled,
    corrupt,
    expanding,
    finished,
    found,
    kinds,
    paused,
    planned,
    populated,
    resumed,
    running,
)
from tests.store.rows import pass_time
from tests.store.runs.stage import Stage


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drumbeat.runs.sql.PEOPLE_A_CHUNK", 2)


type Corruption = Callable[[Stage, Database], object]


def effect_gone(stage: Stage, owner: Database) -> None:
    run = finished(stage)
    corrupt(owner, "UPDATE contacts SET mailed = '[]' WHERE key = (SELECT min(contact) FROM recipients)")
    _without_first_effect(owner, run)


def _without_first_effect(owner: Database, run: UUID) -> None:
    first = "(SELECT id FROM effects WHERE event_id = %s AND contact = (SELECT min(contact) FROM recipients))"
    for table in ("journal", "attempts", "requests", "outcomes"):
        corrupt(owner, f"DELETE FROM {table} WHERE effect_id = {first}", run)
    corrupt(owner, f"DELETE FROM effects WHERE id = {first}", run)


def effect_gone_before_it_was_sent(stage: Stage, owner: Database) -> None:
    run = running(stage)
    first = "(SELECT id FROM effects WHERE event_id = %s ORDER BY id LIMIT 1)"
    corrupt(owner, f"DELETE FROM journal WHERE effect_id = {first}", run)
    corrupt(owner, f"DELETE FROM effects WHERE id = {first}", run)


def _for_another(owner: Database, effect: UUID, run: UUID, step: str, contact: str) -> None:
    corrupt(
        owner,
        "INSERT INTO effects (id, event_id, version, flow, step, account, action, contact, list, base_due_at, status,"
        " seq, due_at, expires_at, campaign, of_run)"
        f" SELECT %s, event_id, version, flow, %s, account, action, {contact}, list, base_due_at, 'waiting', 1,"
        " 'now', expires_at, campaign, of_run"
        "   FROM effects WHERE event_id = %s LIMIT 1",
        effect, step, run,
    )  # fmt: skip
    corrupt(
        owner,
        "INSERT INTO journal (effect_id, seq, to_status, fence, actor) VALUES (%s, 1, 'waiting', 0, 'planner')",
        effect,
    )


def sent_to_a_stranger(stage: Stage, owner: Database) -> None:
    run = running(stage)
    (key,) = stage.people("eve")
    corrupt(owner, RECORDED)
    (row,) = owner.run(
        "SELECT drumbeat_id(%(run)s, 'campaign:digest', 'mail', encode(%(key)s, 'hex')) AS id",
        {"run": str(run), "key": key},
    )
    _for_another(owner, row["id"], run, "mail", f"'\\x{key.hex()}'")


def sent_by_another_step(stage: Stage, owner: Database) -> None:
    _for_another(owner, uuid4(), running(stage), "more", "contact")


def sent_twice_to_one(stage: Stage, owner: Database) -> None:
    _for_another(owner, uuid4(), running(stage), "mail", "contact")


def sent_though_left_out(stage: Stage, owner: Database) -> None:
    running(stage)
    corrupt(
        owner,
        "UPDATE recipients SET left_since = '{left_audience}' WHERE contact = (SELECT min(contact) FROM recipients)",
    )


def sent_before_its_turn(stage: Stage, owner: Database) -> None:
    run = expanding(stage, chunks=4)
    corrupt(owner, "UPDATE run_progress SET expanded = 0 WHERE run_id = %s", run)
    others = "(SELECT id FROM effects WHERE event_id = %s ORDER BY id OFFSET 1)"
    corrupt(owner, f"DELETE FROM journal WHERE effect_id IN {others}", run, least=0)
    corrupt(owner, f"DELETE FROM effects WHERE id IN {others}", run, least=0)


def sent_at_another_time(stage: Stage, owner: Database) -> None:
    run = running(stage)
    corrupt(owner, f"UPDATE effects SET base_due_at = base_due_at - interval '1 h' WHERE id = {FIRST}", run)


def sent_to_another_list(stage: Stage, owner: Database) -> None:
    run = running(stage)
    corrupt(owner, f"UPDATE effects SET list = NULL WHERE id = {FIRST}", run)


def taken_for_no_runs(stage: Stage, owner: Database) -> None:
    run = running(stage)
    corrupt(owner, f"UPDATE effects SET of_run = false WHERE id = {FIRST}", run)


FIRST = "(SELECT id FROM effects WHERE event_id = %s ORDER BY id LIMIT 1)"


def recipient_gone(stage: Stage, owner: Database) -> None:
    planned(stage)
    corrupt(owner, "DELETE FROM recipients WHERE contact = (SELECT min(contact) FROM recipients)")


def recipient_too_early(stage: Stage, owner: Database) -> None:
    run = begun(stage, 2)
    corrupt(
        owner, "UPDATE recipients SET contact = '\\xffffffffff' WHERE contact = (SELECT max(contact) FROM recipients)"
    )
    corrupt(owner, "UPDATE run_progress SET matched = matched - 1 WHERE run_id = %s", run)


def miscounted(stage: Stage, owner: Database) -> None:
    corrupt(owner, "UPDATE run_progress SET matched = matched + 1 WHERE run_id = %s", running(stage))


def another_time_planned(stage: Stage, owner: Database) -> None:
    planned(stage)
    corrupt(
        owner,
        "UPDATE recipients SET due_at = due_at + interval '1 h' WHERE contact = (SELECT min(contact) FROM recipients)",
    )


def another_plan(stage: Stage, owner: Database) -> None:
    corrupt(owner, "UPDATE plans SET hash = 'other' WHERE event_id = %s", planned(stage))


def another_content(stage: Stage, owner: Database) -> None:
    corrupt(owner, "UPDATE runs SET content = 'other' WHERE id = %s", planned(stage))


def recipients_of_nothing(stage: Stage, owner: Database) -> None:
    planned(stage)
    corrupt(
        owner,
        "INSERT INTO recipients (run_id, contact, due_at) SELECT %s, contact, due_at FROM recipients LIMIT 1",
        uuid4(),
    )


def another_version(stage: Stage, owner: Database) -> None:
    corrupt(owner, "UPDATE plans SET semantics = semantics - 1 WHERE event_id = %s", planned(stage))


def other_steps(stage: Stage, owner: Database) -> None:
    run = begun(stage)
    corrupt(owner, "UPDATE runs SET steps = '{other}' WHERE id = %s", run)


def planned_by_a_later_release(stage: Stage, owner: Database) -> None:
    run = begun(stage)
    corrupt(owner, "UPDATE runs SET semantics = 99 WHERE id = %s", run)


def progress_gone(stage: Stage, owner: Database) -> None:
    corrupt(owner, "DELETE FROM run_progress WHERE run_id = %s", begun(stage))


def another_key(stage: Stage, owner: Database) -> None:
    corrupt(owner, "UPDATE events SET key = key || 'x' WHERE id = %s", planned(stage))


def body_gone(stage: Stage, owner: Database) -> None:
    corrupt(owner, "DELETE FROM payloads WHERE event_id = %s", running(stage))


def move_lost(stage: Stage, owner: Database) -> None:
    corrupt(owner, "DELETE FROM run_journal WHERE run_id = %s AND seq = 2", running(stage))


def moved_from_elsewhere(stage: Stage, owner: Database) -> None:
    corrupt(owner, "UPDATE run_journal SET from_state = 'paused' WHERE run_id = %s AND seq = 3", running(stage))


def forbidden_move(stage: Stage, owner: Database) -> None:
    run = finished(stage)
    owner.run("ALTER TABLE run_journal DROP CONSTRAINT run_moves")
    corrupt(
        owner,
        "INSERT INTO run_journal (run_id, seq, from_state, to_state, actor)"
        " VALUES (%s, 5, 'finished', 'cancelled', 'x')",
        run,
    )
    corrupt(owner, "UPDATE runs SET state = 'cancelled', seq = 5 WHERE id = %s", run)


def state_without_a_move(stage: Stage, owner: Database) -> None:
    corrupt(owner, "UPDATE runs SET state = 'running' WHERE id = %s", finished(stage))
    corrupt(owner, "UPDATE run_progress SET expected_at = drumbeat_now()")


def journal_gone(stage: Stage, owner: Database) -> None:
    corrupt(owner, "DELETE FROM run_journal WHERE run_id = %s", planned(stage))


def another_approved(stage: Stage, owner: Database) -> None:
    corrupt(owner, "UPDATE approvals SET hash = 'other' WHERE run_id = %s", approved(stage))


def approval_gone(stage: Stage, owner: Database) -> None:
    corrupt(owner, "DELETE FROM approvals WHERE run_id = %s", approved(stage))


def approved_afterwards(stage: Stage, owner: Database) -> None:
    corrupt(owner, "UPDATE approvals SET at = at + interval '1 h' WHERE run_id = %s", approved(stage))


def never_asked(stage: Stage, owner: Database) -> None:
    corrupt(owner, "UPDATE runs SET needs_approval = 'configured' WHERE id = %s", running(stage))


def sent_while_paused(stage: Stage, owner: Database) -> None:
    run = resumed(stage)
    corrupt(
        owner,
        "UPDATE run_journal SET at = at - interval '1 h' WHERE run_id = %s AND to_state IN ('planned', 'expanding')"
        " AND seq < (SELECT seq FROM run_journal WHERE run_id = %s AND to_state = 'paused')",
        run, run,
    )  # fmt: skip
    corrupt(
        owner,
        "UPDATE run_journal SET at = (SELECT min(opened_at) FROM attempts) - interval '1 s'"
        " WHERE run_id = %s AND to_state = 'paused'",
        run,
    )
    corrupt(
        owner,
        "UPDATE run_journal SET at = (SELECT min(opened_at) FROM attempts) + interval '1 us'"
        " WHERE run_id = %s AND from_state = 'paused'",
        run,
    )


def forgotten_by_workers(stage: Stage, owner: Database) -> None:
    running(stage)
    pass_time(owner, minutes=20)


def forgotten_half_way(stage: Stage, owner: Database) -> None:
    expanding(stage)
    pass_time(owner, minutes=20)


def never_finished(stage: Stage, owner: Database) -> None:
    run = finished(stage)
    corrupt(owner, "UPDATE runs SET state = 'running', seq = seq - 1 WHERE id = %s", run)
    corrupt(owner, "DELETE FROM run_journal WHERE run_id = %s AND to_state = 'finished'", run)
    pass_time(owner, minutes=20)


def pause_never_over(stage: Stage, owner: Database) -> None:
    run = paused(stage)
    corrupt(owner, "UPDATE runs SET resumes_at = drumbeat_now() WHERE id = %s", run)
    pass_time(owner, minutes=20)


def cancelled_and_waiting(stage: Stage, owner: Database) -> None:
    run = cancelled(stage)
    first = "(SELECT id FROM effects WHERE event_id = %s AND status = 'cancelled' ORDER BY id LIMIT 1)"
    corrupt(owner, f"DELETE FROM journal WHERE to_status = 'cancelled' AND effect_id <> {first}", run)


def cap_forgotten(stage: Stage, owner: Database) -> None:
    finished(stage)
    corrupt(owner, "UPDATE contacts SET mailed = '[]' WHERE key = (SELECT min(contact) FROM recipients)")


def cap_of_nothing(stage: Stage, owner: Database) -> None:
    planned(stage)
    corrupt(
        owner,
        "UPDATE contacts SET mailed = jsonb_build_array(jsonb_build_array(microseconds(drumbeat_now()), %s::text))"
        " WHERE key = (SELECT min(contact) FROM recipients)",
        str(uuid4()),
    )


CORRUPTIONS: list[tuple[str, str, Corruption]] = [
    ("I2", "event-id", another_key),
    ("I2", "body-missing", body_gone),
    ("I3", "run-stuck", forgotten_by_workers),
    ("I3", "run-stuck", forgotten_half_way),
    ("I3", "run-stuck", never_finished),
    ("I3", "run-stuck", pause_never_over),
    ("I7", "run-journal", move_lost),
    ("I7", "run-journal", moved_from_elsewhere),
    ("I7", "run-journal", forbidden_move),
    ("I7", "run-fold", state_without_a_move),
    ("I7", "run-fold", journal_gone),
    ("I8", "while-halted", sent_while_paused),
    ("I8", "mailed-fold", cap_forgotten),
    ("I8", "mailed-fold", cap_of_nothing),
    ("I9", "plan-unread", planned_by_a_later_release),
    ("I9", "run-other", another_version),
    ("I9", "run-other", other_steps),
    ("I9", "run-other", progress_gone),
    ("I9", "run-count", recipient_gone),
    ("I9", "run-count", recipient_too_early),
    ("I9", "run-count", miscounted),
    ("I9", "run-hash", another_time_planned),
    ("I9", "run-hash", another_plan),
    ("I9", "run-hash", another_content),
    ("I9", "recipient-stray", recipients_of_nothing),
    ("I9", "approval-other", another_approved),
    ("I9", "unapproved", approval_gone),
    ("I9", "unapproved", approved_afterwards),
    ("I9", "unapproved", never_asked),
    ("I9", "effect-missing", effect_gone),
    ("I9", "effect-missing", effect_gone_before_it_was_sent),
    ("I9", "plan-deviation", sent_to_a_stranger),
    ("I9", "plan-deviation", sent_by_another_step),
    ("I9", "plan-deviation", sent_twice_to_one),
    ("I9", "plan-deviation", sent_though_left_out),
    ("I9", "plan-deviation", sent_before_its_turn),
    ("I9", "effect-other", sent_at_another_time),
    ("I9", "effect-other", sent_to_another_list),
    ("I9", "effect-other", taken_for_no_runs),
]


@pytest.mark.parametrize(("invariant", "kind", "spoil"), CORRUPTIONS, ids=[each[2].__name__ for each in CORRUPTIONS])
def test_one_corruption_is_named_and_nothing_else(
    stage: Stage, owner: Database, invariant: str, kind: str, spoil: Corruption
) -> None:
    populated(stage, owner)

    spoil(stage, owner)

    (violation,) = found(stage)
    assert (violation.invariant, violation.kind) == (invariant, kind)
    assert "{" not in violation.sentence
    assert "example.com" not in violation.sentence


UNBALANCING: tuple[Corruption, ...] = (
    effect_gone, sent_by_another_step, sent_twice_to_one, sent_though_left_out, recipient_gone, miscounted,
)  # fmt: skip


@pytest.mark.parametrize("spoil", UNBALANCING)
def test_a_run_that_does_not_add_up_is_always_named(stage: Stage, owner: Database, spoil: Corruption) -> None:
    """Each chunk sees a part of a run; that the parts add up follows from what it compares."""
    populated(stage, owner)
    spoil(stage, owner)
    (run,) = stage.db.run("SELECT id FROM runs")

    assert any(step.unaccounted for step in run_totals(stage.db, run["id"])) or spoil is sent_by_another_step
    assert kinds(stage) != []
