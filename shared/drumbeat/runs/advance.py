"""A run on its way from its event to its last effect: counted, gathered, planned, approved, expanded.

Each step is one statement that is done once and leaves the run a little further, so this may be stopped anywhere, and
done by several at a time. What is left is found by the relay.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from drumbeat.audiences.matching_sql import Matching, matching
from drumbeat.calendar.run_times import TooSlow, ZoneTimes
from drumbeat.core.campaigns import Campaign, campaign_flow
from drumbeat.core.configuration import Config
from drumbeat.core.errors import NotUnderstood
from drumbeat.core.runs import RunReason, RunState
from drumbeat.runs import chunks_sql, endings_sql, expansion_sql, gathering_sql, missing_sql, sql, times
from drumbeat.runs.configured import configured
from drumbeat.runs.said_before import said_before
from drumbeat.runs.sql import Run
from drumbeat.runs.turns import start as start_turns
from drumbeat.services import Services
from drumbeat.wakeups.notifier import STAND_IN_SECONDS
from drumbeat.wakeups.queue import QueueError

WORKER = "worker"
CHECK_SECONDS = 60.0  # after which the relay looks whether a run that is on its way still is

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Advanced:
    """A run as it stands, and whether there was no time for more of it."""

    run: Run | None
    unfinished: bool


def advance(id: UUID, services: Services, has_time: Callable[[], bool]) -> Advanced:
    """Take a run as far as there is time, and see that it has turns: also where Redis does not say which it has.

    Raises psycopg.Error: the ledger is away; the run stays where the last commit left it.
    """
    expected_at = expect_soon(id, services)
    run = sql.get(services.db, [id]).get(id)
    more = run is not None
    try:
        while run is not None and has_time() and (more := _step(run, services)):
            run = sql.get(services.db, [id]).get(id)
    except NotUnderstood as error:
        _LOG.error("run_not_understood", extra={"run_id": str(id), "reason": str(error)})
        return Advanced(run, unfinished=False)
    if run is not None and run.expanded > 0 and run.state in (RunState.RUNNING, RunState.CANCELLED):
        start_turns(run, services, wakes=True, unknown=True)  # who moved it may have died before
    if run is not None and run.state is RunState.PAUSED and run.resumes_at is not None:
        expect_at(id, run.resumes_at, services)
    elif not more and (run is None or not is_on_its_way(run)):
        services.due_index.forget([due_entry(id)], expected_at)  # and not that of a pause which began meanwhile
    return Advanced(run, unfinished=more)


def expect_soon(id: UUID, services: Services) -> float:
    """Let the relay look at a run in a while: before the commit that begins it, or goes on with it; return when."""
    when = services.clock.now().timestamp() + CHECK_SECONDS
    services.due_index.set({due_entry(id): when})
    return when


def expect_at(id: UUID, when: datetime, services: Services) -> None:
    """Let the relay look at a run when its pause ends; where Redis takes no entry, a worker tries again in a while."""
    if services.due_index.set({due_entry(id): when.timestamp()}):
        return
    try:
        services.queue.notify(events=[id], delay=STAND_IN_SECONDS)
    except QueueError as error:
        _LOG.warning("the end of a pause could not be noted; the relay finds it when it checks everything: %s", error)


def due_entry(id: UUID) -> str:
    """Name the due entry of a run that is on its way; its turns have others."""
    return f"run:{id}"


def is_on_its_way(run: Run) -> bool:
    """Return whether a run has steps to take that no person has to ask for."""
    match run.state:
        case RunState.PLANNED:
            return run.starts or run.plan_hash is None
        case RunState.AWAITING_APPROVAL:
            return is_approved(run)
        case RunState.EXPANDING:
            return True
        case _:
            return False


def is_approved(run: Run) -> bool:
    """Return whether a person approved this very plan."""
    return run.approved is not None and run.approved == run.plan_hash


def _step(run: Run, services: Services) -> bool:
    """Take one step; return whether there may be another."""
    match run.state:
        case RunState.PLANNED:
            return _plan(run, services)
        case RunState.AWAITING_APPROVAL:  # who approved it may have died before it moved
            return is_approved(run) and _move(run, RunState.EXPANDING, services)
        case RunState.EXPANDING:
            return _expand(run, services)
        case RunState.CANCELLED:
            return endings_sql.cancel_effects(services.db, run.id) > 0
        case _:
            return False


def _plan(run: Run, services: Services) -> bool:
    if run.gathered < run.chunks:
        return _gather(run, services)
    if run.plan_hash is None:
        gathering_sql.record_plan(services.db, run)
        return True
    return run.starts and _begin_or_wait(run, services)


def _gather(run: Run, services: Services) -> bool:
    config, campaign = configured(run, services)
    matched = audience(run, config, campaign)
    if times.needs_counts(campaign) and run.counted < run.chunks:
        return chunks_sql.count(services.db, run, matched, times.known_zones(campaign))
    known = _times(run, campaign, services)
    if known is None:
        return _move(run, RunState.CANCELLED, services, RunReason.TOO_SLOW)
    return gathering_sql.gather(services.db, run, matched, campaign.steps, known)


def audience(run: Run, config: Config, campaign: Campaign, *, now: bool = False) -> Matching:
    """Return who is in a run's audience: as of when it began, or `now`."""
    assert campaign.audience is not None
    return matching(config, campaign.audience, at=run.now if now else run.as_of)


