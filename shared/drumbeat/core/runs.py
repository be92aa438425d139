"""The state machine of a run, and why its people may be left out: closed words that code, SQL, docs and tests share."""

from collections.abc import Mapping
from enum import StrEnum


class RunState(StrEnum):
    """The state of a run."""

    PLANNED = "planned"  # its recipients are being recorded, or it is a plan to look at
    AWAITING_APPROVAL = "awaiting_approval"
    EXPANDING = "expanding"  # its effects are being recorded; those that are due are sent already
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"  # nothing of it moves by itself any more
    CANCELLED = "cancelled"
    MISSED = "missed"  # it came too late to begin; a person decides


# Mails of a run in one of these may be opened. (Of one that has finished a person may have some sent again.)
GOING = (RunState.EXPANDING, RunState.RUNNING)
OPEN_TO_SENDING = (*GOING, RunState.FINISHED)

# Nothing of a run in one of these goes on by itself; a person may have it sent to those who did not get it.
ENDED = (RunState.FINISHED, RunState.CANCELLED, RunState.MISSED)

# (from, to, when); None is "not there yet". What is not listed cannot happen: the journal of runs refuses it.
MOVES: tuple[tuple[RunState | None, RunState, str], ...] = (
    (None, RunState.PLANNED, "its schedule fired, or a person asked for it"),
    (RunState.PLANNED, RunState.AWAITING_APPROVAL, "it was asked to start, and a person has to approve it"),
    (RunState.PLANNED, RunState.EXPANDING, "its recipients are recorded, and it may start"),
    (RunState.PLANNED, RunState.MISSED, "it came later than its `misfire` allows"),
    (RunState.PLANNED, RunState.CANCELLED, "a person cancels it, or it was not started within a week"),
    (RunState.AWAITING_APPROVAL, RunState.EXPANDING, "a person approved it"),
    (RunState.AWAITING_APPROVAL, RunState.CANCELLED, "a person cancels it"),
    (RunState.EXPANDING, RunState.RUNNING, "all its effects are recorded"),
    (RunState.EXPANDING, RunState.PAUSED, "a person pauses it, or too many people complain"),
    (RunState.EXPANDING, RunState.CANCELLED, "a person cancels it, or far too many people complain"),
    (RunState.RUNNING, RunState.PAUSED, "a person pauses it, or too many people complain"),
    (RunState.RUNNING, RunState.FINISHED, "none of its effects moves by itself any more"),
    (RunState.RUNNING, RunState.CANCELLED, "a person cancels it, or far too many people complain"),
    (RunState.PAUSED, RunState.EXPANDING, "a person resumes it before all its effects are recorded"),
    (RunState.PAUSED, RunState.RUNNING, "a person resumes it"),
    (RunState.PAUSED, RunState.PAUSED, "a person pauses it for longer, or too many people complain"),
    (RunState.PAUSED, RunState.CANCELLED, "a person cancels it, or far too many people complain"),
    (RunState.MISSED, RunState.EXPANDING, "a person has it sent all the same"),
    (RunState.MISSED, RunState.CANCELLED, "a person cancels it"),
    (RunState.FINISHED, RunState.EXPANDING, "a person has it sent to those who did not get it"),
    (RunState.CANCELLED, RunState.EXPANDING, "a person has it sent to those who did not get it"),
)

ALLOWED = frozenset((before, after) for before, after, _ in MOVES)


class RunReason(StrEnum):
    """Why a run is paused, missed, cancelled or waits for approval."""

    PERSON = "person"  # detail: their words
    COMPLAINTS = "complaints"  # detail: how many of how many delivered
    PAUSE_OVER = "pause_over"  # its end was known
    LATE = "late"  # detail: how late, in words
    NEVER_STARTED = "never_started"
    TOO_SLOW = "too_slow"  # at its pace it would take months
    INVARIANT = "invariant"  # detail: which does not hold
    CONFIGURED = "configured"  # approval: the campaign says `approve`
    PROPOSED = "proposed"  # approval: a key that may only propose asked for it
    UNCHANGED = "unchanged"  # approval: its mails say what those of the last run said


class LeftOut(StrEnum):
    """Why a person of the audience gets no mail of a step."""

    SUPPRESSED = "suppressed"
    COMPLAINED = "complained"
    NO_CONSENT = "no_consent"
    CONSENT_PENDING = "consent_pending"
    WITHDRAWN = "withdrawn"
    MISSED = "missed"  # the campaign came too late for their time zone
    NO_LOCAL_TIME = "no_local_time"  # the clock of their time zone skipped the time
    LEFT_AUDIENCE = "left_audience"  # they were in the audience when it was planned, and not any more when it started


# What a person reads of a reason; `{detail}` is what varies.
SENTENCES: Mapping[RunReason, str] = {
    RunReason.PERSON: "{detail}",
    RunReason.COMPLAINTS: "too many people called its mails spam: {detail}",
    RunReason.PAUSE_OVER: "its pause was over",
    RunReason.LATE: "it came too late, by {detail}",
    RunReason.NEVER_STARTED: "it was not started within a week",
    RunReason.TOO_SLOW: "at its pace it would take months",
    RunReason.INVARIANT: "an invariant does not hold: {detail}",
    RunReason.CONFIGURED: "its campaign says that a person approves each run",
    RunReason.PROPOSED: "it was asked for with a key that may only propose",
    RunReason.UNCHANGED: "its mails say what those of the run before said",
}


def sentence(code: str | None, detail: str | None) -> str | None:
    """Return what a person reads of a reason; one that a later release wrote stays as it is."""
    if code is None:
        return None
    text = SENTENCES[RunReason(code)] if code in set(RunReason) else code
    return text.replace("{detail}", detail or "")
