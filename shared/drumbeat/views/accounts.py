"""Accounts: their configuration, their state in the throttle, what waits for them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from drumbeat.core.configuration import Config
from drumbeat.core.reasons import ReasonCode
from drumbeat.views.totals import AccountTotals

if TYPE_CHECKING:
    from drumbeat.throttle.limiter import State, Throttle


@dataclass(frozen=True, slots=True)
class AccountItem:
    """One account. `state` is `running`, `paused`, `open` (breaker), or `unreadable` when Redis does not answer."""

    account: str
    provider: str | None  # None: not in the configuration in force any more
    state: str
    reason_code: ReasonCode | None
    reason: str | None
    until: datetime | None
    queue: float | None  # seconds until the last reserved slot
    effects: Mapping[str, int]
    oldest_due: float | None


def accounts(config: Config | None, totals: list[AccountTotals], throttle: "Throttle") -> list[AccountItem]:
    """List the accounts of the configuration in force, and those that older effects still belong to."""
    configured = {name: account.provider for name, account in config.accounts.items()} if config else {}
    counted = {each.account: each for each in totals}
    names = sorted(configured.keys() | counted.keys())
    states = throttle.states(names)
    return [_item(name, configured.get(name), states.get(name), counted.get(name)) for name in names]


def _item(name: str, provider: str | None, state: "State | None", counted: AccountTotals | None) -> AccountItem:
    name_of_state, code, reason, until = _state(state)
    return AccountItem(
        account=name,
        provider=provider,
        state=name_of_state,
        reason_code=code,
        reason=reason,
        until=until,
        queue=state.queue if state else None,
        effects=counted.effects if counted else {},
        oldest_due=counted.oldest_due if counted else None,
    )


def _state(state: "State | None") -> tuple[str, ReasonCode | None, str | None, datetime | None]:
    if state is None:
        unreadable = "Redis does not answer: each process sends at a part of the rate; nothing is lost"
        return "unreadable", ReasonCode.LIMITER_AWAY, unreadable, None
    if state.reason is not None and state.paused_until is not None:
        return "paused", state.reason.code, state.reason.detail, datetime.fromtimestamp(state.paused_until, UTC)
    if state.breaker != "closed":
        until = datetime.fromtimestamp(state.open_until, UTC) if state.open_until else None
        failed = "too many calls failed; a few are let through to test the account"
        return "open", ReasonCode.BREAKER_OPEN, failed, until
    return "running", None, None, None