def _times(run: Run, campaign: Campaign, services: Services) -> tuple[ZoneTimes, ...] | None:
    people, kept = chunks_sql.zones(services.db, run.id)
    if kept is None:
        event = sql.event(services.db, run.id)
        try:
            made = times.worked_out(campaign, people, event, run)
        except TooSlow:
            return None
        chunks_sql.keep_times(services.db, run.id, times.dumps(made))
        _, kept = chunks_sql.zones(services.db, run.id)  # what another kept meanwhile counts
    assert kept is not None
    return times.loads(kept)


def _begin_or_wait(run: Run, services: Services) -> bool:
    """Let a run that is planned begin, wait for approval, or be missed; return whether there may be another step."""
    _, campaign = configured(run, services)
    late = run.now - run.starts_at if run.starts_at is not None else timedelta(0)
    if late > timedelta(seconds=campaign.misfire) and not campaign.is_by_recipient and run.approved is None:
        return _move(run, RunState.MISSED, services, RunReason.LATE, str(late).partition(".")[0])
    if is_approved(run):
        return _move(run, RunState.EXPANDING, services)
    begun = sql.beginnings(services.db, run.campaign)
    if (why := _approval(run, services)) is not None:
        return _move(run, RunState.AWAITING_APPROVAL, services, why)
    _move(run, RunState.EXPANDING, services, begun=begun)
    return True  # where another run of the campaign began meanwhile, this one is judged anew


def _approval(run: Run, services: Services) -> RunReason | None:
    """Return why a person has to approve a run: also where its mails say what those of the last one said."""
    if run.needs_approval is not None:
        return RunReason(run.needs_approval)
    return RunReason.UNCHANGED if said_before(run, services) else None


def _move(
    run: Run,
    to: RunState,
    services: Services,
    reason: RunReason | None = None,
    detail: str | None = None,
    begun: int | None = None,
) -> bool:
    moved = sql.move(
        services.db,
        run.id,
        to,
        of=[run.state],
        actor=run.started_by or WORKER,
        reason=reason,
        detail=detail,
        seq=run.seq,
        begun=begun,
    )
    if moved is not None and to is not RunState.EXPANDING:
        _LOG.warning("run_waits_for_a_person", extra={"run_id": str(run.id), "state": to.value, "reason": reason})
    return moved is not None


def _expand(run: Run, services: Services) -> bool:
    config, campaign = configured(run, services)
    if run.expanded == run.chunks and run.again is not None and run.again < run.chunks:
        again = missing_sql.again(services.db, run, campaign_flow(run.campaign), campaign.steps)
        start_turns(run, services, wakes=True)
        return again
    if run.expanded == run.chunks:
        running = sql.move(services.db, run.id, RunState.RUNNING, of=[RunState.EXPANDING], actor=WORKER, seq=run.seq)
        return running is not None
    review = audience(run, config, campaign, now=True) if run.reviews else None
    expanded = expansion_sql.expand(services.db, run, campaign_flow(run.campaign), campaign.steps, review)
    if expanded:
        # What is due is sent while the rest is expanded; without Redis it is unknown which turns there are.
        start_turns(run, services, wakes=True, unknown=run.expanded == 0)
    return expanded
