"""One chunk of the ledger, read to be verified: what was recorded, planned and frozen, all as of one instant."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from drumbeat.audit.spans_sql import Span, effects_of_events, effects_of_span, of_ids
from drumbeat.core.events import Event
from drumbeat.core.status import Status
from drumbeat.ledger import legacy
from drumbeat.ledger.database import Database
from drumbeat.planning.plan import NEVER_ENDS


@dataclass(frozen=True, slots=True)
class Replan:
    """One flow planned again, alone."""

    flow: str
    version: int
    semantics: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class PlannedEvent:
    """A recorded event and its plan; without one `version`, `semantics` and `hash` are None."""

    event: Event
    version: int | None
    semantics: int | None
    hash: bytes | None
    failed: frozenset[str]  # flows that could not be planned
    given_up: bool  # nothing of it was read, because that had ended workers
    replans: tuple[Replan, ...]
    facts: frozenset[UUID]  # the events that it was split into, as far as they are there
    forgotten: float | None  # seconds for which a plan has been missing that should be there


# Before the first `apply` there is nothing to plan by. A run has its plan once its recipients are recorded.
EVENTS = """
    SELECT e.id, e.source, e.key, e.type, e.door, e.scheduled_at, e.received_at, e.delivery, payloads.body,
           plans.version, plans.semantics, plans.hash,
           ARRAY(SELECT fact.id
                   FROM deliveries
                  CROSS JOIN LATERAL unnest(deliveries.facts) AS fact (id)
                   JOIN events ON events.id = fact.id
                  WHERE deliveries.event_id = e.id) AS facts,
           ARRAY(SELECT jsonb_object_keys(plans.failed)) AS failed,
           EXISTS (SELECT FROM jsonb_each_text(plans.failed) AS flow WHERE flow.value = %(never_ends)s) AS given_up,
           CASE WHEN plans.version IS NULL AND waited.since > %(late)s
                THEN extract(epoch FROM waited.since)::float8 END AS forgotten
      FROM events e
      LEFT JOIN payloads ON payloads.event_id = e.id
      LEFT JOIN plans ON plans.event_id = e.id
     CROSS JOIN (SELECT min(applied_at) AS first FROM configs) AS applied
      LEFT JOIN runs ON runs.id = e.id
     CROSS JOIN LATERAL (SELECT CASE WHEN applied.first IS NOT NULL AND runs.id IS NULL
                                     THEN drumbeat_now() - greatest(e.recorded_at, applied.first)
                                END AS since) AS waited
     WHERE e.id > %(after)s AND e.id <= %(last)s
     ORDER BY e.id
"""

REPLANS = """
    SELECT event_id, flow, version, semantics, hash
      FROM replans
     WHERE event_id > %(after)s AND event_id <= %(last)s
     ORDER BY event_id, flow
"""


def events(db: Database, span: Span, *, late: timedelta) -> list[PlannedEvent]:
    """Read the events of a span with their plans. One without a plan for longer than `late` is forgotten."""
    replans: dict[UUID, list[Replan]] = {}
    for row in db.run(REPLANS, span.bounds):
        replans.setdefault(row.pop("event_id"), []).append(Replan(**row))
    return [
        PlannedEvent(
            version=row.pop("version"),
            semantics=row.pop("semantics"),
            hash=row.pop("hash"),
            failed=frozenset(row.pop("failed")),
            given_up=row.pop("given_up"),
            replans=tuple(replans.get(row["id"], ())),
            facts=frozenset(row.pop("facts")),
            forgotten=row.pop("forgotten"),
            event=Event(**row),
        )
        for row in db.run(EVENTS, {**span.bounds, "late": late, "never_ends": NEVER_ENDS})
    ]


@dataclass(frozen=True, slots=True)
class RecordedEffect:
    """One effect as it was recorded, and its status."""

    id: UUID
    event_id: UUID
    version: int
    flow: str
    step: str
    account: str
    action: str
    contact: bytes | None
    list: str | None
    confirms: bool
    after: UUID | None
    dependents: tuple[UUID, ...]
    base_due_at: datetime
    status: Status


EFFECTS = effects_of_events(
    "id, event_id, version, flow, step, account, action, contact, list, confirms, after, dependents, base_due_at,"
    " status"
)


def effects(db: Database, span: Span) -> list[RecordedEffect]:
    """Read the effects of a span's events, but for runs: of one there may be a million."""
    return [
        RecordedEffect(**{**row, "status": Status(row["status"]), "dependents": tuple(row["dependents"])})
        for row in db.run(EFFECTS, span.bounds)
    ]


