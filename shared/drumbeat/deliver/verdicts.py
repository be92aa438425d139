"""What follows from what we know about an effect: pure decisions, no I/O.

Two questions are asked of every claimed effect: may it be sent now (`before_sending`), or, when an earlier attempt's
end is unknown, what settles it (`of_unknown`). Two are asked of every answer: `of_answer` and `of_look`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from drumbeat.flows.model import Account, LookPolicy, Retry
from drumbeat.outcomes import Absent, Accepted, Denied, Found, Look, NotSent, Outcome, Refused, Throttled, Unclear
from drumbeat.providers.base import Blind, Feedback, Key, Query, Repeat, SameId
from drumbeat.status import Status
from drumbeat.store.effects import Claimed

MAX_AGE = timedelta(days=7)  # after its time an effect that was surely never sent is not wanted any more
MAX_CRASHES = 3  # claims in a row that ended without a word: the effect is poison
SECRETS_AWAY = 60.0  # seconds until secrets that could not be read are asked for again
DENIED_PAUSE = 300.0  # seconds between looks at an account whose credentials are refused
EXTRA_LOOKS = 3  # further looks when the last one could not be trusted
UNCLEAR_WAIT = 60.0  # seconds until a look that failed is tried again


@dataclass(frozen=True, slots=True)
class Verdict:
    """Where an effect goes next; `wait` in seconds until due, `tries` to add, `looks` to set."""

    to: Status
    wait: float = 0.0
    reason: str | None = None
    tries: int = 0
    looks: int = 0


def backoff(retry: Retry, tries: int, random: Random) -> float:
    """Return seconds to wait after this many tries: full jitter under an exponential cap."""
    return random.uniform(0, min(retry.cap, retry.base * 2.0 ** min(tries, 30)))


def looks_of(account: Account, repeat: Repeat) -> LookPolicy | None:
    """Return when to look and how long absence means anything: the account's word, else the provider's."""
    if not isinstance(repeat, Query):
        return None
    if account.lookup is not None:
        return account.lookup
    return LookPolicy(tuple(look.total_seconds() for look in repeat.looks), repeat.retention.total_seconds())


# ---------------------------------------------------------------- before any call


def before_sending(
    effect: Claimed, account: Account | None, repeat: Repeat | None, identity: str | None
) -> Verdict | None:
    """Tell why a claimed effect must not be sent now; None: it may."""
    if effect.proof in ("accepted", "found"):
        return Verdict(Status.ACCEPTED, reason="proof of acceptance had arrived")
    if effect.crashes >= MAX_CRASHES:
        return Verdict(Status.HELD, reason=f"its worker ended without a word {effect.crashes} times in a row")
    if account is None or repeat is None:
        return Verdict(Status.HELD, reason=f"account {effect.account} is not configured any more")
    if effect.event.body is None:
        return Verdict(Status.CANCELLED, reason="erased" + _once(effect))
    if effect.suppressed is not None:
        return Verdict(Status.CANCELLED, reason=f"suppressed: {effect.suppressed}" + _once(effect))
    if effect.predecessor is not None and effect.predecessor is not Status.ACCEPTED:
        return Verdict(Status.CANCELLED, reason=f"the step it comes after was {effect.predecessor}")
    if effect.generation == 1 and not effect.unresolved and effect.now > effect.base_due_at + MAX_AGE:
        return Verdict(Status.CANCELLED, reason="expired: over 7 days late")
    if effect.identity is not None and identity != effect.identity:  # its frozen request is one of the old login
        return Verdict(Status.HELD, reason=f"account {effect.account} is another login now")
    if effect.unresolved and (why := _not_repeatable(effect, account, repeat)):
        return Verdict(Status.HELD, reason=why)
    return None


def of_unknown(effect: Claimed, account: Account | None, repeat: Repeat | None, identity: str | None) -> Verdict | None:
    """Tell what settles an effect whose attempt has no known end; None: a look at the provider."""
    if effect.proof in ("accepted", "found"):
        return Verdict(Status.ACCEPTED, reason="proof of acceptance had arrived")
    if effect.proof == "refused":
        return Verdict(Status.REFUSED, reason="a late answer refused it" + _once(effect))
    if effect.crashes >= MAX_CRASHES:
        return Verdict(Status.HELD, reason=f"its worker ended without a word {effect.crashes} times in a row")
    if account is None or repeat is None:
        return Verdict(Status.HELD, reason=f"account {effect.account} is not configured any more")
    if identity != effect.identity:
        return Verdict(Status.HELD, reason=f"account {effect.account} is another login now")
    if isinstance(repeat, Query):
        return None
    if effect.suppressed is not None:
        return Verdict(Status.CANCELLED, reason=f"suppressed: {effect.suppressed}; may have been sent once")
    if why := _not_repeatable(effect, account, repeat):
        if isinstance(repeat, Feedback | Blind) and account.on_unknown == "drop":
            return Verdict(Status.CANCELLED, reason="outcome unknown, dropped by on_unknown; may have been sent once")
        return Verdict(Status.HELD, reason=why)
    return Verdict(Status.WAITING, reason="outcome unknown: repeated safely")


def window_ends(effect: Claimed, key: Key) -> datetime | None:
    """Return the last instant at which the same key may be used again; None before any call."""
    return effect.first_opened_at and effect.first_opened_at + key.lifetime - key.margin


def _not_repeatable(effect: Claimed, account: Account, repeat: Repeat) -> str | None:
    if effect.tries >= account.retry.tries:
        return f"outcome unknown after {effect.tries} tries"
    match repeat:
        case Key():
            ends = window_ends(effect, repeat)
            if ends is not None and effect.now >= ends:
                return "outcome unknown, and the idempotency key has expired"
            return None
        case SameId():
            return None
        case Query():
            return "outcome unknown and not yet looked up"
        case Feedback() | Blind():
            return None if account.on_unknown == "resend" else "outcome unknown, and nothing can prove it"


def _once(effect: Claimed) -> str:
    return "; may have been sent once" if effect.unresolved else ""


# ---------------------------------------------------------------- after a call


def of_answer(effect: Claimed, outcome: Outcome, account: Account, repeat: Repeat, random: Random) -> Verdict:
    """Tell what follows from the end of an attempt."""
    retry = account.retry
    match outcome:
        case Accepted():
            return Verdict(Status.ACCEPTED)
        case Refused(reason):
            return Verdict(Status.REFUSED, reason=reason + _once(effect))
        case Throttled(reason, retry_after):  # both wait for the pause that they cause, and end with it
            wait = retry_after or backoff(retry, effect.tries, random)
            return Verdict(Status.WAITING, wait=wait, reason=f"paused: {reason}")
        case Denied(reason):
            return Verdict(Status.WAITING, wait=DENIED_PAUSE, reason=f"paused: {reason}")
        case NotSent(reason, retry_after):
            return _again(effect, retry, reason, retry_after, random)
        case _:
            if not outcome.repeatable:  # the key is spoilt: leave no try, so that a person decides
                return Verdict(Status.UNKNOWN, reason=outcome.reason, tries=max(retry.tries - effect.tries, 1))
            wait = _until_settled(effect, account, repeat, random)
            return Verdict(Status.UNKNOWN, wait=wait, reason=outcome.reason, tries=1)


def _again(effect: Claimed, retry: Retry, reason: str, retry_after: float | None, random: Random) -> Verdict:
    """Surely not sent: wait and try again, or give up."""
    tries = effect.tries + 1
    if effect.unresolved:  # this try was harmless, an earlier one still has no known end
        return Verdict(Status.UNKNOWN, wait=backoff(retry, tries, random), reason=reason, tries=1)
    if tries >= retry.tries:
        return Verdict(Status.REFUSED, reason=f"gave up after {tries} tries: {reason}", tries=1)
    return Verdict(Status.WAITING, wait=retry_after or backoff(retry, tries, random), reason=reason, tries=1)


def _until_settled(effect: Claimed, account: Account, repeat: Repeat, random: Random) -> float:
    match repeat:
        case Query():
            policy = looks_of(account, repeat)
            return policy.looks[0] if policy else 0.0
        case Feedback(horizon):
            return horizon.total_seconds()
        case Blind():
            return 0.0
        case _:
            return backoff(account.retry, effect.tries, random)


# ---------------------------------------------------------------- after a look


def of_look(
    effect: Claimed,
    look: Look,
    control: Look | None,
    policy: LookPolicy,
    account: Account,
    random: Random,
    *,
    took: float = 0.0,
) -> Verdict:
    """Tell what follows from a look; `control` is the same search for something that is surely there.

    Absence is believed at the last look only, before retention ends, and when the control was found. `took` is the
    seconds since the claim: the look was no earlier than the one, and no later than the other.
    """
    assert effect.last_opened_at is not None
    age = (effect.now - effect.last_opened_at).total_seconds()
    forgotten = age + took >= policy.retention
    match look:
        case Found(count=count) if count > 1:
            return Verdict(Status.ACCEPTED, reason=f"found {count} times at the provider")
        case Found():
            return Verdict(Status.ACCEPTED, reason="found at the provider")
        case Unclear(reason):
            if forgotten:
                return Verdict(Status.HELD, reason="outcome unknown: no look succeeded before retention ended")
            return Verdict(Status.UNKNOWN, wait=UNCLEAR_WAIT, reason=f"look failed: {reason}", looks=effect.looks)
        case Absent() if forgotten:
            return Verdict(Status.HELD, reason="outcome unknown: absent, but what is old is not kept by the provider")
        case Absent():
            return _of_absence(effect, age, control, policy, account, random)


def _of_absence(
    effect: Claimed, age: float, control: Look | None, policy: LookPolicy, account: Account, random: Random
) -> Verdict:
    looks = effect.looks + 1
    if age < policy.looks[-1]:
        upcoming = next((look for look in policy.looks[looks:] if look > age), policy.looks[-1])
        return Verdict(Status.UNKNOWN, wait=max(upcoming - age, 0.0), reason="not found yet", looks=looks)
    if isinstance(control, Found):
        return _again_after_absence(effect, account, random)
    if looks < len(policy.looks) + EXTRA_LOOKS:
        reason = "not found, but neither was a mail that is surely there"
        return Verdict(Status.UNKNOWN, wait=max(policy.looks[-1], 1.0), reason=reason, looks=looks)
    return Verdict(Status.HELD, reason="outcome unknown: the provider's search cannot be trusted")


def _again_after_absence(effect: Claimed, account: Account, random: Random) -> Verdict:
    if effect.tries >= account.retry.tries:
        return Verdict(Status.REFUSED, reason=f"gave up after {effect.tries} tries: proven not accepted")
    wait = backoff(account.retry, effect.tries, random)
    return Verdict(Status.WAITING, wait=wait, reason="proven not accepted")


def is_proven_absence(look: Look | None, verdict: Verdict) -> bool:
    """Tell whether the verdict rests on a trusted absence, which settles the attempt as not sent."""
    return isinstance(look, Absent) and verdict.to in (Status.WAITING, Status.REFUSED)
