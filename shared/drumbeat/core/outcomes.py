"""What one attempt, or one lookup, showed about an effect."""

from collections.abc import Mapping
from dataclasses import dataclass

from drumbeat.core.reasons import Reason, ReasonCode


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider accepted it; `reference` is its own id for it."""

    reference: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The provider will never accept this one, by a documented answer."""

    reason: str


@dataclass(frozen=True, slots=True)
class NotSent:
    """Surely not carried out: no byte of the request left, or a documented refusal before work."""

    reason: str
    retry_after: float | None = None  # seconds


@dataclass(frozen=True, slots=True)
class Throttled:
    """Surely not carried out, and the whole account has to wait (429)."""

    reason: str
    retry_after: float | None = None  # seconds, already clamped; None: our own backoff


@dataclass(frozen=True, slots=True)
class Denied:
    """Surely not carried out: the credentials, or what they may do, are refused (401, 403).

    `of_message`: it may be about this message alone (403). Whether it is shows only when the account accepts another.
    """

    reason: str
    retry_after: float | None = None  # seconds
    of_message: bool = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """May have been carried out. `repeatable` is False when even the same key and bytes must not be sent again."""

    reason: str
    repeatable: bool = True
    retry_after: float | None = None  # seconds


type Outcome = Accepted | Refused | NotSent | Throttled | Denied | Unknown


@dataclass(frozen=True, slots=True)
class Found:
    """A lookup found it: accepted. `count` above one means that it was done more than once: an alarm."""

    reference: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Absent:
    """A lookup did not find it. Proves nothing by itself."""


@dataclass(frozen=True, slots=True)
class Unclear:
    """The lookup itself failed."""

    reason: str
    retry_after: float | None = None  # seconds


type LookupResult = Found | Absent | Unclear

_CODES: Mapping[type, ReasonCode] = {
    Refused: ReasonCode.REFUSED_BY_PROVIDER,
    NotSent: ReasonCode.NOT_SENT,
    Throttled: ReasonCode.PAUSED,
    Denied: ReasonCode.CREDENTIALS_REFUSED,
    Unknown: ReasonCode.OUTCOME_UNKNOWN,
    Unclear: ReasonCode.LOOK_FAILED,
}


def reason_of(end: Refused | NotSent | Throttled | Denied | Unknown | Unclear) -> Reason:
    """Return why a try or a lookup failed; its detail is the error."""
    if isinstance(end, Unknown) and not end.repeatable:
        return Reason(ReasonCode.NOT_REPEATABLE, end.reason)
    return Reason(_CODES[type(end)], end.reason)
