"""Deliberate bugs. Runs of campaigns: who is meant, how far they have come, and what keeps a mail from being opened."""

from typing import Any
from uuid import UUID

from psycopg.sql import SQL

from drumbeat.delivery import attempts_sql, run_bars_sql, run_turns
from drumbeat.relay import runs as relay_runs
from drumbeat.runs import advance, chunks_sql, control, endings_sql, expansion_sql, gathering_sql, work_sql
from drumbeat.runs import sql as runs_sql
from drumbeat.services import Services
from tests.faults.fault_points import Fault, Site
from tests.faults.mutations.mutation import Mutation, Patch, change_statement
from tests.faults.proof import StoryWithFault


def _change_template(patch: Patch, statement: str, before: str, after: str) -> None:
    """Change a statement that is put together when it is run."""
    text = getattr(expansion_sql, statement).as_string()
    assert text.count(before) == 1, f"{statement} does not hold {before!r} once"
    patch.setattr(expansion_sql, statement, SQL(text.replace(before, after)))


def _take_progress_without(patch: Patch, guard: str) -> None:
    mine = chunks_sql.mine

    def without(part: str) -> str:
        guards = mine(part)
        assert guards.count(guard.format(part=part)) == 1
        return guards.replace(guard.format(part=part), "")

    for module in (gathering_sql, expansion_sql):
        patch.setattr(module, "mine", without)


# ---------------------------------------------------------------- the opening


def _read_the_run_without_the_lock(patch: Patch) -> None:
    change_statement(patch, attempts_sql, "OPEN_OF_RUN", ("ORDER BY r.id\n           FOR SHARE\n", "ORDER BY r.id\n"))


def _count_mails_without_the_lock(patch: Patch) -> None:
    change_statement(patch, attempts_sql, "OPEN_OF_RUN", ("           FOR NO KEY UPDATE\n", ""))


def _mail_without_end(patch: Patch) -> None:
    change_statement(patch, attempts_sql, "OPEN_OF_RUN", ("WHERE NOT again AND place > most", "WHERE false"))


def _forget_who_was_mailed(patch: Patch) -> None:
    change_statement(patch, attempts_sql, "OPEN_OF_RUN", ("WHERE c.key = new.key", "WHERE false"))


def _open_for_a_cancelled_run(patch: Patch) -> None:
    opens = [*run_bars_sql.LIMIT["open"], "cancelled"]  # type: ignore[misc]
    patch.setattr(run_bars_sql, "LIMIT", {**run_bars_sql.LIMIT, "open": opens})


def _open_for_a_paused_run(patch: Patch) -> None:
    opens = [*run_bars_sql.LIMIT["open"], "paused"]  # type: ignore[misc]
    patch.setattr(run_bars_sql, "LIMIT", {**run_bars_sql.LIMIT, "open": opens})


def _mail_who_left(patch: Patch) -> None:
    change_statement(
        patch, attempts_sql, "OPEN_OF_RUN", ("AND consent_state(own.consents, e.list) <> 'given'", "AND false")
    )


def _mail_in_quiet_hours(patch: Patch) -> None:
    patch.setattr("drumbeat.delivery.batch.quiet_seconds", lambda effect, services: 0.0)


def _send_however_late(patch: Patch) -> None:
    patch.setattr(runs_sql, "miss", lambda db, id, before: None)


# ---------------------------------------------------------------- snapshot, plan, effects


def _plan_before_all_are_recorded(patch: Patch) -> None:
    change_statement(patch, gathering_sql, "PLAN", (" AND progress.gathered = progress.chunks", ""))
    plan = advance._plan

    def early(run: Any, services: Any) -> bool:
        if run.gathered == 0 or run.gathered == run.chunks:
            return plan(run, services)
        if run.plan_hash is None:
            gathering_sql.record_plan(services.db, run)
            return True
        started: bool = advance._begin_or_wait(run, services)
        return started

    patch.setattr(advance, "_plan", early)


def _ignore_who_is_left_out(patch: Patch) -> None:
    _change_template(patch, "_EXPAND", "recipients.left_out[steps.place] IS NULL AND ", "")


def _take_a_chunk_twice(patch: Patch) -> None:
    _take_progress_without(patch, " AND progress.{part} = %(number)s")


def _take_a_chunk_without_the_lock(patch: Patch) -> None:
    _take_progress_without(patch, "           FOR NO KEY UPDATE OF progress SKIP LOCKED\n")


def _expand_without_reading_the_audience_again(patch: Patch) -> None:
    expand = expansion_sql.expand
    patch.setattr(expansion_sql, "expand", lambda db, run, flow, steps, review: expand(db, run, flow, steps, None))


def _approve_whatever_changed(patch: Patch) -> None:
    patch.setattr(control, "refuse_changed", lambda run, services: None)


