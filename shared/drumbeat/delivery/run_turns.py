"""One turn of a run: what is due of it is claimed and carried out for a short while; then it asks for the next turn.

A turn is short, and there are fewer of them than workers: a mail that a person caused waits for no run. It claims no
more than the limits of accounts and the run's own pace let through meanwhile: what is claimed in vain costs two rows of
the journal, and a place in the queue of the limit.
"""

import logging
import math
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

from drumbeat.core.campaigns import Campaign
from drumbeat.core.errors import NotUnderstood
from drumbeat.core.runs import GOING, OPEN_TO_SENDING, RunState
from drumbeat.delivery import claims_sql
from drumbeat.delivery.batch import carry_out
from drumbeat.delivery.probes import probe
from drumbeat.ledger import leases, stops
from drumbeat.runs import endings_sql, sql, work_sql
from drumbeat.runs.configured import configured
from drumbeat.runs.sql import Run
from drumbeat.runs.turns import accounts_of, is_limited, rate_of, start
from drumbeat.runs.work_sql import NextDue
from drumbeat.services import Services
from drumbeat.wakeups.queue import Turn
from drumbeat.wakeups.turns import SOON_SECONDS

EFFECTS_PER_CLAIM = claims_sql.FULL_BATCH
TURN_SECONDS = 2.0  # then it makes room for what else waits in the queue
LIMITED_SECONDS = 1.0  # between two turns that limits hold back: so far ahead places of a limit are taken
SOONER_SECONDS = 5.0  # what is free so much sooner than a turn saw is another thing
STOPPED_SECONDS = 366 * 86_400.0  # a stop has no end that could be waited for; who lifts it expects the run again
SUSPECT_SECONDS = 15.0  # until a turn looks again that waits for what only the relay may start

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Work:
    """What a turn is about."""

    turn: Turn  # the next one
    run: Run
    campaign: Campaign
    accounts: list[str]
    rate: float | None  # mails a second; None: as many as there are
    limited: bool

    @property
    def halted(self) -> bool:
        """Return whether nothing may be sent: outcomes that are unknown are looked into all the same."""
        return self.run.state not in OPEN_TO_SENDING


def take_turn(turn: Turn, services: Services) -> Counter[str]:
    """Carry out what is due of a run, for a short while; return how many reached which status.

    Raises psycopg.Error: the ledger is away; the relay starts the turn again.
    """
    following = services.turns.take_up(turn)
    if following is None:
        return Counter()
    run = sql.get(services.db, [turn.run]).get(turn.run)
    if run is None:
        services.turns.end(turn)
        return Counter()
    try:
        config, campaign = configured(run, services)
        accounts = accounts_of(campaign, config, services)
    except NotUnderstood as error:
        _LOG.error("run_not_understood", extra={"run_id": str(run.id), "reason": str(error)})
        return Counter()  # the relay starts it again, perhaps when another release is deployed
    names = [account.name for account in accounts]
    work = _Work(following, run, campaign, names, rate_of(campaign, accounts), is_limited(accounts))
    _note_gap(work, services)
    if turn.number > 0 and _all_stopped(work, services):
        services.turns.end(following)  # one turn is enough to look into what is unknown
        return Counter()
    counts, more = _carry_out(work, services)
    rests = _ask_for_next(work, services, more=more)
    if rests is not None and turn.number == 0:
        _look_again(work, rests, services)
    return counts


def _look_again(work: _Work, rests: float, services: Services) -> None:
    """Start a turn that rests anew, where there is more to do than it saw.

    Who changed that meanwhile found it awake, and woke no other. They commit before they look whether it sleeps, and it
    sleeps before it looks what they committed: so one of the two sees the other.
    """
    was, run = work.run, sql.get(services.db, [work.run.id])[work.run.id]
    moved = (run.seq, run.expanded, run.again) != (was.seq, was.expanded, was.again)
    waiting = work_sql.next_due(services.db, run.id, work.accounts, halted=run.state not in OPEN_TO_SENDING)
    soonest = min((_free_in(one) for one in waiting), default=math.inf)
    if (moved and run.state is not RunState.FINISHED) or soonest < rests - SOONER_SECONDS:
        services.turns.start(run.id, [work.turn.number])


def _carry_out(work: _Work, services: Services) -> tuple[Counter[str], bool]:
    """Claim and carry out, batch after batch; return also whether more may be due."""
    counts: Counter[str] = Counter()
    begun = services.clock.elapsed()
    left = math.inf if work.rate is None else max(math.ceil(work.rate * LIMITED_SECONDS), 1)
    while services.clock.elapsed() - begun < TURN_SECONDS:
        if work.limited and _claim_and_carry_out(work, EFFECTS_PER_CLAIM, services, counts, placed=True):
            continue
        most = _most(work, left, services)
        if most == 0:
            return counts, True
        taken = _claim_and_carry_out(work, most, services, counts)
        if not taken:
            return counts, False
        left -= taken
    return counts, True


def _most(work: _Work, left: float, services: Services) -> int:
    """Return how many that have no place yet may be claimed now."""
    most = int(min(left, EFFECTS_PER_CLAIM))
    if work.campaign.pace is not None:
        most = min(most, services.run_pace.allowed(work.run.id, work.campaign.pace))
    return 0 if work.limited and most and _queue(work, services) > LIMITED_SECONDS else most


def _queue(work: _Work, services: Services) -> float:
    """Return the seconds until the last place that was given in the queue of an account's limit."""
    return max(services.throttle.queues(work.accounts).values(), default=0.0) if work.limited else 0.0


