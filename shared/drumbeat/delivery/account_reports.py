"""What a batch of calls says about whole accounts: which have to pause, which fail, how a probe ended."""

from collections import Counter
from collections.abc import Sequence
from random import Random

from drumbeat.core.outcomes import Denied, NotSent, Throttled, Unclear, Unknown, reason_of
from drumbeat.core.reasons import Reason
from drumbeat.delivery.verdicts import DENIED_PAUSE_SECONDS, backoff
from drumbeat.delivery.work import Ended
from drumbeat.throttle.limiter import Report

PAUSE_LIKE_TRY = 3  # a 429 without Retry-After pauses the account for a second more than this try would wait


def account_reports(ended: Sequence[Ended], random: Random) -> list[Report]:
    """Return what the throttle must know; nothing when all went well."""
    pauses: dict[str, tuple[float, Reason]] = {}
    denied: set[str] = set()
    failures: Counter[str] = Counter()
    probes: dict[str, bool] = {}
    for one in ended:
        work, end = one.work, one.end
        name = work.effect.account
        match end:
            case Throttled(retry_after=retry_after):
                wait = retry_after or 1.0 + backoff(work.login.account.retry, PAUSE_LIKE_TRY, random)
                pauses[name] = _longer(pauses.get(name), wait, reason_of(end))
            case Denied():
                pauses[name] = _longer(pauses.get(name), DENIED_PAUSE_SECONDS, reason_of(end))
                denied.add(name)
            case NotSent() | Unknown() | Unclear():
                failures[name] += 1
        if work.probe:
            probes[name] = probes.get(name, True) and not isinstance(end, NotSent | Unknown | Unclear)
    return [
        Report(
            name,
            pause=pauses[name][0] if name in pauses else None,
            reason=pauses[name][1] if name in pauses else None,
            denied=name in denied,
            failures=failures[name],
            probe=probes.get(name),
        )
        for name in sorted(pauses.keys() | failures.keys() | probes.keys())
    ]


def _longer(pause: tuple[float, Reason] | None, seconds: float, reason: Reason) -> tuple[float, Reason]:
    return pause if pause and pause[0] >= seconds else (seconds, reason)