def _start_without_approval(patch: Patch) -> None:
    patch.setattr(advance, "_approval", lambda run, services: None)


def _begin_whatever_began_meanwhile(patch: Patch) -> None:
    change_statement(patch, runs_sql, "MOVE", (" OR known.number = %(begun)s", " OR true"))


# ---------------------------------------------------------------- going on


def _start_no_lost_turn(patch: Patch) -> None:
    patch.setattr(relay_runs, "start", lambda run, services, wakes, unknown: None)


def _rest_without_looking_again(patch: Patch) -> None:
    patch.setattr(run_turns, "_look_again", lambda work, rests, services: None)


def _leave_what_the_dead_held(patch: Patch) -> None:
    patch.setattr(run_turns, "_recover", lambda work, services: None)


def _leave_what_is_under_way(patch: Patch) -> None:
    patch.setattr(work_sql, "is_under_way", lambda db, run: False)


def _let_nothing_stand_in_for_the_end_of_a_pause(patch: Patch) -> None:
    patch.setattr(
        control,
        "expect_at",
        lambda id, when, services: services.due_index.set({advance.due_entry(id): when.timestamp()}),
    )


def _forget_the_end_of_a_pause(patch: Patch) -> None:
    """As it was: a message that came again cleared the entry by which the relay knows."""
    take_forward = advance.advance

    def forgets(id: UUID, services: Services, has_time: Any) -> Any:
        advanced = take_forward(id, services, has_time)
        services.due_index.clear([advance.due_entry(id)])
        return advanced

    patch.setattr("drumbeat.delivery.deliver.advance", forgets)


def _count_a_pause_as_lateness(patch: Patch) -> None:
    change_statement(patch, runs_sql, "MOVE", ("AND before = 'paused'", "AND false"))


def _leave_the_mails_of_a_cancelled_run(patch: Patch) -> None:
    patch.setattr(endings_sql, "cancel_effects", lambda db, run: 0)


MUTATIONS = (
    Mutation("a run's state is read without the lock", _read_the_run_without_the_lock, "pause"),
    Mutation("mails to a person are counted without the lock", _count_mails_without_the_lock, "cap"),
    Mutation("a person is mailed without end", _mail_without_end, "crossed"),
    Mutation("no one keeps who was mailed", _forget_who_was_mailed, "crossed"),
    Mutation("a mail of a cancelled run is opened", _open_for_a_cancelled_run, "a run is cancelled just in time"),
    Mutation("a mail of a paused run is opened", _open_for_a_paused_run, "a run is paused just in time"),
    Mutation("who has left gets the mail of a run", _mail_who_left, "met"),
    Mutation("people are mailed in quiet hours", _mail_in_quiet_hours, "quiet"),
    Mutation("what is too late is sent", _send_however_late, "interrupted"),
    Mutation("a plan is recorded before all its people are", _plan_before_all_are_recorded, "sold"),
    Mutation("who is left out of a plan has an effect", _ignore_who_is_left_out, "sold"),
    Mutation("a chunk is taken twice", _take_a_chunk_twice, "chunks"),
    Mutation("a chunk is taken without the lock", _take_a_chunk_without_the_lock, "chunks"),
    Mutation("an old plan is carried out as it was", _expand_without_reading_the_audience_again, "approved"),
    Mutation("what is approved has changed since", _approve_whatever_changed, "approved"),
    Mutation("a run begins without the approval that it needs", _start_without_approval, "approved"),
    Mutation(
        "a run begins on what it read before another did",
        _begin_whatever_began_meanwhile,
        "two runs that say the same are started at once",
    ),
    Mutation("a turn that is lost stays lost", _start_no_lost_turn, "forgotten"),
    Mutation("a turn rests on what it saw", _rest_without_looking_again, "a run is resumed while a turn ends"),
    Mutation(
        "what a dead worker held waits for the relay",
        _leave_what_the_dead_held,
        "a worker dies in a turn that has no entry",
    ),
    Mutation(
        "a paused run ends its turns while a call is open",
        _leave_what_is_under_way,
        "an outcome is unknown in a run that was paused",
    ),
    Mutation(
        "the end of a pause is only in Redis",
        _let_nothing_stand_in_for_the_end_of_a_pause,
        "a run is paused for a while, without Redis",
    ),
    Mutation(
        "the end of a pause is forgotten",
        _forget_the_end_of_a_pause,
        StoryWithFault("halted for a while", Site("person", "db runs.MOVE", 1), Fault.HANG_BEFORE),
    ),
    Mutation("a pause counts as lateness", _count_a_pause_as_lateness, "halted for a while"),
    Mutation("the mails of a cancelled run wait for ever", _leave_the_mails_of_a_cancelled_run, "called off"),
)
