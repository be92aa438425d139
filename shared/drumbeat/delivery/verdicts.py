"""What follows from what we know about an effect: pure decisions, no I/O.

Two questions are asked of every claimed effect: may it be sent now (`before_sending`), or, when an earlier attempt's
end is unknown, what settles it (`of_unknown`). Two are asked of every answer: `of_answer` and `of_look`.
"""

import math
from dataclasses import dataclass
from datetime import datetime
from random import Random

from drumbeat.core.configuration import Account, LookPolicy, Retry
from drumbeat.core.outcomes import (
    Absent,
    Accepted,
    Denied,
    Found,
    LookupResult,
    NotSent,
    Outcome,
    Refused,
    Throttled,
    Unclear,
    Unknown,
    reason_of,
)
from drumbeat.core.reasons import Reason, ReasonCode
from drumbeat.core.status import Status
from drumbeat.delivery.effects import Claimed
from drumbeat.providers.base import Blind, Feedback, NativeKey, Query, Repeat, SameId

MAX_CRASHES = 3  # claims in a row that ended without a result: the effect crashes its workers
SECRET_AWAY_WAIT_SECONDS = 60.0  # until secrets that could not be read are asked for again
NOT_UNDERSTOOD_WAIT_SECONDS = 300.0  # until an effect of a later release is looked at again
WISHES_WAIT_SECONDS = 15.0  # until marketing that waits for what people asked for is tried again
MAX_EXTRA_LOOKS = 3  # beyond the planned ones, when the last of those could not be trusted
UNCLEAR_WAIT_SECONDS = 60.0  # until a look that failed is tried again
LAST_TRY_SECONDS = 30.0  # before its key expires, an effect that may be repeated is tried once more


@dataclass(frozen=True, slots=True)
class Verdict:
    """Where an effect goes next; `wait` in seconds until due, `tries` to add, `looks` to set."""

    to: Status
    wait: float = 0.0
    reason: Reason | None = None
    tries: int = 0
    looks: int = 0


# A person may have left the list while the ledger was unreachable.
AFTER_WISHES = Verdict(Status.WAITING, wait=WISHES_WAIT_SECONDS, reason=Reason(ReasonCode.WISHES_WAITING))


def _is_erased(effect: Claimed) -> bool:
    """Return whether its person was: the event of a run says nothing of them."""
    return effect.event.body is None or (effect.recipient is not None and effect.recipient.lead is None)


def backoff(retry: Retry, tries: int, random: Random) -> float:
    """Return seconds to wait after this many tries: full jitter under an exponential cap."""
    return random.uniform(0, min(retry.cap, retry.base * 2.0 ** min(tries, 30)))


def looks_of(account: Account, repeat: Repeat) -> LookPolicy | None:
    """Return when to look and how long absence means anything: as the account says, else the provider."""
    if not isinstance(repeat, Query):
        return None
    if account.lookup is not None:
        return account.lookup
    return LookPolicy(tuple(look.total_seconds() for look in repeat.looks), repeat.retention.total_seconds())


# ---------------------------------------------------------------- before any call


def before_sending(
    effect: Claimed, account: Account | None, repeat: Repeat | None, identity: str | None
) -> Verdict | None:
    """Return where a claimed effect goes that must not be sent now; None: it may."""
    if effect.proof in ("accepted", "found"):
        return Verdict(Status.ACCEPTED, reason=Reason(ReasonCode.PROVEN))
    if effect.crashes >= MAX_CRASHES:
        return Verdict(Status.HELD, reason=Reason(ReasonCode.WORKER_CRASHED, str(effect.crashes)))
    if account is None or repeat is None:
        return Verdict(Status.HELD, reason=Reason(ReasonCode.NOT_CONFIGURED, effect.account))
    if _is_erased(effect):
        return Verdict(Status.CANCELLED, reason=_final(effect, ReasonCode.ERASED))
    if effect.suppressed is not None:
        return Verdict(Status.CANCELLED, reason=_final(effect, ReasonCode.SUPPRESSED, effect.suppressed))
    if effect.predecessor is not None and effect.predecessor is not Status.ACCEPTED:
        return Verdict(Status.CANCELLED, reason=Reason(ReasonCode.PREDECESSOR_ENDED, effect.predecessor))
    if not effect.unresolved and effect.now >= effect.expires_at:
        return Verdict(Status.CANCELLED, reason=Reason(ReasonCode.EXPIRED))
    if effect.identity is not None and identity != effect.identity:  # its frozen request is one of the old login
        return Verdict(Status.HELD, reason=Reason(ReasonCode.LOGIN_CHANGED, effect.account))
    if effect.unresolved and (why := _not_repeatable(effect, account, repeat)):
        return Verdict(Status.HELD, reason=why)
    return None


