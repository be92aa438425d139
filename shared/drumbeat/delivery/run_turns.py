"""One turn of a run: what is due of it is claimed and carried out for a short while; then it asks for the next turn.

A turn is short, and there are fewer of them than workers: a mail that a person caused waits for no run. It claims no more
than the limits of accounts and the run's own pace let through meanwhile: what is claimed in vain costs two rows of the
journal.
"""

import math
from collections import Counter
from datetime import timedelta

from drumbeat.core.campaigns import Campaign
from drumbeat.core.runs import OPEN_TO_SENDING, RunState
from drumbeat.delivery import claims_sql
from drumbeat.delivery.batch import carry_out
from drumbeat.delivery.probes import probe
from drumbeat.runs import advance, sql, work_sql
from drumbeat.runs.advance import CHECK_SECONDS
from drumbeat.runs.turns import rate_of, start
from drumbeat.runs.sql import Run
from drumbeat.runs.work_sql import NextDue
from drumbeat.services import Services
from drumbeat.wakeups.queue import Turn

EFFECTS_PER_CLAIM = 48
TURN_SECONDS = 2.0  # then it makes room for what else waits in the queue
LIMITED_SECONDS = 1.0  # between two turns of a run that limits hold back
SUSPECT_SECONDS = 5.0  # at least, until a turn looks whether what is taken alone has ended
IDLE_SECONDS = 900.0  # a turn that has nothing due looks again so much later at the latest


def take_turn(turn: Turn, services: Services) -> Counter[str]:
    """Carry out what is due of a run, for a short while; return how many reached which status.

    Raises psycopg.Error: the ledger is away; the relay starts the turn again.
    """
    busy = services.settings.times.batch_seconds
    following = services.turns.take_up(turn, busy=busy)
    if following is None:
        return Counter()
    run = sql.get(services.db, [turn.run]).get(turn.run)
    if run is None or run.state not in OPEN_TO_SENDING:
        services.turns.end(turn)
        return Counter()
    config, campaign = advance.configured(run, services)
    _note_gap(run, campaign, services)
    rate = rate_of(campaign, config)
    counts, full = _carry_out(run, campaign, rate, services)
    _ask_for_next(following, run, campaign, rate, services, full=full)
    return counts


def _carry_out(run: Run, campaign: Campaign, rate: float | None, services: Services) -> tuple[Counter[str], bool]:
    """Claim and carry out, batch after batch; return also whether more may be due."""
    counts: Counter[str] = Counter()
    begun = services.clock.elapsed()
    left = math.inf if rate is None else max(math.ceil(rate * LIMITED_SECONDS), 1)
    while left > 0 and services.clock.elapsed() - begun < TURN_SECONDS:
        most = int(min(left, EFFECTS_PER_CLAIM))
        if campaign.pace is not None:
            most = min(most, services.run_pace.allowed(run.id, campaign.pace))
        if most == 0:
            return counts, True
        started = services.clock.elapsed()
        claimed = claims_sql.claim_of_run(services.db, run.id, lease=services.settings.times.lease, limit=most)
        if campaign.pace is not None and claimed:
            services.run_pace.taken(run.id, campaign.pace, len(claimed))
        counts += carry_out(claimed, started, services)
        services.ledger_rest.used()
        if not claimed:
            return counts, False
        left -= len(claimed)
    return counts, True


def _note_gap(run: Run, campaign: Campaign, services: Services) -> None:
    """Let end as missed what was due while no worker came, for longer than the campaign allows."""
    gap = run.now - run.expected_at
    if run.starts_at is not None and gap > timedelta(seconds=campaign.misfire):
        sql.miss(services.db, run.id, run.now - timedelta(seconds=campaign.misfire))


def _ask_for_next(
    turn: Turn, run: Run, campaign: Campaign, rate: float | None, services: Services, *, full: bool
) -> None:
    if full and rate is None:
        if turn.number == 0:  # it looks after the others
            start(run, services)
        sql.expect(services.db, run.id, 0.0)
        return services.turns.ask(turn, delay=0.0)
    accounts = sorted({step.account for step in campaign.steps})
    waiting = work_sql.next_due(services.db, run.id, accounts)
    if turn.number > 0 and not full:
        return services.turns.end(turn)  # turn 0 starts it again
    probe({one.account: one.id for one in waiting if _may_probe(one)}, services)
    if not waiting:
        return _end(turn, run, services)
    delay = min(max(min(_free_in(one) for one in waiting), LIMITED_SECONDS if full else 0.0), IDLE_SECONDS)
    sql.expect(services.db, run.id, delay)
    return services.turns.ask(turn, delay=delay)


def _may_probe(one: NextDue) -> bool:
    return one.paused_for is not None and one.paused_for <= 0 >= one.due_in


def _free_in(one: NextDue) -> float:
    """Return in how many seconds an effect may be tried; a pause that is over waits for what its probe shows."""
    if one.paused_for is None:
        return max(one.due_in, 0.0)
    return max(one.due_in, one.paused_for, LIMITED_SECONDS * 2)


def _end(turn: Turn, run: Run, services: Services) -> None:
    """Nothing waits: the run has finished, or some of its mails are on their way, or it is being expanded."""
    finished = run.state is RunState.FINISHED or sql.finish(services.db, run.id)
    if finished:
        services.turns.end(turn)
        return
    suspect = work_sql.suspect_due_in(services.db, run.id)
    delay = LIMITED_SECONDS if suspect is None else min(max(suspect, SUSPECT_SECONDS), CHECK_SECONDS)
    sql.expect(services.db, run.id, delay)
    services.turns.ask(turn, delay=delay)
