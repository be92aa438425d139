"""Why an effect has its status: a closed code, the part that varies, and the one table of sentences.

Code, SQL, tests and people select by the code. The sentence is for reading only and always derived; a code is never
reused for another meaning, and a new one comes with a migration that adds it to the domain `reason_code`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class ReasonCode(StrEnum):
    """Every reason. Those without a comment carry no detail."""

    # Found before any call.
    PROVEN = "proven"
    WORKER_CRASHED = "worker_crashed"  # detail: how many times in a row
    NOT_CONFIGURED = "not_configured"  # detail: the account
    LOGIN_CHANGED = "login_changed"  # detail: the account
    ERASED = "erased"
    SUPPRESSED = "suppressed"  # detail: why the person is
    PREDECESSOR_ENDED = "predecessor_ended"  # detail: its status
    EXPIRED = "expired"
    NOT_RENDERED = "not_rendered"  # detail: what is wrong with text or data
    NO_CONSENT = "no_consent"  # detail: the list, and how its consent stands
    NOT_ASKED = "not_asked"  # detail: the same
    CAPPED = "capped"  # detail: how often already, and in what time
    MISSED = "missed"
    RUN_CANCELLED = "run_cancelled"
    SECRET_MISSING = "secret_missing"  # noqa: S105 - no secret; detail: its reference
    SECRET_AWAY = "secret_away"  # noqa: S105 - the same

    # Put back, to go on later.
    NOT_UNDERSTOOD = "not_understood"
    RATE_LIMITED = "rate_limited"
    PAUSED = "paused"  # detail: the provider's answer
    CREDENTIALS_REFUSED = "credentials_refused"  # detail: the provider's answer; a pause, too
    BREAKER_OPEN = "breaker_open"
    LIMITER_AWAY = "limiter_away"
    WISHES_WAITING = "wishes_waiting"
    RUN_PAUSED = "run_paused"
    STOPPED = "stopped"
    QUIET_HOURS = "quiet_hours"
    LEASE_ENDED = "lease_ended"
    LEASE_ENDED_SENDING = "lease_ended_sending"

    # The end of a call.
    REFUSED_BY_PROVIDER = "refused_by_provider"  # detail: its answer
    NOT_SENT = "not_sent"  # detail: what went wrong
    OUTCOME_UNKNOWN = "outcome_unknown"  # detail: what came instead of an answer
    NOT_REPEATABLE = "not_repeatable"  # detail: the same; not even the same bytes may be sent again
    TRIES_EXHAUSTED = "tries_exhausted"  # detail: how the last try ended

    # What decides an unknown outcome, or cannot.
    REPEATED_SAFELY = "repeated_safely"
    REFUSED_LATE = "refused_late"
    DROPPED = "dropped"
    KEY_EXPIRED = "key_expired"
    EXPIRED_UNKNOWN = "expired_unknown"
    UNKNOWN_AFTER_TRIES = "unknown_after_tries"  # detail: how many
    NOT_LOOKED_UP = "not_looked_up"
    UNPROVABLE = "unprovable"

    # The end of a lookup.
    NOT_FOUND_YET = "not_found_yet"
    LOOK_FAILED = "look_failed"  # detail: what went wrong
    CONTROL_NOT_FOUND = "control_not_found"
    FOUND = "found"
    FOUND_MANY = "found_many"  # detail: how many times
    PROVEN_ABSENT = "proven_absent"
    NO_LOOK_SUCCEEDED = "no_look_succeeded"
    PAST_RETENTION = "past_retention"
    SEARCH_UNTRUSTED = "search_untrusted"

    # Reported from outside.
    FEEDBACK = "feedback"  # detail: the provider's words
    DECIDED = "decided"  # detail: a person's words
    RECONCILED = "reconciled"  # detail: a person's words

    # Written by the release before, which knew no codes.
    LEGACY = "legacy"  # detail: the whole sentence


# Written by earlier releases, and only read now.
RETIRED = (ReasonCode.TRIES_EXHAUSTED, ReasonCode.UNKNOWN_AFTER_TRIES, ReasonCode.BREAKER_OPEN, ReasonCode.LEGACY)

# An effect with one of these waits for the end of its account's pause; `accounts resume` makes it due.
PAUSES = (ReasonCode.PAUSED, ReasonCode.CREDENTIALS_REFUSED, ReasonCode.BREAKER_OPEN)

DETAIL = "{detail}"  # where a sentence holds what varies
MAYBE_SENT = "; may have been sent once"

# While the trigger of step 002 exists, a sentence must not change between two releases: the trigger would take an
# update that changes nothing but the sentence for one of the release before, and write `legacy`.
SENTENCES: Mapping[ReasonCode, str] = {
    ReasonCode.PROVEN: "proof of acceptance had arrived",
    ReasonCode.WORKER_CRASHED: "its worker ended without a result {detail} times in a row",
    ReasonCode.NOT_CONFIGURED: "account {detail} is not configured any more",
    ReasonCode.LOGIN_CHANGED: "account {detail} has another login now",
    ReasonCode.ERASED: "erased",
    ReasonCode.SUPPRESSED: "suppressed: {detail}",
    ReasonCode.PREDECESSOR_ENDED: "the step it comes after was {detail}",
    ReasonCode.EXPIRED: "expired: it could not be sent within its time",
    ReasonCode.NOT_RENDERED: "{detail}",
    ReasonCode.NO_CONSENT: "no consent: {detail}",
    ReasonCode.NOT_ASKED: "not asked to confirm, for the person has decided: {detail}",
    ReasonCode.CAPPED: "sent often enough: {detail}",
    ReasonCode.MISSED: "missed: its run was late, and a person decides",
    ReasonCode.RUN_CANCELLED: "its run was cancelled",
    ReasonCode.SECRET_MISSING: "secret {detail} does not exist or may not be read; set it, then resolve this effect",
    ReasonCode.SECRET_AWAY: "secret {detail} cannot be read now",
    ReasonCode.NOT_UNDERSTOOD: "configured or planned by a later release: it waits for that release",
    ReasonCode.RATE_LIMITED: "rate limit",
    ReasonCode.PAUSED: "paused: {detail}",
    ReasonCode.CREDENTIALS_REFUSED: "paused: {detail}",
    ReasonCode.BREAKER_OPEN: "circuit breaker open",
    ReasonCode.LIMITER_AWAY: "Redis is unreachable: each process sends at a part of the rate",
    ReasonCode.WISHES_WAITING: "marketing waits until what people asked for meanwhile is recorded",
    ReasonCode.RUN_PAUSED: "its run is paused",
    ReasonCode.STOPPED: "its account was stopped",
    ReasonCode.QUIET_HOURS: "its person is not mailed at this hour",
    ReasonCode.LEASE_ENDED: "its lease ended before an attempt was opened",
    ReasonCode.LEASE_ENDED_SENDING: "its lease ended with the attempt open",
    ReasonCode.REFUSED_BY_PROVIDER: "{detail}",
    ReasonCode.NOT_SENT: "{detail}",
    ReasonCode.OUTCOME_UNKNOWN: "{detail}",
    ReasonCode.NOT_REPEATABLE: "{detail}",
    ReasonCode.TRIES_EXHAUSTED: "gave up, no try is left: {detail}",
    ReasonCode.REPEATED_SAFELY: "outcome unknown: repeated safely",
    ReasonCode.REFUSED_LATE: "a late answer refused it",
    ReasonCode.DROPPED: "outcome unknown, dropped by on_unknown",
    ReasonCode.KEY_EXPIRED: "outcome unknown, and the idempotency key has expired",
    ReasonCode.EXPIRED_UNKNOWN: "outcome unknown, and its time to be repeated is over",
    ReasonCode.UNKNOWN_AFTER_TRIES: "outcome unknown after {detail} tries",
    ReasonCode.NOT_LOOKED_UP: "outcome unknown and not yet looked up",
    ReasonCode.UNPROVABLE: "outcome unknown, and nothing can prove it",
    ReasonCode.NOT_FOUND_YET: "not found yet",
    ReasonCode.LOOK_FAILED: "lookup failed: {detail}",
    ReasonCode.CONTROL_NOT_FOUND: "not found, but neither was a mail that certainly exists",
    ReasonCode.FOUND: "found at the provider",
    ReasonCode.FOUND_MANY: "found {detail} times at the provider",
    ReasonCode.PROVEN_ABSENT: "proven not accepted",
    ReasonCode.NO_LOOK_SUCCEEDED: "outcome unknown: no lookup succeeded within the provider's retention",
    ReasonCode.PAST_RETENTION: "outcome unknown: not found, but the provider keeps nothing that old",
    ReasonCode.SEARCH_UNTRUSTED: "outcome unknown: the provider's search cannot be trusted",
    ReasonCode.FEEDBACK: "reported by the provider: {detail}",
    ReasonCode.DECIDED: "{detail}",
    ReasonCode.RECONCILED: "{detail}",
    ReasonCode.LEGACY: "{detail}",
}


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason. `maybe_sent`: the effect ends here, although an earlier attempt may have been carried out."""

    code: ReasonCode
    detail: str | None = None
    maybe_sent: bool = False

    @property
    def sentence(self) -> str:
        """What a person reads."""
        text = SENTENCES[self.code].replace(DETAIL, self.detail or "")
        return text + MAYBE_SENT if self.maybe_sent else text