@dataclass(frozen=True, slots=True)
class FrozenRequest:
    """The bytes of one generation, and the hash that was taken when they were frozen."""

    effect_id: UUID
    generation: int
    hash: bytes
    frozen: bytes


FROZEN = f"""
    SELECT effect_id, generation, hash, frozen
      FROM requests
     WHERE effect_id = ANY (ARRAY(SELECT id FROM ({effects_of_span("id")}) AS scope))
"""  # noqa: S608 - put together from constants


def frozen(db: Database, span: Span) -> list[FrozenRequest]:
    """Read the frozen requests of a span's effects."""
    return [FrozenRequest(**row) for row in db.run(FROZEN, span.bounds)]


@dataclass(frozen=True, slots=True)
class Acceptances:
    """What is known of one generation of an effect that was accepted more than once, or seems to be."""

    effect_id: UUID
    generation: int
    account: str
    version: int
    answers: int  # attempts whose answer was an acceptance
    references: int  # different references that the provider gave it
    found: int | None  # how many a search found, where it found several
    hash: bytes | None
    frozen: bytes | None


# A reference that only repeats the status line identifies nothing.
_ACCEPTANCES = f"""
    WITH scope AS MATERIALIZED (
{{scope}}
    ), known AS MATERIALIZED (
        SELECT effect_id, generation,
               count(DISTINCT n) FILTER (WHERE origin IN ('answer', 'late')) AS answers,
               count(DISTINCT reference) FILTER (WHERE reference <> '' AND reference NOT LIKE 'HTTP %%') AS references
          FROM outcomes
         WHERE effect_id = ANY (ARRAY(SELECT id FROM scope)) AND kind IN ('accepted', 'found')
         GROUP BY effect_id, generation
    ), doubled AS MATERIALIZED (
        SELECT effect_id,
               max(CASE reason_code WHEN 'found_many' THEN reason_detail ELSE {legacy.FOUND_TIMES} END::int) AS found
          FROM journal
         WHERE effect_id = ANY (ARRAY(SELECT id FROM scope))
           AND to_status = 'accepted' AND (reason_code = 'found_many' OR {legacy.FOUND_MANY})
         GROUP BY effect_id
    )
    SELECT known.effect_id, known.generation, scope.account, scope.version, known.answers, known.references,
           doubled.found, requests.hash, requests.frozen
      FROM known
      JOIN scope ON scope.id = known.effect_id
      LEFT JOIN doubled ON doubled.effect_id = known.effect_id AND scope.generation = known.generation
      LEFT JOIN requests ON requests.effect_id = known.effect_id AND requests.generation = known.generation
     WHERE known.answers > 1 OR known.references > 1 OR doubled.found > 1
"""  # noqa: S608 - put together from constants
_SENT = "id, account, version, generation"
ACCEPTANCES = _ACCEPTANCES.replace("{scope}", effects_of_span(_SENT))
ACCEPTANCES_OF = _ACCEPTANCES.replace("{scope}", of_ids(_SENT))


def acceptances(db: Database, span: Span) -> list[Acceptances]:
    """Read what may have been accepted more than once within one generation."""
    return [Acceptances(**row) for row in db.run(ACCEPTANCES, span.bounds)]


def acceptances_of(db: Database, ids: Sequence[UUID]) -> list[Acceptances]:
    """Read the same of these effects."""
    return [Acceptances(**row) for row in db.run(ACCEPTANCES_OF, {"ids": list(ids)})]


# What runs send waits in no account's line.
DUE_BY_ACCOUNT = """
    SELECT account, count(*) AS due
      FROM effects
     WHERE NOT of_run AND status IN ('waiting', 'unknown') AND due_at <= drumbeat_now() AND account = ANY (%(accounts)s)
     GROUP BY account
"""


def due_by_account(db: Database, accounts: Sequence[str]) -> dict[str, int]:
    """Count what is due now for each of these accounts."""
    return {row["account"]: row["due"] for row in db.run(DUE_BY_ACCOUNT, {"accounts": list(accounts)})}


PARKED = """
    SELECT count(*) AS parked
      FROM parked
     WHERE decision IS NULL AND event_id > %(after)s AND event_id <= %(last)s
"""


def parked(db: Database, span: Span) -> int:
    """Count what was buffered for revoked callers and waits for a decision."""
    found: int = db.run(PARKED, span.bounds)[0]["parked"]
    return found
