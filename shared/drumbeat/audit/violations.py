"""What `verify` may find, and the sentence that a person reads about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from drumbeat.audit.findings_sql import Finding


@dataclass(frozen=True, slots=True)
class Violation:
    """One promise that the ledger shows to be broken: which, about what, and how. No personal data.

    `invariant` is its number: I1 accepted once, I2 recorded, I3 nothing stuck, I4 an attempt before each call, I5 one
    at a time, I6 consent, I7 the journal is the truth, I8 limits, I9 one plan, the same everywhere.
    """

    invariant: str
    kind: str
    subject: str  # event | run | effect | contact
    id: UUID
    sentence: str


# kind -> invariant, subject, sentence
KINDS: Mapping[str, tuple[str, str, str]] = {
    "found-several": ("I1", "effect", "a search at the provider found it {found} times"),
    "acceptances-unread": ("I1", "effect", "its acceptances were not verified: {why}"),
    "accepted-twice": ("I1", "effect", "generation {generation} was accepted more than once"),
    "event-id": ("I2", "event", "its id is not the one that its source and key give"),
    "body-missing": ("I2", "event", "its body is gone, though not all of it is planned and final"),
    "facts-other": (
        "I2",
        "event",
        "it is a delivery whose facts are not the events that version {version} makes of it",
    ),
    "unplanned": ("I3", "event", "stuck: recorded, but without a plan for {late}"),
    "overdue": ("I3", "effect", "stuck: {status} and due for {late}, and nothing pauses {account}"),
    "lease-ended": ("I3", "effect", "stuck: {status} under a lease that ended {late} ago"),
    "never-due": ("I3", "effect", "stuck: {status}, and no time is set at which it is due"),
    "run-stuck": ("I3", "run", "stuck: {state}, and for {late} no worker has come that was expected"),
    "cancelled-waiting": ("I3", "effect", "stuck: waiting, though its run was cancelled {late} ago"),
    "held-unexplained": ("I3", "effect", "held without a reason"),
    "attempt-unjournaled": ("I4", "effect", "attempt {n} has no move to sending under its fence"),
    "sending-unattempted": ("I4", "effect", "move {seq} went to sending under fence {fence} without an attempt"),
    "request-other": ("I4", "effect", "attempt {n} sent other bytes than generation {generation} froze"),
    "request-missing": ("I4", "effect", "attempt {n} is open to repeats, but its bytes are gone"),
    "request-altered": ("I4", "effect", "the frozen bytes of generation {generation} do not match their hash"),
    "outcome-unattempted": ("I4", "effect", "the outcome {outcome} is about attempt {n}, which does not exist"),
    "accepted-unproven": ("I4", "effect", "accepted, but neither an answer, a lookup nor a person says so"),
    "two-open": ("I5", "effect", "move {seq} opened an attempt while another was open"),
    "after-suppression": ("I6", "effect", "attempt {n} was opened after its person was suppressed"),
    "after-withdrawal": ("I6", "effect", "attempt {n} was opened while its person's consent to {list} was {state}"),
    "contact-missing": ("I6", "effect", "its consent cannot be checked: its contact does not exist"),
    "contact-other": ("I6", "contact", "the person {row} mailed by its row, {last} by the last change of consent"),
    "reports-fold": ("I6", "contact", "bounces and complaints in the person's row are not what was reported"),
    "consent-fold": ("I6", "contact", "consent in the person's row is not what was recorded of it"),
    "journal-missing": ("I7", "effect", "it has no journal; its row says {row}"),
    "journal-stray": ("I7", "effect", "it has a journal, but there is no such effect"),
    "journal-gap": ("I7", "effect", "its journal has move {seq} where move {place} belongs"),
    "journal-start": ("I7", "effect", "its journal starts with {from} → {to}, not with its plan"),
    "journal-break": ("I7", "effect", "move {seq} starts at {from}, but the move before ended at {ended}"),
    "journal-fence": ("I7", "effect", "move {seq} was made under an older fence than the move before"),
    "move": ("I7", "effect", "move {seq}, {from} → {to}, is not allowed for an effect"),
    "fold": ("I7", "effect", "its journal says {journal}, its row says {row}"),
    "run-journal": ("I7", "run", "move {seq} of its journal, {from} → {to}, does not follow from {ended}"),
    "run-fold": ("I7", "run", "its journal says {journal}, its row says {row}"),
    "while-stopped": ("I8", "effect", "attempt {n} was opened while {account} was stopped"),
    "while-halted": ("I8", "effect", "attempt {n} was opened while its run was {state}"),
    "mailed-fold": ("I8", "contact", "how often the person was mailed, by their row, is not what was opened"),
    "too-old": ("I8", "effect", "first attempted {late} after it expired"),
    "plan-unread": ("I9", "event", "its plan was not verified: {why}"),
    "plan-hash": ("I9", "event", "version {version} makes another plan of it now than was recorded"),
    "plan-failed": ("I9", "event", "flows that cannot be planned: recorded {recorded}, now {now}"),
    "replan-hash": ("I9", "event", "version {version} makes another plan of flow {flow} now than was recorded"),
    "replan-unasked": ("I9", "event", "flow {flow} was planned again, though it had not failed"),
    "effect-missing": ("I9", "effect", "planned as {flow}.{step} of event {event}, but not there"),
    "effect-unplanned": ("I9", "effect", "{flow}.{step} of event {event} is there, but not planned"),
    "effect-other": ("I9", "effect", "its {fields} not as planned"),
    "run-other": ("I9", "run", "its {fields} not as its event, its plan and its version say"),
    "run-unbalanced": ("I9", "run", "{people} people of it are in no place, or in two"),
    "run-count": ("I9", "run", "its progress says that {matched} people are recipients, there are {found}"),
    "run-hash": ("I9", "run", "its plan is not that of its recipients: they, or their times, were changed"),
    "recipient-stray": ("I9", "run", "there is no such run, but {people} recipients of it"),
    "approval-other": ("I9", "run", "a plan was approved that is not its own"),
    "unapproved": ("I9", "run", "it was started without the approval that it needed"),
    "plan-deviation": ("I9", "effect", "{status} outside of what was planned of run {run}: {why}"),
    "one-sided": ("I9", "effect", "it and the effect {other} do not name each other as waiting and waited for"),
}


def violation(kind: str, id: UUID, **facts: object) -> Violation:
    """Put a finding into words; `late` is seconds."""
    invariant, subject, sentence = KINDS[kind]
    late = facts.get("late")
    if isinstance(late, int | float):
        facts["late"] = _span(late)
    return Violation(invariant, kind, subject, id, sentence.format(**facts))


def of_finding(finding: Finding) -> Violation:
    """Put into words what SQL has found."""
    return violation(finding.kind, finding.id, **finding.facts)


def _span(seconds: float) -> str:
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} seconds"
