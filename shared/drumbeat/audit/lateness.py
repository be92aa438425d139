"""Which overdue effects are stuck, and which only wait for their account."""

from collections.abc import Iterator, Mapping, Sequence

from drumbeat.audit import verification_sql
from drumbeat.audit.findings_sql import Finding
from drumbeat.audit.violations import Violation, of_finding
from drumbeat.core.configuration import Limit
from drumbeat.core.errors import NotUnderstood
from drumbeat.core.status import Status
from drumbeat.ledger import account_states, configs, stops
from drumbeat.ledger.account_states import AccountState
from drumbeat.services import Services
from drumbeat.throttle.pace import NOTIFY_AHEAD, UNLIMITED, allowance, pace


def stuck(overdue: Sequence[Finding], services: Services) -> Iterator[Violation]:
    """Yield the overdue effects that nothing holds back.

    An account is held back while it is stopped, paused or probed, slots are reserved at it, the throttle cannot be
    read, or more is due than the relay releases at a time. What it releases it spreads over two minutes.
    """
    if not overdue:
        return
    accounts = sorted({finding.facts["account"] for finding in overdue})
    queues, states = services.throttle.queues(accounts), account_states.states(services.db)
    due = verification_sql.due_by_account(services.db, accounts)
    limits, stopped = _limits(services), stops.in_force(services.db)
    for finding in overdue:
        account = finding.facts["account"]
        if finding.facts["status"] != Status.UNKNOWN and stops.holding(stopped, account):
            continue
        limit = limits.get(account, ())
        if _held_back(queues.get(account), states.get(account)) or due.get(account, 0) > allowance(limit):
            continue
        spread = NOTIFY_AHEAD.total_seconds() if limit or pace(UNLIMITED, due.get(account, 0)) > 0 else 0.0
        if finding.facts["late"] > finding.facts["tolerated"] + spread:
            yield of_finding(finding)


def _limits(services: Services) -> Mapping[str, tuple[Limit, ...]]:
    """Return the limits in force; none where only a later release may read them, and then no effect is released."""
    try:
        config = configs.newest(services.db)
    except NotUnderstood:
        return {}
    return {name: account.limits for name, account in config.accounts.items()} if config else {}


def _held_back(queue: float | None, state: AccountState | None) -> bool:
    return queue is None or queue > 0 or (state is not None and state.paused_until is not None)