def of_unknown(effect: Claimed, account: Account | None, repeat: Repeat | None, identity: str | None) -> Verdict | None:
    """Return what settles an effect whose attempt has no known end; None: a look at the provider."""
    if effect.proof in ("accepted", "found"):
        return Verdict(Status.ACCEPTED, reason=Reason(ReasonCode.PROVEN))
    if effect.proof == "refused":
        return Verdict(Status.REFUSED, reason=_final(effect, ReasonCode.REFUSED_LATE))
    if effect.crashes >= MAX_CRASHES:
        return Verdict(Status.HELD, reason=Reason(ReasonCode.WORKER_CRASHED, str(effect.crashes)))
    if account is None or repeat is None:
        return Verdict(Status.HELD, reason=Reason(ReasonCode.NOT_CONFIGURED, effect.account))
    if identity != effect.identity:
        return Verdict(Status.HELD, reason=Reason(ReasonCode.LOGIN_CHANGED, effect.account))
    if isinstance(repeat, Query):
        return None
    if _is_erased(effect):
        return Verdict(Status.CANCELLED, reason=Reason(ReasonCode.ERASED, maybe_sent=True))
    if effect.suppressed is not None:
        return Verdict(Status.CANCELLED, reason=Reason(ReasonCode.SUPPRESSED, effect.suppressed, maybe_sent=True))
    if why := _not_repeatable(effect, account, repeat):
        if isinstance(repeat, Feedback | Blind) and account.on_unknown == "drop":
            return Verdict(Status.CANCELLED, reason=Reason(ReasonCode.DROPPED, maybe_sent=True))
        return Verdict(Status.HELD, reason=why)
    return Verdict(Status.WAITING, reason=Reason(ReasonCode.REPEATED_SAFELY))


def window_ends(effect: Claimed, key: NativeKey) -> datetime | None:
    """Return the last instant at which the same key may be used again; None before any call."""
    return effect.first_opened_at and effect.first_opened_at + key.lifetime - key.margin


def _not_repeatable(effect: Claimed, account: Account, repeat: Repeat) -> Reason | None:
    if effect.unrepeatable:
        return Reason(ReasonCode.NOT_REPEATABLE, effect.unrepeatable)
    expired = Reason(ReasonCode.EXPIRED_UNKNOWN) if effect.now >= effect.expires_at else None
    match repeat:
        case NativeKey():
            ends = window_ends(effect, repeat)
            return Reason(ReasonCode.KEY_EXPIRED) if ends is not None and effect.now >= ends else None
        case SameId():
            return expired
        case Query():
            return Reason(ReasonCode.NOT_LOOKED_UP)
        case Feedback() | Blind():
            return expired if account.on_unknown == "resend" else Reason(ReasonCode.UNPROVABLE)


def _final(effect: Claimed, code: ReasonCode, detail: str | None = None) -> Reason:
    return Reason(code, detail, maybe_sent=effect.unresolved > 0)


# ---------------------------------------------------------------- after a call


def of_answer(
    effect: Claimed,
    outcome: Outcome,
    account: Account,
    repeat: Repeat,
    random: Random,
    *,
    others_accepted: bool = False,
) -> Verdict:
    """Return what follows from the end of an attempt.

    Time decides, not the count of tries: what was surely not sent is tried until it expires. `others_accepted`: the
    account accepted another effect since this one's credentials were last refused, so the refusal is about this one.
    """
    match outcome:
        case Accepted():
            return Verdict(Status.ACCEPTED)
        case Refused(detail):
            return Verdict(Status.REFUSED, reason=_final(effect, ReasonCode.REFUSED_BY_PROVIDER, detail))
        case Denied(detail) if others_accepted:
            why = f"{detail}; the account accepts others"
            return Verdict(Status.REFUSED, reason=_final(effect, ReasonCode.REFUSED_BY_PROVIDER, why))
        case Throttled() | Denied() | NotSent():
            to = Status.UNKNOWN if effect.unresolved else Status.WAITING  # an earlier try still has no known end
            return Verdict(
                to, wait=_until_next(effect, outcome, account, repeat, random), reason=reason_of(outcome), tries=1
            )
        case _:
            wait = _until_settled(effect, outcome, account, repeat, random) if outcome.repeatable else 0.0
            return Verdict(Status.UNKNOWN, wait=wait, reason=reason_of(outcome), tries=1)


