"""How a verdict on a claimed effect is written down: an opening before any call, a closing after one."""

from collections.abc import Mapping

from drumbeat.core.outcomes import Accepted, Denied, NotSent, Outcome, Refused, Throttled, Unknown, reason_of
from drumbeat.core.reasons import Reason
from drumbeat.core.status import Status
from drumbeat.delivery.effects import Claimed, Closing, Opening
from drumbeat.delivery.verdicts import Verdict

type Transition = Opening | Closing

# How an outcome is written in the ledger.
KINDS: Mapping[type, str] = {
    Accepted: "accepted",
    Refused: "refused",
    NotSent: "not_sent",
    Throttled: "throttled",
    Denied: "denied",
    Unknown: "unknown",
}


def without_call(effect: Claimed, verdict: Verdict, *, slot: float | None = None) -> Transition:
    """Write down a verdict that takes no call, on an effect that was to be sent or to be looked into."""
    if effect.status is Status.CLAIMED:
        return Opening(
            effect.id,
            effect.fence,
            verdict.to,
            wait=verdict.wait,
            reason=verdict.reason,
            slot=slot,
            of_run=effect.recipient is not None,
        )
    return after_look(effect, verdict, slot=slot)


def after_answer(effect: Claimed, verdict: Verdict, outcome: Outcome, *, identity: str) -> Closing:
    """Write down a verdict on the attempt of this claim, and how it ended."""
    return Closing(
        id=effect.id,
        fence=effect.fence,
        n=effect.fence,
        generation=effect.generation,
        identity=identity,
        origin="answer",
        kind=KINDS[type(outcome)],
        to=verdict.to,
        wait=verdict.wait,
        reference=(outcome.reference or None) if isinstance(outcome, Accepted) else None,
        learned=None if isinstance(outcome, Accepted) else reason_of(outcome),
        reason=verdict.reason,
        tries=verdict.tries,
        looks=verdict.looks,
    )


def after_look(
    effect: Claimed,
    verdict: Verdict,
    *,
    kind: str | None = None,
    reference: str | None = None,
    learned: Reason | None = None,
    slot: float | None = None,
) -> Closing:
    """Write down a verdict on the last attempt, which was looked into; without a `kind` nothing was learned."""
    return Closing(
        id=effect.id,
        fence=effect.fence,
        n=effect.last_n or effect.fence,
        generation=effect.generation,
        identity=effect.identity or "",
        origin="look",
        kind=kind,
        to=verdict.to,
        wait=verdict.wait,
        reference=reference,
        learned=learned,
        reason=verdict.reason,
        tries=verdict.tries,
        looks=verdict.looks,
        slot=slot,
    )