def _claim_and_carry_out(
    work: _Work, most: int, services: Services, counts: Counter[str], *, placed: bool = False
) -> int:
    """Add what becomes of at most so many to the counts; return how many were claimed."""
    started = services.clock.elapsed()
    lease = services.settings.times.lease
    claimed = claims_sql.claim_of_run(services.db, work.run.id, lease=lease, limit=most, placed=placed)
    if work.campaign.pace is not None and claimed and not placed:
        services.run_pace.taken(work.run.id, work.campaign.pace, len(claimed))
    counts.update(carry_out(claimed, started, services))
    services.ledger_rest.used()
    services.due_index.look_soon(services.clock.now().timestamp())
    return len(claimed)


def _note_gap(work: _Work, services: Services) -> None:
    """Let what was due while no worker came, for longer than the campaign allows, end as missed; a pause is none."""
    run, misfire = work.run, timedelta(seconds=work.campaign.misfire)
    if run.starts_at is not None and run.state in GOING and run.now - run.expected_at > misfire:
        sql.miss(services.db, run.id, run.now - misfire)


def _ask_for_next(work: _Work, services: Services, *, more: bool) -> float | None:
    """Ask for the next turn, or for none; where that rests, return the seconds until what it saw waiting is free."""
    turn, run = work.turn, work.run
    if more and not work.limited and work.rate is None and not work.halted:
        if turn.number == 0:  # it looks after the others
            start(run, services)
        _ask(turn, 0.0, services)
        return None
    _recover(work, services)
    if turn.number > 0 and not more:
        services.turns.end(turn)  # turn 0 starts it again
        return None
    waiting = work_sql.next_due(services.db, run.id, work.accounts, halted=work.halted)
    probe({one.account: one.id for one in waiting if _may_probe(one)}, services)
    services.notifier.schedule({one.id: 0.0 for one in waiting if one.suspect and one.due_in <= 0})
    if not waiting:
        return math.inf if _end(work, services) else None
    free_in = min(_free_in(one) for one in waiting)
    delay = max(free_in, LIMITED_SECONDS if more else 0.0)
    if work.limited and delay <= LIMITED_SECONDS:
        delay = _until_limits_allow(work, services)
    delay = max(delay, _until_pace_allows(work, services))
    _ask(turn, delay, services)
    return free_in if delay > SOON_SECONDS else None


def _recover(work: _Work, services: Services) -> None:
    """Free what a dead worker held: where Redis did not take its turn's entry, no relay is awake to do so."""
    recovered = leases.recover_of_run(services.db, work.run.id, limit=EFFECTS_PER_CLAIM)
    services.notifier.schedule(dict.fromkeys(recovered, 0.0))


def _until_limits_allow(work: _Work, services: Services) -> float:
    """Return in how many seconds a limit lets a mail through: one that has a place, or one behind them all."""
    behind = _queue(work, services) - LIMITED_SECONDS
    placed = work_sql.next_placed(services.db, work.run.id)
    return max(min(behind, math.inf if placed is None else placed), LIMITED_SECONDS)


def _until_pace_allows(work: _Work, services: Services) -> float:
    """Return in how many seconds the run's pace lets a mail through; one that has a place in a queue was counted."""
    if work.campaign.pace is None or work.halted:
        return 0.0
    wait = services.run_pace.wait(work.run.id, work.campaign.pace)
    placed = work_sql.next_placed(services.db, work.run.id) if work.limited else None
    return wait if placed is None else min(wait, placed)


def _may_probe(one: NextDue) -> bool:
    return one.paused_for is not None and one.paused_for <= 0 >= one.due_in and not one.suspect


def _free_in(one: NextDue) -> float:
    """Return in how many seconds an effect may be tried; a pause that is over waits for what its probe shows."""
    if one.suspect:
        return max(one.due_in, SUSPECT_SECONDS)
    if one.paused_for is None:
        return max(one.due_in, 0.0)
    return max(one.due_in, one.paused_for, LIMITED_SECONDS * 2)


def _end(work: _Work, services: Services) -> bool:
    """Nothing waits: end, unless mails are on their way that may come back to wait, or the run is being expanded."""
    id = work.run.id
    match work.run.state:
        case RunState.CANCELLED:
            ended = not endings_sql.cancel_effects(services.db, id) and not work_sql.is_under_way(services.db, id)
        case RunState.FINISHED:
            ended = True
        case _ if work.halted:
            ended = not work_sql.is_under_way(services.db, id)
        case _:
            ended = sql.finish(services.db, id) or _is_stopped(work, services)
    if ended:
        services.turns.end(work.turn)
    else:
        _ask(work.turn, LIMITED_SECONDS, services)
    return ended


def _all_stopped(work: _Work, services: Services) -> bool:
    in_force = stops.in_force(services.db)
    return bool(work.accounts) and all(stops.holding(in_force, account) for account in work.accounts)


def _is_stopped(work: _Work, services: Services) -> bool:
    """Return whether what is left waits for a stop, whose time is none in which no worker came."""
    in_force = stops.in_force(services.db)
    if not any(stops.holding(in_force, account) for account in work.accounts):
        return False
    if work_sql.is_under_way(services.db, work.run.id):
        return False
    sql.expect(services.db, work.run.id, STOPPED_SECONDS)
    return True


def _ask(turn: Turn, delay: float, services: Services) -> None:
    if turn.number == 0:  # the others come and go
        sql.expect(services.db, turn.run, delay)
    services.turns.ask(turn, delay=delay)
