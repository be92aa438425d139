"""A whole deployment on simulated time: what happens in it, step by step, until nothing is left to do."""

import contextlib
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg

from drumbeat.audit import watch
from drumbeat.delivery.deliver import deliver
from drumbeat.delivery.planning import plan_events
from drumbeat.infrastructure.sqs.client import SqsError
from drumbeat.ledger.database import Row
from drumbeat.relay import sweep
from drumbeat.wakeups.due_index import KEY, SENTINEL
from drumbeat.wakeups.queue import Message, Queue, WakeUp
from tests.faults.campaign_runs import CampaignRuns
from tests.faults.processes import Process
from tests.faults.queues import BUFFER, EFFECTS, REPORTS, WISHES
from tests.faults.sample_deployment import Lead

MINUTE = 60.0
FUNCTION_TIMEOUT_SECONDS = 60.0  # that a worker has for a batch
MAX_MOMENTS = 1_000  # of one run at which something happens: no story needs so many
LATE_SECONDS = 3 * MINUTE  # something that is due and not looked at for longer is stuck

# A run that is paused moves again when a person says so; nothing of it is left to do until then.
OPEN = """
    SELECT (SELECT count(*)
              FROM effects
              LEFT JOIN runs ON effects.of_run AND runs.id = effects.event_id
             WHERE status IN ('claimed', 'sending', 'unknown')
                OR (runs.state IS DISTINCT FROM 'paused' AND status = 'waiting'
                    AND (due_at < 'infinity' OR NOT EXISTS (SELECT FROM effects e WHERE e.id = effects.after
                                                               AND e.status = 'held'))))
         + (SELECT count(*) FROM events WHERE NOT EXISTS (SELECT FROM plans WHERE event_id = events.id)
                                          AND NOT EXISTS (SELECT FROM runs WHERE runs.id = events.id))
         + (SELECT count(*) FROM runs
             WHERE state IN ('expanding', 'running') OR (state = 'paused' AND resumes_at IS NOT NULL)
                OR (state = 'planned' AND (starts OR NOT EXISTS (SELECT FROM plans WHERE event_id = runs.id)))) AS left
"""
OVERDUE = """
    SELECT 'effect ' || step || ' is ' || status AS what
      FROM effects
      LEFT JOIN runs ON effects.of_run AND runs.id = effects.event_id
     WHERE (status IN ('waiting', 'unknown') AND lease_until IS NULL
            AND greatest(due_at, runs.updated_at) < drumbeat_now() - %(late)s
            AND (runs.state IS DISTINCT FROM 'paused' OR status = 'unknown')
            AND (status = 'unknown' OR NOT (SELECT stops @> '[{"account": null}]'
                                                   OR stops @> jsonb_build_array(jsonb_build_object('account', account))
                                              FROM gate))
            AND greatest(due_at, (SELECT max(at) FROM stop_journal)) < drumbeat_now() - %(late)s
            AND account NOT IN (SELECT account FROM account_states WHERE paused_until > drumbeat_now() - %(late)s))
        OR (status IN ('claimed', 'sending', 'unknown') AND lease_until < drumbeat_now() - %(late)s)
     UNION ALL
    SELECT 'event without a plan' FROM events
     WHERE recorded_at < drumbeat_now() - %(late)s AND NOT EXISTS (SELECT FROM plans WHERE event_id = events.id)
       AND NOT EXISTS (SELECT FROM runs WHERE runs.id = events.id)
     UNION ALL
    SELECT 'run of ' || campaign || ' is ' || state
      FROM runs
      JOIN run_progress ON run_id = id
     WHERE greatest(updated_at, as_of, (SELECT max(effects.updated_at) FROM effects WHERE event_id = runs.id))
           < drumbeat_now() - %(late)s
       AND (state = 'expanding'
            OR (state = 'planned' AND (starts OR NOT EXISTS (SELECT FROM plans WHERE event_id = runs.id)))
            OR (state = 'paused' AND resumes_at < drumbeat_now() - %(late)s)
            OR (state = 'running' AND NOT EXISTS (SELECT FROM effects WHERE event_id = runs.id
                                                     AND status IN ('waiting', 'claimed', 'sending', 'unknown'))))
"""


class Stuck(AssertionError):
    """Nothing changes, though something is left to do."""


