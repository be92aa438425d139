"""Accounts: their configuration, whether they answer, what waits for them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from drumbeat.core.configuration import Config
from drumbeat.core.reasons import ReasonCode
from drumbeat.ledger.account_states import AccountState
from drumbeat.ledger.stops import Stop, holding
from drumbeat.views.totals import AccountTotals

if TYPE_CHECKING:
    from drumbeat.throttle.limiter import Throttle


@dataclass(frozen=True, slots=True)
class AccountItem:
    """One account.

    `state` is `running`; `failing` while calls failed since it last answered, but too few to pause it; `stopped` by a
    person, or by an invariant that does not hold; `paused` because it does not answer; `probing` once that pause is
    over, while one effect shows whether it answers again; `unreadable` when Redis does not.
    """

    account: str
    provider: str | None  # None: not in the configuration in force any more
    state: str
    reason_code: ReasonCode | None
    reason: str | None
    since: datetime | None  # when it was stopped, or the first of the calls failed that led to this state
    until: datetime | None
    queue: float | None  # seconds until the last reserved slot
    effects: Mapping[str, int]
    oldest_due: float | None
    reports: Mapping[str, int]  # what its provider reported in the last seven days, by kind
    stops: Sequence[Stop]  # that hold it back, those of everything too


def accounts(
    config: Config | None,
    totals: list[AccountTotals],
    states: Mapping[str, AccountState],
    stopped: Sequence[Stop],
    reports: Mapping[str, Mapping[str, int]],
    throttle: "Throttle",
) -> list[AccountItem]:
    """List the accounts of the configuration in force, and those that older effects still belong to."""
    configured = {name: account.provider for name, account in config.accounts.items()} if config else {}
    counted = {each.account: each for each in totals}
    names = sorted(configured.keys() | counted.keys())
    queues = throttle.queues(names)
    return [
        _item(
            name,
            configured.get(name),
            states.get(name),
            holding(stopped, name),
            queues.get(name),
            counted.get(name),
            reports.get(name, {}),
        )
        for name in names
    ]


def _item(
    name: str,
    provider: str | None,
    answering: AccountState | None,
    stops: Sequence[Stop],
    queue: float | None,
    counted: AccountTotals | None,
    reports: Mapping[str, int],
) -> AccountItem:
    state, code, reason = _state(answering, stops, queue)
    return AccountItem(
        account=name,
        provider=provider,
        state=state,
        reason_code=code,
        reason=reason,
        since=stops[0].at if stops else answering.since if answering else None,
        until=answering.paused_until if answering and state == "paused" else None,
        queue=queue,
        effects=counted.effects if counted else {},
        oldest_due=counted.oldest_due if counted else None,
        reports=reports,
        stops=stops,
    )


def _state(
    answering: AccountState | None, stops: Sequence[Stop], queue: float | None
) -> tuple[str, ReasonCode | None, str | None]:
    if stops:
        return "stopped", ReasonCode.STOPPED, stops[0].reason
    if answering is not None:
        state = "failing" if answering.paused_for is None else "paused" if answering.paused_for > 0 else "probing"
        reason = answering.reason
        return state, reason.code if reason else None, reason.detail if reason else None
    if queue is None:
        unreadable = "Redis does not answer: each process sends at a part of the rate; nothing is lost"
        return "unreadable", ReasonCode.LIMITER_AWAY, unreadable
    return "running", None, None