def _until_next(
    effect: Claimed, outcome: Throttled | Denied | NotSent | Unknown, account: Account, repeat: Repeat, random: Random
) -> float:
    """Return when to try again: by backoff, in time for a last try, and never before the provider says.

    What expires before that ends when it expires.
    """
    may_be_sent = effect.unresolved or isinstance(outcome, Unknown)
    ends = window_ends(effect, repeat) if may_be_sent and isinstance(repeat, NativeKey) else effect.expires_at
    left = (ends - effect.now).total_seconds() if ends else math.inf
    wait = backoff(account.retry, effect.attempts + 1, random)
    if left > LAST_TRY_SECONDS:
        wait = min(wait, left - LAST_TRY_SECONDS)
    return max(min(max(wait, outcome.retry_after or 0.0), left), 0.0)


def _until_settled(effect: Claimed, outcome: Unknown, account: Account, repeat: Repeat, random: Random) -> float:
    match repeat:
        case Query():
            policy = looks_of(account, repeat)
            return policy.looks[0] if policy else 0.0
        case Feedback(horizon):
            return horizon.total_seconds()
        case Blind():
            return 0.0
        case _:
            return _until_next(effect, outcome, account, repeat, random)


# ---------------------------------------------------------------- after a look


def of_look(
    effect: Claimed,
    look: LookupResult,
    control: LookupResult | None,
    policy: LookPolicy,
    account: Account,
    random: Random,
    *,
    took: float = 0.0,
) -> Verdict:
    """Return what follows from a look; `control` is the same search for something that is surely there.

    Absence is believed at the last look only, before retention ends, and when the control was found. `took` is the
    seconds from the claim to the end of the look, which happened in between.
    """
    assert effect.last_opened_at is not None
    age = (effect.now - effect.last_opened_at).total_seconds()
    forgotten = age + took >= policy.retention
    match look:
        case Found(count=count) if count > 1:
            return Verdict(Status.ACCEPTED, reason=Reason(ReasonCode.FOUND_MANY, str(count)))
        case Found():
            return Verdict(Status.ACCEPTED, reason=Reason(ReasonCode.FOUND))
        case Unclear():
            if forgotten:
                return Verdict(Status.HELD, reason=Reason(ReasonCode.NO_LOOK_SUCCEEDED))
            wait = look.retry_after or UNCLEAR_WAIT_SECONDS
            return Verdict(Status.UNKNOWN, wait=wait, reason=reason_of(look), looks=effect.looks)
        case Absent() if forgotten:
            return Verdict(Status.HELD, reason=Reason(ReasonCode.PAST_RETENTION))
        case Absent():
            return _of_absence(effect, age, control, policy, account, random)


def _of_absence(
    effect: Claimed, age: float, control: LookupResult | None, policy: LookPolicy, account: Account, random: Random
) -> Verdict:
    looks = effect.looks + 1
    if age < policy.looks[-1]:
        upcoming = next((look for look in policy.looks[looks:] if look > age), policy.looks[-1])
        reason = Reason(ReasonCode.NOT_FOUND_YET)
        return Verdict(Status.UNKNOWN, wait=max(upcoming - age, 0.0), reason=reason, looks=looks)
    if isinstance(control, Found):
        return _again_after_absence(effect, account, random)
    if looks < len(policy.looks) + MAX_EXTRA_LOOKS:
        reason = Reason(ReasonCode.CONTROL_NOT_FOUND)
        return Verdict(Status.UNKNOWN, wait=max(policy.looks[-1], 1.0), reason=reason, looks=looks)
    return Verdict(Status.HELD, reason=Reason(ReasonCode.SEARCH_UNTRUSTED))


def _again_after_absence(effect: Claimed, account: Account, random: Random) -> Verdict:
    wait = backoff(account.retry, effect.attempts, random)
    return Verdict(Status.WAITING, wait=wait, reason=Reason(ReasonCode.PROVEN_ABSENT))


def is_proven_absence(look: LookupResult | None, verdict: Verdict) -> bool:
    """Whether the verdict rests on a trusted absence, which settles the attempt as not sent."""
    return isinstance(look, Absent) and verdict.to is Status.WAITING