class Simulation(CampaignRuns):
    """One run: a seed, a schedule and faults decide everything that is random."""

    # ------------------------------------------------------------ worker and relay

    def work(self, who: str = "worker") -> bool:
        """Process one batch of messages; return False when no message was visible."""
        with self.living(who) as process, contextlib.suppress(SqsError):
            queue = Queue(process.sqs, EFFECTS)
            messages = queue.receive()
            if not messages:
                return False
            with contextlib.suppress(psycopg.Error):  # the invocation fails, its messages come back
                queue.delete(self._invoke(process, messages))
        return True

    def wake(self, wake_up: WakeUp, who: str = "worker") -> None:
        """Let a worker process one wake-up alone; what is left to do has its due entries."""
        with self.living(who) as process, contextlib.suppress(psycopg.Error):
            deliver([wake_up], process, lambda: FUNCTION_TIMEOUT_SECONDS)

    def abandon(self, lead: Lead, who: str = "worker") -> None:
        """Let a worker take a message, plan and claim a lead's effects, and die; the due entries stay."""
        with self.living(who) as process, contextlib.suppress(psycopg.Error, SqsError):
            Queue(process.sqs, EFFECTS).receive()
            plan_events([lead.event], process)
            process.dead = True

    def _invoke(self, process: Process, messages: list[Message]) -> list[Message]:
        """Do what the worker function does; return the messages that are finished."""
        wake_ups = {message.id: WakeUp.loads(message.body) for message in messages}
        started = process.clock.elapsed()
        done = deliver(
            list(wake_ups.values()), process, lambda: FUNCTION_TIMEOUT_SECONDS - (process.clock.elapsed() - started)
        )
        unfinished = done.missing | done.left
        return [message for message in messages if unfinished.isdisjoint(_ids(wake_ups[message.id]))]

    def sweep(self, who: str = "relay") -> None:
        """Run the relay once."""
        with self.living(who) as process, contextlib.suppress(psycopg.Error, SqsError):
            sweep.sweep(process, look=watch.look)

    # ------------------------------------------------------------ until nothing is left

    def drain(self, who: str = "worker") -> None:
        """Work until no message is visible."""
        for _ in range(100):
            if not self.work(who):
                return
        raise Stuck("the messages do not end")

    def settle(self, *, within: float = 3 * 86_400.0, prompt: bool = False) -> None:
        """Run relay and worker, minute by minute, until nothing is left to do. Raises Stuck.

        `prompt`: nothing that is due may wait for longer than LATE_SECONDS.
        """
        limit = self.clock.gone + within
        self.drain()
        for _ in range(MAX_MOMENTS):
            if not self.left():
                return
            self.advance(self.next_moment() - self.clock.gone)
            if prompt and (overdue := self.overdue()):
                raise Stuck(f"overdue: {overdue}")
            if self.clock.gone > limit:
                raise Stuck(f"{self.left()} left after {within} s")
            if self.clock.gone % MINUTE == 0:
                self.sweep()
            self.drain()
        raise Stuck("something happens without end")

    def left(self) -> bool:
        """Return whether anything is left to do."""
        waiting = any(self.queues.queues[url] for url in (BUFFER, WISHES, REPORTS))
        return bool(self.environment.owner.run(OPEN)[0]["left"] or waiting)

    def overdue(self) -> list[str]:
        """List what should have been looked at long ago."""
        rows = self.environment.owner.run(OVERDUE, {"late": timedelta(seconds=LATE_SECONDS)})
        return [row["what"] for row in rows]

    def held(self) -> list[Row]:
        """List what waits for a person's decision."""
        return self.environment.owner.run("SELECT id, step, seq, reason FROM effects WHERE status = 'held' ORDER BY id")

    def next_moment(self) -> float:
        """Return the next instant at which anything can happen."""
        tick = min(self._next_sweep(index) for index in self._due_indexes())
        message = self.queues.next_visible(EFFECTS)
        return tick if message is None else max(min(tick, message), self.clock.gone)

    def _due_indexes(self) -> list[str]:
        """List the keys of the due indexes that the relay reads."""
        return [self.prefixes[-1] + KEY]

    def _next_sweep(self, index: str) -> float:
        """Return the next minute in which a relay that reads this due index does anything."""
        tick = MINUTE * (self.clock.gone // MINUTE + 1)
        marks: Any = self.environment.redis.zrange(index, 0, 0, withscores=True)
        watched = self.environment.redis.zscore(index, SENTINEL) is not None
        if not watched or self.queues.queues[BUFFER] or self.queues.queues[WISHES]:
            return tick
        due = min((score for _, score in marks), default=0.0) - self.clock.timestamp() + self.clock.gone
        return max(tick, MINUTE * -(-due // MINUTE))


def _ids(wake_up: WakeUp) -> tuple[UUID, ...]:
    return *wake_up.events, *wake_up.effects, *(turn.run for turn in wake_up.turns)
