"""The ledger in numbers, as of one instant: made by the relay when it has read the ledger anyway, and kept in Redis.

What is asked again and again, scrapes and the live parts of pages, is answered from it alone: so no scraper keeps a
database awake. Without one its readers say so, and ask no ledger either.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

from redis.exceptions import RedisError

from drumbeat import views
from drumbeat.core.errors import NotUnderstood
from drumbeat.core.invariants import Invariant
from drumbeat.infrastructure.sqs.client import SqsError
from drumbeat.ledger import account_states, configs, stops
from drumbeat.ledger.stops import Stop
from drumbeat.services import Services
from drumbeat.views.refusals import refused_lately
from drumbeat.views.run_totals import open_by_state
from drumbeat.views.totals import AccountTotals
from drumbeat.views.violations import open_violations
from drumbeat.wakeups.dead_letters import DeadLetters

KEY = "{relay}:snapshot"
KEPT_SECONDS = 12 * 3600  # the relay checks everything every six hours, and writes one then
SHARE = 30.0  # a snapshot is not made again for so many times what making it took

_LOG = logging.getLogger(__name__)
# What is not ours under our key may be anything.
_FOREIGN = (ValueError, TypeError, LookupError, AttributeError, RecursionError)


@dataclass(frozen=True, slots=True)
class AccountNumbers:
    """One account, as `views.AccountItem` says what the words mean. Instants are unix seconds."""

    account: str
    provider: str | None  # None: not in the configuration in force any more
    state: str  # running | failing | stopped | paused | probing | unreadable
    reason_code: str | None
    since: float | None
    until: float | None
    queue: float | None  # seconds
    effects: Mapping[str, int]  # by status, all there are
    refused: int  # in the last 24 hours
    oldest_due: float | None  # seconds


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The numbers. `at` is when they were read (unix seconds), and `took` how long that took."""

    at: float
    took: float
    version: int | None  # of the configuration in force
    events: Mapping[str, int]  # received in the last 24 hours, by derived status
    unplanned: int
    oldest_unplanned: float | None  # seconds
    accounts: tuple[AccountNumbers, ...]
    runs: Mapping[str, int]  # that have not ended, by state
    violations: Mapping[str, int] = field(default_factory=dict)  # by invariant, that no person has resumed from
    dead_letters: int | None = None  # None: not known
    stopped: bool = False  # everything

    def age(self, now: float) -> float:
        """Return for how many seconds it has been what was so."""
        return max(now - self.at, 0.0)

    @classmethod
    def of(cls, text: Mapping[str, Any]) -> Self:
        """Read one back; what another release says beside is left out. Raises what reading of another form raises."""
        known = _known(cls, text)
        accounts = tuple(AccountNumbers(**_known(AccountNumbers, each)) for each in known.pop("accounts"))
        return cls(accounts=accounts, **known)


def keep(services: Services, *, surely: bool = False) -> Snapshot | None:
    """Make one and write it to Redis, `surely` or unless that takes a larger share of the ledger's time than it may.

    Raises psycopg.Error; Redis and the queue may be away.
    """
    before = kept(services)
    if not surely and before and 0 <= services.clock.now().timestamp() - before.at < before.took * SHARE:
        return None
    made = take(services)
    try:
        services.redis.set(KEY, json.dumps(asdict(made)), ex=KEPT_SECONDS)
    except (RedisError, OSError) as error:
        _LOG.warning("snapshot_not_written", extra={"error": type(error).__name__})
    return made


def kept(services: Services) -> Snapshot | None:
    """Return the one in Redis; None: there is none, or Redis does not say."""
    try:
        text = services.redis.get(KEY)
        return None if text is None else Snapshot.of(json.loads(text))
    except (RedisError, OSError, *_FOREIGN) as error:
        _LOG.warning("snapshot_not_read", extra={"error": type(error).__name__})
        return None


def take(services: Services) -> Snapshot:
    """Read the numbers from the ledger. Raises psycopg.Error."""
    begun, db = services.clock.elapsed(), services.db
    counted = views.by_account(db)
    totals = views.totals(db, accounts=counted)
    stopped = stops.in_force(db)
    version, accounts = _accounts(services, counted, stopped)
    return Snapshot(
        at=services.clock.now().timestamp(),
        version=version,
        events=totals.events,
        unplanned=totals.unplanned,
        oldest_unplanned=totals.oldest_unplanned,
        accounts=accounts,
        runs=open_by_state(db),
        violations={name: number for name, number in open_violations(db).items() if name in Invariant},
        dead_letters=_dead_letters(services),
        stopped=any(each.account is None for each in stopped),
        took=round(services.clock.elapsed() - begun, 3),
    )


def _accounts(
    services: Services, counted: list[AccountTotals], stopped: Sequence[Stop]
) -> tuple[int | None, tuple[AccountNumbers, ...]]:
    db, config, version = services.db, None, configs.newest_version(services.db)
    try:
        config = services.configuration(version) if version is not None else None
    except NotUnderstood:  # of a later release: its accounts are those that effects name
        _LOG.warning("snapshot_without_configuration", extra={"version": version})
    refused = refused_lately(db)
    found = views.accounts(config, counted, account_states.states(db), stopped, {}, services.throttle)
    return version, tuple(
        AccountNumbers(
            account=each.account,
            provider=each.provider,
            state=each.state,
            reason_code=each.reason_code,
            since=each.since.timestamp() if each.since else None,
            until=each.until.timestamp() if each.until else None,
            queue=each.queue,
            effects=each.effects,
            refused=refused.get(each.account, 0),
            oldest_due=each.oldest_due,
        )
        for each in found
    )


def _dead_letters(services: Services) -> int | None:
    if not services.settings.dlq_url:
        return None
    try:
        return DeadLetters(services.sqs, services.settings.dlq_url, services.queue).count()
    except SqsError:
        return None  # unknown, which is not zero


def _known(of: type[Snapshot] | type[AccountNumbers], text: Mapping[str, Any]) -> dict[str, Any]:
    return {each.name: text[each.name] for each in fields(of) if each.name in text}
