"""One event and everything that followed from it, in the order it happened."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from drumbeat.ledger.database import Database, Row
from drumbeat.views.bodies import Shown, consent, shown
from drumbeat.views.derived import DERIVED, REASON

# One page; the rest of a larger event is read through the list of effects.
EFFECTS_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try: one HTTP request, committed before it was sent."""

    n: int
    generation: int
    identity: str
    request_hash: bytes
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class OutcomeItem:
    """What was learned about attempt `n`, and from where."""

    n: int
    generation: int
    origin: str
    kind: str
    reference: str | None
    reason_code: str | None  # of the detail
    detail: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One change of status."""

    seq: int
    from_status: str | None
    to_status: str
    reason_code: str | None
    reason_detail: str | None
    reason: str | None  # the sentence of code and detail
    maybe_sent: bool | None
    actor: str
    at: datetime


@dataclass(frozen=True, slots=True)
class FrozenRequest:
    """The request of one generation: what proves its bytes, never the bytes. Pruned when long final."""

    generation: int
    hash: bytes
    stored_bytes: int  # compressed


@dataclass(frozen=True, slots=True)
class EffectStory:
    """One effect with all that happened to it. `version` is what a decision about it names."""

    effect_id: UUID
    flow: str
    step: str
    account: str
    action: str
    status: str
    reason_code: str | None
    reason_detail: str | None
    reason: str | None  # the sentence of code and detail
    maybe_sent: bool | None  # it ended, although an earlier attempt may have been carried out; None: not known
    version: int
    config_version: int
    generation: int
    tries: int
    looks: int
    after: UUID | None
    planned_for: datetime
    due_at: datetime | None
    updated_at: datetime
    attempts: list[Attempt]
    outcomes: list[OutcomeItem]
    journal: list[JournalEntry]
    requests: list[FrozenRequest]


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
    erased: bool
    delivery: UUID | None  # of which it is one fact
    facts: list[UUID] | None  # the events that it was split into, if it is a delivery of many
    conflicts: int  # other bodies that came under the same key while the ledger was unreachable
    dismissals: list[Dismissal]
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

DISMISSALS = "SELECT actor, reason, at FROM dismissals WHERE event_id = %(id)s ORDER BY n"

PLAN = "SELECT version, hash, failed, planned_at FROM plans WHERE event_id = %(id)s"

REPLANS = "SELECT flow, version, hash, planned_at FROM replans WHERE event_id = %(id)s ORDER BY planned_at, flow"

EFFECTS = f"""
    SELECT id AS effect_id, flow, step, account, action, status, {REASON}, seq AS version, version AS config_version,
           generation, tries, looks, after, base_due_at AS planned_for, nullif(due_at, 'infinity') AS due_at, updated_at
      FROM effects
     WHERE event_id = %(id)s
     ORDER BY flow, base_due_at, step, id
     LIMIT %(limit)s
"""  # noqa: S608 - put together from constants

ATTEMPTS = """
    SELECT effect_id, n, generation, identity, request_hash, opened_at
      FROM attempts
     WHERE effect_id = ANY (%(ids)s)
     ORDER BY effect_id, n
"""

OUTCOMES = """
    SELECT effect_id, n, generation, origin, kind, reference,
           coalesce(reason_code, CASE WHEN detail IS NOT NULL THEN 'legacy' END) AS reason_code, detail, at
      FROM outcomes
     WHERE effect_id = ANY (%(ids)s)
     ORDER BY effect_id, id
"""

JOURNAL = f"""
    SELECT effect_id, seq, from_status, to_status, {REASON}, actor, at
      FROM journal
     WHERE effect_id = ANY (%(ids)s)
     ORDER BY effect_id, seq
"""  # noqa: S608 - put together from constants

REQUESTS = """
    SELECT effect_id, generation, hash, octet_length(frozen) AS stored_bytes
      FROM requests
     WHERE effect_id = ANY (%(ids)s)
     ORDER BY effect_id, generation
"""


def event(db: Database, id: UUID) -> EventStory | None:
    """Return one event with everything that followed from it, None when it was never recorded."""
    rows = db.run(EVENT, {"id": id})
    if not rows:
        return None
    head = rows[0]
    body: bytes | None = head.pop("body")
    payload = Shown(None, None) if body is None else shown(body, head["door"])
    return EventStory(
        **head,
        payload=payload.value,
        payload_form=payload.form,
        payload_bytes=None if body is None else len(body),
        consent=[] if body is None else consent(body, head["door"]),
        erased=body is None,
        dismissals=[Dismissal(**row) for row in db.run(DISMISSALS, {"id": id})],
        plan=_plan(db, id),
        effects=_effects(db, id),
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


def _effects(db: Database, id: UUID) -> list[EffectStory]:
    heads = db.run(EFFECTS, {"id": id, "limit": EFFECTS_SHOWN})
    ids = {"ids": [head["effect_id"] for head in heads]}
    attempts = _by_effect(db.run(ATTEMPTS, ids), Attempt)
    outcomes = _by_effect(db.run(OUTCOMES, ids), OutcomeItem)
    journal = _by_effect(db.run(JOURNAL, ids), JournalEntry)
    requests = _by_effect(db.run(REQUESTS, ids), FrozenRequest)
    return [
        EffectStory(
            **head,
            attempts=attempts.get(head["effect_id"], []),
            outcomes=outcomes.get(head["effect_id"], []),
            journal=journal.get(head["effect_id"], []),
            requests=requests.get(head["effect_id"], []),
        )
        for head in heads
    ]


def _by_effect[T](rows: list[Row], item: type[T]) -> dict[UUID, list[T]]:
    grouped: dict[UUID, list[T]] = {}
    for row in rows:
        grouped.setdefault(row.pop("effect_id"), []).append(item(**row))
    return grouped
