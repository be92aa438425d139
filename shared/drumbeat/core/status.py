"""The state machine of an effect: one table that drives the code, the journal's CHECK, the documents and the tests."""

from enum import StrEnum


class Status(StrEnum):
    """The status of an effect."""

    WAITING = "waiting"
    CLAIMED = "claimed"
    SENDING = "sending"
    UNKNOWN = "unknown"
    HELD = "held"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    CANCELLED = "cancelled"


FINAL = frozenset({Status.ACCEPTED, Status.REFUSED, Status.CANCELLED})

# (from, to, when); None is "not planned yet". Everything that is not listed cannot happen: the journal refuses it.
MOVES: tuple[tuple[Status | None, Status, str], ...] = (
    (None, Status.WAITING, "planned"),
    (Status.WAITING, Status.CLAIMED, "due, and taken by a worker under a lease"),
    (Status.CLAIMED, Status.WAITING, "no token, or the lease ended before an attempt"),
    (Status.CLAIMED, Status.SENDING, "attempt committed: lease ours, consent read, bytes frozen"),
    (
        Status.WAITING,
        Status.CANCELLED,
        "suppressed or erased, expired, the step it comes after did not succeed, or a person cancels it",
    ),
    (
        Status.CLAIMED,
        Status.CANCELLED,
        "suppressed or erased, no consent to its list, asked to confirm often enough, expired, or the step it comes"
        " after did not succeed",
    ),
    (Status.CLAIMED, Status.REFUSED, "cannot be rendered or built: refused before any call"),
    (Status.CLAIMED, Status.HELD, "three claims in a row ended without a result"),
    (Status.SENDING, Status.ACCEPTED, "the provider said so"),
    (Status.SENDING, Status.REFUSED, "the provider said so, or refused its credentials while it accepted others"),
    (Status.SENDING, Status.WAITING, "surely not sent: it is tried again until it expires"),
    (Status.SENDING, Status.UNKNOWN, "no answer, 5xx, cut, unreadable, or the lease ended with the attempt open"),
    (Status.UNKNOWN, Status.ACCEPTED, "a lookup or feedback proves it"),
    (Status.UNKNOWN, Status.REFUSED, "a lookup or feedback proves it"),
    (Status.UNKNOWN, Status.WAITING, "safe to repeat, or proven not accepted"),
    (Status.UNKNOWN, Status.HELD, "nothing can prove it"),
    (Status.UNKNOWN, Status.CANCELLED, "its person was suppressed or erased: may have been sent once"),
    (Status.WAITING, Status.ACCEPTED, "evidence of acceptance arrived"),
    (Status.CLAIMED, Status.ACCEPTED, "evidence of acceptance arrived"),
    (Status.HELD, Status.ACCEPTED, "evidence of acceptance arrived, or a person says so"),
    (Status.HELD, Status.WAITING, "a person decides to send again"),
    (Status.HELD, Status.CANCELLED, "a person drops or cancels it"),
    (Status.REFUSED, Status.WAITING, "a person redrives it: a new generation"),
    (Status.CANCELLED, Status.WAITING, "a person redrives it: a new generation"),
)

ALLOWED = frozenset((before, after) for before, after, _ in MOVES)
