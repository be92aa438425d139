"""What people do with the runs of campaigns: each asks until it is done, or until the run has gone another way."""

import contextlib
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

import psycopg

from drumbeat.campaigns import firing
from drumbeat.core import ids
from drumbeat.core.errors import ConfigurationChanged, NotFound, Problem, Stale
from drumbeat.ingest import recording
from drumbeat.ledger import configs
from drumbeat.operations import stops
from drumbeat.runs import control, missing
from drumbeat.services import Services
from drumbeat.wakeups.queue import Turn, WakeUp
from tests.faults.deployment import ACTOR
from tests.faults.queues import EFFECTS
from tests.faults.world import MAX_CLIENT_TRIES, World

WORDS = "looked"
STANDS = "SELECT state FROM runs WHERE id = %s"


class CampaignRuns(World):
    """A deployment whose people start runs and decide about them."""

    def start_run(self, campaign: str, key: str = "one", *, plan: bool = False, who: str = "person") -> UUID:
        """Ask for a run of a campaign, or for its plan alone, until that is acknowledged; return the run's id."""
        for _ in range(MAX_CLIENT_TRIES):
            with self.living(who) as process, contextlib.suppress(Problem, psycopg.Error):
                config = configs.newest(process.db)
                assert config is not None
                now = process.clock.now()
                arrival = firing.run_by_hand(config.campaigns[campaign], key, actor=ACTOR, now=now, plan=plan)
                recording.record(arrival, process.door)
                self.runs.add(arrival.id)
                break
            self.advance(1.0)
        return ids.event_id(campaign, f"run:{key}")

    def start_planned(self, run: UUID, who: str = "person") -> bool:
        """Start a run that was only planned."""
        return self._ask(who, lambda at: control.start(run, actor=ACTOR, approves=True, services=at))

    def approve_run(self, run: UUID, who: str = "person") -> bool:
        """Approve the plan of a run as it is."""

        def approve(services: Services) -> None:
            hash = control.find(run, services).plan_hash
            control.approve(run, hash or b"", actor=ACTOR, services=services)

        return self._ask(who, approve)

    def pause_run(self, run: UUID, *, until: datetime | None = None, who: str = "person") -> bool:
        """Pause a run, possibly until an instant."""
        return self._ask(who, lambda at: control.pause(run, actor=ACTOR, reason=WORDS, services=at, until=until))

    def resume_run(self, run: UUID, who: str = "person") -> bool:
        """Let a run that is paused go on."""
        return self._ask(who, lambda at: control.resume(run, actor=ACTOR, reason=WORDS, services=at))

    def cancel_run(self, run: UUID, who: str = "person") -> bool:
        """End a run."""
        self.cancelled.add(run)
        return self._ask(who, lambda at: control.cancel(run, actor=ACTOR, reason=WORDS, services=at))

    def stop(self, account: str | None, who: str = "person") -> bool:
        """Stop an account, or everything."""
        return self._ask(who, lambda at: stops.stop(account, reason=WORDS, actor=ACTOR, services=at))

    def go_on(self, account: str | None, who: str = "person") -> bool:
        """Let an account go on that was stopped, or everything."""
        if account is None:
            return self._ask(who, lambda at: stops.resume_everything(reason=WORDS, actor=ACTOR, services=at))
        return self._ask(who, lambda at: stops.resume(account, reason=WORDS, actor=ACTOR, services=at))

    def send_missing(self, run: UUID, who: str = "person") -> bool:
        """Send a run that ended to those who did not get it."""

        def send(services: Services) -> None:
            total = missing.missing(run, services).total
            missing.send(run, expected=total, reason=WORDS, actor=ACTOR, services=services)

        return self._ask(who, send)

    def _ask(self, who: str, act: Callable[[Services], object]) -> bool:
        """Return whether it was done: the run may be past that, or not begun."""
        for _ in range(MAX_CLIENT_TRIES):
            with self.living(who) as process, contextlib.suppress(psycopg.Error):
                try:
                    act(process)
                except (NotFound, Stale, ConfigurationChanged):
                    return False
                return True
            self.advance(1.0)
        return False

    def run_stands(self, run: UUID) -> str | None:
        """Return the state of a run; None: it has not begun."""
        return next((row["state"] for row in self.environment.owner.run(STANDS, (run,))), None)

    def turns_asked(self) -> list[Turn]:
        """List the turns that wait in the queue."""
        return [turn for sent in self.queues.queues[EFFECTS] for turn in WakeUp.loads(sent.body).turns]
