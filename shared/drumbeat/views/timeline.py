"""One event and everything that followed from it, in the order it happened."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from drumbeat.core.consent import document, noted
from drumbeat.ledger.database import Database
from drumbeat.views import reports
from drumbeat.views.bodies import Shown, consent, shown
from drumbeat.views.derived import DERIVED
from drumbeat.views.effect_stories import EffectStory, effects
from drumbeat.views.pages import Fits, everything
from drumbeat.views.reports import MailReports, ReportItem


@dataclass(frozen=True, slots=True)
class Replan:
    """A flow that failed at first and was planned by a later configuration."""

    flow: str
    version: int
    hash: bytes
    planned_at: datetime


@dataclass(frozen=True, slots=True)
class PlanStory:
    """What one configuration version made of the event. `failed`: flows that still cannot be planned, and why."""

    version: int
    hash: bytes
    failed: Mapping[str, str]
    planned_at: datetime
    replans: list[Replan]


@dataclass(frozen=True, slots=True)
class Dismissal:
    """A person had looked at what needed attention, and left it as it was."""

    actor: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class EventStory:
    """One event, its plan and its effects. `payload` is what arrived, shown as `payload_form` says; None with `erased`
    when it was deleted.
    """

    event_id: UUID
    source: str
    idempotency_key: str
    type: str
    door: str
    status: str
    fingerprint: bytes
    received_at: datetime
    recorded_at: datetime
    scheduled_at: datetime | None
    payload: object
    payload_form: str | None
    payload_bytes: int | None  # of the body
    consent: list[dict[str, str | None]]  # what it says of lists
    evidence: Mapping[str, object] | None  # what one of our doors noted beside it
    erased: bool
    delivery: UUID | None  # of which it is one fact
    facts: list[UUID] | None  # the events that it was split into, if it is a delivery of many
    conflicts: int  # other bodies that came under the same key while the ledger was unreachable
    dismissals: list[Dismissal]
    report: ReportItem | None  # what a provider reported by it; None: nothing, or nothing new
    mails: MailReports  # what became of its mails; of a large run nothing
    run: UUID | None  # it is a run: of its effects some are here, and `GET /v1/runs/<its id>` tells of all its people
    plan: PlanStory | None
    effects_total: int
    effects: list[EffectStory]


EVENT = f"""
    SELECT events.id AS event_id, events.source, events.key AS idempotency_key, events.type, events.door,
           events.fingerprint, events.received_at, events.recorded_at, events.scheduled_at,
           derived.status, derived.effects AS effects_total,
           events.delivery,
           (SELECT facts FROM deliveries WHERE deliveries.event_id = events.id) AS facts,
           (SELECT body FROM payloads WHERE payloads.event_id = events.id) AS body,
           (SELECT count(*) FROM conflicts WHERE conflicts.event_id = events.id) AS conflicts
      FROM events
     CROSS JOIN LATERAL ({DERIVED}) AS derived
     WHERE events.id = %(id)s
"""  # noqa: S608 - put together from constants

IS_RUN = "SELECT FROM runs WHERE id = %(id)s"
COUNTED_REPORTS = 5_000  # effects of a run, of which what was reported is still added up here

DISMISSALS = "SELECT actor, reason, at FROM dismissals WHERE event_id = %(id)s ORDER BY n"

PLAN = "SELECT version, hash, failed, planned_at FROM plans WHERE event_id = %(id)s"

REPLANS = "SELECT flow, version, hash, planned_at FROM replans WHERE event_id = %(id)s ORDER BY planned_at, flow"


def event(db: Database, id: UUID, *, fits: Fits = everything) -> EventStory | None:
    """Return one event with what followed from it, None when it was never recorded.

    Of its effects as many are shown as fit beside the payload, and at least one.
    """
    rows = db.run(EVENT, {"id": id})
    if not rows:
        return None
    head = rows[0]
    body: bytes | None = head.pop("body")
    payload = Shown(None, None) if body is None else shown(body, head["door"])
    fits(payload.value)
    run = bool(db.run(IS_RUN, {"id": id}))
    is_large = run and head["effects_total"] > COUNTED_REPORTS
    return EventStory(
        **head,
        run=id if run else None,
        payload=payload.value,
        payload_form=payload.form,
        payload_bytes=None if body is None else len(body),
        consent=[] if body is None else consent(body, head["door"]),
        evidence=noted(document(body), head["door"]) or None,
        erased=body is None,
        dismissals=[Dismissal(**row) for row in db.run(DISMISSALS, {"id": id})],
        report=reports.of_events(db, [id]).get(id),
        mails=MailReports({}, None) if is_large else reports.of_mails(db, id),
        plan=_plan(db, id),
        effects=effects(db, id, fits, is_run=run),
    )


EVENT_OF_EFFECT = "SELECT event_id FROM effects WHERE id = %(id)s"


def event_of_effect(db: Database, id: UUID) -> UUID | None:
    """Return the event from which an effect followed, None when there is no such effect."""
    rows = db.run(EVENT_OF_EFFECT, {"id": id})
    return rows[0]["event_id"] if rows else None


def _plan(db: Database, id: UUID) -> PlanStory | None:
    rows = db.run(PLAN, {"id": id})
    if not rows:
        return None
    replans = [Replan(**row) for row in db.run(REPLANS, {"id": id})]
    caught_up = {replan.flow for replan in replans}
    failed = {flow: reason for flow, reason in rows[0].pop("failed").items() if flow not in caught_up}
    return PlanStory(**rows[0], failed=failed, replans=replans)
