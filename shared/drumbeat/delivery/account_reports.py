"""What a batch of calls says about whole accounts: which answered, which did not, which asked for a pause."""

from collections import defaultdict
from collections.abc import Sequence
from random import Random

from drumbeat.core.outcomes import Denied, NotSent, Throttled, Unclear, Unknown, reason_of
from drumbeat.delivery.work import Ended
from drumbeat.ledger.account_states import Report

SHORTEST_JITTER = 0.8  # of the length of a pause
TRIES_THAT_STOP = 3  # of an effect that is denied, while its account accepts no other: its owner should know


def account_reports(ended: Sequence[Ended], random: Random) -> list[Report]:
    """Return what the ledger must know of accounts; nothing while those that answered are known to answer."""
    by_account: dict[str, list[Ended]] = defaultdict(list)
    for one in ended:
        by_account[one.work.effect.account].append(one)
    reports = [_report(name, by_account[name], random) for name in sorted(by_account)]
    failing = {one.work.effect.account for one in ended if one.work.effect.account_failing}
    return [each for each in reports if each.failed or each.at_once or each.account in failing]


def _report(account: str, ended: Sequence[Ended], random: Random) -> Report:
    failed = [one for one in ended if isinstance(one.end, Throttled | Denied | NotSent | Unknown | Unclear)]
    throttled = [one.end for one in ended if isinstance(one.end, Throttled)]
    last = throttled[-1] if throttled else failed[-1].end if failed else None
    asked = [end.retry_after for end in throttled if end.retry_after is not None]
    return Report(
        account,
        answered=len(failed) < len(ended),
        failed=[one.work.effect.id for one in failed],
        at_once=bool(throttled),
        pause=max(asked, default=None),
        probe=any(one.work.effect.probe for one in ended),
        reason=reason_of(last) if isinstance(last, Throttled | Denied | NotSent | Unknown | Unclear) else None,
        longest=ended[0].work.login.account.retry.cap,
        jitter=random.uniform(SHORTEST_JITTER, 1.0),
    )


def lone_denials(ended: Sequence[Ended]) -> set[str]:
    """Name accounts of which one effect was denied again and again: a quiet account never has three that fail."""
    return {
        one.work.effect.account
        for one in ended
        if isinstance(one.end, Denied) and one.work.effect.tries + 1 >= TRIES_THAT_STOP
    }
