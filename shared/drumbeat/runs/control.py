"""What people do with runs: plan, start, approve, pause, resume, cancel, and send to those who did not get it.

Each is one statement that names the states it may come from. A pause holds for every attempt that is not opened yet:
the opening locks the row of its run.
"""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from drumbeat.core.errors import ConfigurationChanged, NotFound, Stale
from drumbeat.core.runs import GOING, RunReason, RunState
from drumbeat.ledger import configs
from drumbeat.planning.run_content import configuration_differences
from drumbeat.runs import sql
from drumbeat.runs.advance import advance, expect_at, expect_soon
from drumbeat.runs.sql import Run
from drumbeat.services import Services

CANCELLABLE = (RunState.PLANNED, RunState.AWAITING_APPROVAL, RunState.MISSED, RunState.PAUSED, *GOING)
AT_ONCE_SECONDS = 3.0  # of a request, for steps of a run; a worker takes the others


def find(id: UUID, services: Services) -> Run:
    """Return a run. Raises NotFound."""
    run = sql.get(services.db, [id]).get(id)
    if run is None:
        raise NotFound(f"there is no run {id}. Nothing was changed; `drumbeat campaign list` shows the newest runs.")
    return run


def start(id: UUID, *, actor: str, approves: bool, services: Services) -> Run:
    """Start a run that was only planned; without `approves` it waits for a person who may.

    Raises:
        NotFound, Stale: it was started, or what it depends on was configured otherwise since.
    """
    run = find(id, services)
    if run.state is not RunState.PLANNED or run.starts:
        raise Stale(f"this run is {run.state} and cannot be started again. Nothing was changed.")
    refuse_changed(run, services)
    expect_soon(id, services)
    sql.ask_to_start(services.db, id, actor=actor, needs_approval=None if approves else RunReason.PROPOSED)
    return go_on(id, services)


def approve(id: UUID, hash: bytes, *, actor: str, services: Services, reason: str | None = None) -> Run:
    """Approve the plan with this hash; a run that waited for it begins. Who approved first, and why, is kept.

    Raises:
        NotFound, Stale: the plan has another hash, is not complete, or what it depends on was configured otherwise.
    """
    run = find(id, services)
    if run.plan_hash is None:
        raise Stale("this run is still being planned, so there is nothing to approve yet. Ask again in a moment.")
    if run.plan_hash != hash:
        raise Stale(
            f"the plan of this run has the hash {run.plan_hash.hex()}, and another one was approved. Nothing was"
            " changed; look at the plan as it is, and approve that."
        )
    if run.approved == hash and run.state is not RunState.AWAITING_APPROVAL:
        return run
    refuse_changed(run, services)
    if run.state not in (RunState.PLANNED, RunState.AWAITING_APPROVAL):
        raise Stale(f"this run is {run.state}: there is nothing to approve. Nothing was changed.")
    expect_soon(id, services)
    sql.approve(services.db, id, hash, actor=actor, reason=reason)
    sql.move(services.db, id, RunState.EXPANDING, of=[RunState.AWAITING_APPROVAL], actor=actor)
    return go_on(id, services)


def pause(
    id: UUID, *, actor: str, reason: str, services: Services, until: datetime | None = None, seq: int | None = None
) -> Run:
    """Pause a run: no mail of it is opened any more once this returns; a pause that stands is only prolonged.

    Raises NotFound, Stale.
    """
    if until is not None:  # the relay may have nothing else to look for
        expect_at(id, until, services)
    states = (*GOING, RunState.PAUSED)
    return _moved(id, RunState.PAUSED, states, services, actor=actor, reason=reason, until=until, seq=seq)


def resume(id: UUID, *, actor: str, reason: str, services: Services, seq: int | None = None) -> Run:
    """Let a paused run go on. Raises NotFound, Stale."""
    expect_soon(id, services)
    _moved(id, RunState.RUNNING, [RunState.PAUSED], services, actor=actor, reason=reason, seq=seq)
    return go_on(id, services)


def cancel(id: UUID, *, actor: str, reason: str, services: Services, seq: int | None = None) -> Run:
    """End a run: what is not opened yet is never sent. Raises NotFound, Stale."""
    expect_soon(id, services)
    _moved(id, RunState.CANCELLED, CANCELLABLE, services, actor=actor, reason=reason, seq=seq)
    return go_on(id, services)


def _moved(
    id: UUID,
    to: RunState,
    of: Collection[RunState],
    services: Services,
    *,
    actor: str,
    reason: str,
    until: datetime | None = None,
    seq: int | None = None,
) -> Run:
    moved = sql.move(
        services.db, id, to, of=of, actor=actor, reason=RunReason.PERSON, detail=reason, resumes_at=until, seq=seq
    )
    run = find(id, services)
    # Asked again, as after an answer that was lost, it is as it was asked for.
    there = GOING if to is RunState.RUNNING else (to,)
    if moved is None and run.state not in there:
        raise Stale(
            f"this run is {run.state}"
            + (f" at version {run.seq}, and you decided on version {seq}" if seq is not None else "")
            + ". Nothing was changed; look at it again."
        )
    return run


def go_on(id: UUID, services: Services) -> Run:
    """Wake workers for a run; what of it fits into this request is done at once."""
    until = services.clock.elapsed() + AT_ONCE_SECONDS
    advanced = advance(id, services, lambda: services.clock.elapsed() < until)
    run = advanced.run or find(id, services)
    if advanced.unfinished:
        services.notifier.notify_again([id], [])
    return run


def refuse_changed(run: Run, services: Services) -> None:
    """Raises ConfigurationChanged where what a run depends on was configured otherwise since it was planned."""
    newest = configs.newest(services.db)
    assert newest is not None
    if newest.version == run.version:
        return
    changed = configuration_differences(services.configuration(run.version), newest, run.campaign)
    if changed:
        raise ConfigurationChanged(
            f"version {newest.version} of the configuration is in force, this run was planned by version {run.version},"
            f" and what it depends on has changed: {'; '.join(changed)}. Nothing was sent; plan it anew.",
            changed,
        )
