"""What happened to an effect, in one order: attempts and their ends, what a person decided, what was reported."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from drumbeat.core.status import Status
from drumbeat.views.effect_stories import EffectStory

# An attempt says the same: of these moves nothing is told beside it. Nor of those that its end brought about.
_UNDER_WAY = (Status.CLAIMED, Status.SENDING)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line. `word` is a status, the kind of an outcome or a report; `by` who brought it about."""

    at: datetime
    what: str
    word: str
    detail: str | None
    by: str | None


def happened(effect: EffectStory) -> list[Entry]:
    """Return everything of an effect that a person asks for, the oldest first."""
    return sorted(_entries(effect), key=lambda entry: entry.at)


def _entries(effect: EffectStory) -> Iterator[Entry]:
    for attempt in effect.attempts:
        of = f"to {attempt.identity}" + (
            f", sent again: generation {attempt.generation}" if attempt.generation > 1 else ""
        )
        yield Entry(attempt.opened_at, f"Attempt {attempt.n}", "sending", of, None)
    for outcome in effect.outcomes:
        if outcome.origin == "feedback" and effect.feedback:
            continue  # the report stands here itself
        reference = f"reference {outcome.reference}" if outcome.reference else None
        said = "; ".join(each for each in (outcome.detail, reference) if each) or None
        yield Entry(outcome.at, f"Attempt {outcome.n}: {outcome.origin}", outcome.kind, said, None)
    ends = {(outcome.at, outcome.detail) for outcome in effect.outcomes}
    for move in effect.journal:
        is_told = move.to_status in _UNDER_WAY or (move.at, move.reason) in ends
        if move.from_status is None or not (is_told or (move.reason is None and move.actor == "worker")):
            what = "Planned" if move.from_status is None else "Became"
            yield Entry(move.at, what, move.to_status, move.reason, move.actor)
    for report in effect.feedback:
        by = "a program, it seems" if report.machine else None
        said = report.said or report.word
        yield Entry(report.at, "Reported", report.kind, said if said != report.kind else None, by)
