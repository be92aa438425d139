"""A run that ended is sent to those who did not get it: counted first, then once more through its chunks.

What is left of it is found by the relay, as all that a run has to do: this may be stopped anywhere, and repeated.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from drumbeat.core.errors import Stale
from drumbeat.core.runs import ENDED, RunState
from drumbeat.runs import control, missing_sql, sql
from drumbeat.runs.advance import expect_soon
from drumbeat.runs.configured import configured
from drumbeat.runs.missing_sql import Without
from drumbeat.runs.sql import Run
from drumbeat.services import Services


@dataclass(frozen=True, slots=True)
class Missing:
    """Who got no mail of a run. `total`: how many mails sending to them would make."""

    counts: Sequence[Without]
    total: int


def missing(id: UUID, services: Services) -> Missing:
    """Count the people of a run who got no mail of it, and still may. Raises NotFound, Stale: it has not ended."""
    return _missing(_ended(id, services), services)


def send(id: UUID, *, expected: int, reason: str, actor: str, services: Services) -> Run:
    """Send a run to those who did not get it, if they are as many as `expected`; a worker does what takes longer.

    Never again to a person whose mail was accepted, or may have been. Consent is read again at each opening.

    Raises:
        NotFound.
        Stale: it has not ended, or they are not so many any more.
        ConfigurationChanged: it never began, and what it depends on was configured otherwise since.
    """
    run = _ended(id, services)
    if run.state is RunState.MISSED:
        control.refuse_changed(run, services)
    found = _missing(run, services).total
    if found != expected:
        raise Stale(f"these are {found:,} mails now, and you expected {expected:,}. Nothing was changed; look again.")
    if found == 0:
        raise Stale("there is no person left whom this run did not reach and still may. Nothing was changed.")
    expect_soon(id, services)
    if not missing_sql.begin(services.db, run, reason=reason, actor=actor):
        raise Stale("this run moved on this very moment. Nothing was changed; look at it again.")
    return control.go_on(id, services)


def _missing(run: Run, services: Services) -> Missing:
    _, campaign = configured(run, services)
    counts = missing_sql.count(services.db, run.id, campaign.steps)
    return Missing(counts, sum(each.people - each.barred for each in counts))


def _ended(id: UUID, services: Services) -> Run:
    run = control.find(id, services)
    if run.state not in ENDED:
        raise Stale(f"this run is {run.state}: it still goes on, or was not started. Nothing was changed.")
    if run.state is RunState.CANCELLED and not sql.has_begun(services.db, id):
        raise Stale("this run was cancelled before it began. Nothing was changed; plan it anew.")
    return run
