"""The invariants as a page shows them: whether each holds, what was found, and what stands still for that."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from drumbeat.core.invariants import Invariant
from drumbeat.ledger.database import Database
from drumbeat.views.violations import OpenViolation, listed_violations, open_violations

# What must never be, in words.
NEVER: Mapping[Invariant, str] = {
    Invariant.DUPLICATES: "an effect is accepted more than once",
    Invariant.UNACCOUNTED_RECIPIENTS: "people of a run are in no place, or in two",
    Invariant.JOURNAL_GAPS: "the journal of an effect has a gap, or says something else than its row",
    Invariant.UNKNOWN_OVERDUE: "nothing looks into an unknown outcome for long after its time",
    Invariant.PLAN_DEVIATION: "an effect of a run is outside of what was planned or approved",
}
# Where the subject of a violation is shown.
_PAGES: Mapping[str, str] = {"effect": "effects", "event": "events", "run": "runs"}


@dataclass(frozen=True, slots=True)
class FoundOnce:
    """One violation. `path`: of the page of its subject; "": there is none."""

    subject: UUID
    path: str
    sentence: str
    account: str | None
    run_id: UUID | None
    found_at: datetime


@dataclass(frozen=True, slots=True)
class Held:
    """One invariant: how often it does not hold, and the newest of what was found."""

    name: str
    never: str
    violations: int
    found: list[FoundOnce]


def invariants(db: Database) -> list[Held]:
    """Return all of them."""
    counts = open_violations(db)
    listed = [(each.invariant, _found(each)) for each in listed_violations(db)] if counts else []
    return [
        Held(name, never, counts.get(name, 0), [found for invariant, found in listed if invariant == name])
        for name, never in NEVER.items()
    ]


def _found(violation: OpenViolation) -> FoundOnce:
    from drumbeat.audit.findings_sql import Finding  # imports planner and delivery, which a page without any spares
    from drumbeat.audit.violations import KINDS, of_finding

    known = KINDS.get(violation.kind)
    sentence = violation.kind.replace("-", " ")
    if known is not None:
        sentence = of_finding(Finding(violation.kind, violation.subject, dict(violation.facts))).sentence
    page = _PAGES.get(known[1]) if known is not None else None
    return FoundOnce(
        subject=violation.subject,
        path=f"/{page}/{violation.subject}" if page else "",
        sentence=sentence,
        account=violation.account,
        run_id=violation.run_id,
        found_at=violation.found_at,
    )
