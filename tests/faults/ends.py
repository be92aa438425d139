"""How an effect may end: what is wrong about a status, given what its provider did."""

from collections.abc import Collection, Mapping
from typing import Any

from drumbeat.core.reasons import ReasonCode
from drumbeat.core.status import Status
from tests.faults.sample_deployment import CLASSES, STEPS
from tests.faults.sample_people import ASKED_OF, MARKETING, PEOPLES_STEPS, STEPS_OF_RUNS

# Why an effect may be held, beside the classes F and X, whose unknown outcomes no evidence of ours can decide.
UNPROVABLE = (
    ReasonCode.KEY_EXPIRED,
    ReasonCode.SEARCH_UNTRUSTED,
    ReasonCode.NO_LOOK_SUCCEEDED,
    ReasonCode.PAST_RETENTION,
    ReasonCode.LOGIN_CHANGED,
    ReasonCode.WORKER_CRASHED,
    ReasonCode.EXPIRED_UNKNOWN,
)

ACCOUNTS = STEPS | PEOPLES_STEPS | STEPS_OF_RUNS  # by step
# Why an effect may be cancelled, though no fault happened: by step, beside a suppression.
PERSONS_REASONS = dict.fromkeys((*MARKETING, *STEPS_OF_RUNS), (ReasonCode.NO_CONSENT,)) | dict.fromkeys(
    ASKED_OF.values(), (ReasonCode.CAPPED, ReasonCode.NOT_ASKED)
)


def wrong_end(
    row: Mapping[str, Any], step: str, done: int, *, risked: bool, strict: bool, reasons: Collection[ReasonCode] = ()
) -> str | None:
    """Return what is wrong about the status in which an effect ended, given how often the provider did it.

    `risked`: a person sent it again, knowing that it may have been done. `reasons`: more that may end it.
    """
    code = row["reason_code"]
    decided = code == ReasonCode.DECIDED  # by a person
    match Status(row["status"]):
        case Status.ACCEPTED:
            return None if done or decided else "the provider never did it"
        case Status.REFUSED:
            if strict:
                return "no provider refused it"
            return "the provider did it" if done and not risked else None
        case Status.CANCELLED:
            if done and not row["maybe_sent"] and not risked:
                return "the provider did it, and nothing says so"
            wanted = (ReasonCode.SUPPRESSED, *PERSONS_REASONS.get(step, ()), *reasons)
            return "it has no reason" if code is None or (strict and code not in wanted) else None
        case Status.HELD:
            blind = CLASSES[ACCOUNTS[step]] in "FX" and code == ReasonCode.UNPROVABLE
            return None if blind or (not strict and code in UNPROVABLE) else "it could be proven"
        case Status.WAITING if row["resting"]:
            return None  # it waits for one that is held; otherwise the simulation would not have ended
    return "it is not at its end"
