"""The invariants that are watched while Drumbeat runs: each is a number that must be 0."""

from enum import StrEnum


class Invariant(StrEnum):
    """What is counted, and named in metrics, stops and commands."""

    DUPLICATES = "duplicates"  # effects that a provider accepted more than once
    UNACCOUNTED_RECIPIENTS = "unaccounted_recipients"  # people of a run who are nowhere, or twice
    JOURNAL_GAPS = "journal_gaps"  # moves that the journal lacks
    UNKNOWN_OVERDUE = "unknown_overdue"  # outcomes that are unknown for longer than they may be
    PLAN_DEVIATION = "plan_deviation"  # mails of a run outside the plan that was approved
