"""One chunk of the ledger, read to be verified: what was recorded, planned and frozen, all as of one instant."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from drumbeat.core.events import Event
from drumbeat.core.status import Status
from drumbeat.ledger import legacy
from drumbeat.ledger.database import Database
from drumbeat.planning.plan import NEVER_ENDS

START = UUID(int=0)
END = UUID(int=2**128 - 1)

SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"


@contextmanager
def snapshot(db: Database) -> Iterator[None]:
    """Run all statements inside on the ledger as it was at the first of them; nothing is locked."""
    with db.transaction():
        db.run(SNAPSHOT)
        yield


@dataclass(frozen=True, slots=True)
class Span:
    """The ids after `after` up to and including `last`. Spans follow each other without a gap over all ids there are.

    Ids are hashes, so a span of event ids stands for as large a part of any other kind of id.
    """

    after: UUID
    last: UUID

    @property
    def bounds(self) -> Mapping[str, UUID]:
        """The parameters of statements over a span."""
        return {"after": self.after, "last": self.last}


# A chunk ends after so many events, or when their bodies would fill the memory.
BOUNDS = """
    SELECT id, sum(size) OVER (ORDER BY id) - size < %(bytes)s AS fits
      FROM (SELECT events.id, coalesce(octet_length(payloads.body), 0) AS size
              FROM events
              LEFT JOIN payloads ON payloads.event_id = events.id
             WHERE events.id > %(after)s
             ORDER BY events.id
             LIMIT %(limit)s + 1) AS upcoming
     ORDER BY id
"""


def span(db: Database, after: UUID, *, limit: int, bytes: int) -> Span:
    """Return the span of the next events, at most `limit`, that ends at `END` when there are no more."""
    rows = db.run(BOUNDS, {"after": after, "limit": limit, "bytes": bytes})
    taken = [row["id"] for row in rows[:limit] if row["fits"]]
    return Span(after, taken[-1] if len(taken) < len(rows) else END)


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


# Before the first `apply` there is nothing to plan by.
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
     CROSS JOIN LATERAL (SELECT drumbeat_now() - greatest(e.recorded_at, applied.first) AS since
                          WHERE applied.first IS NOT NULL
                          UNION ALL
                         SELECT NULL WHERE applied.first IS NULL) AS waited
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


EFFECTS = """
    SELECT id, event_id, version, flow, step, account, action, contact, list, confirms, after, dependents, base_due_at,
           status
      FROM effects
     WHERE event_id > %(after)s AND event_id <= %(last)s
     ORDER BY id
"""


def effects(db: Database, span: Span) -> list[RecordedEffect]:
    """Read the effects of a span's events."""
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


FROZEN = """
    SELECT requests.effect_id, requests.generation, requests.hash, requests.frozen
      FROM requests
      JOIN effects ON effects.id = requests.effect_id
     WHERE effects.event_id > %(after)s AND effects.event_id <= %(last)s
"""


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
ACCEPTANCES = f"""
    WITH scope AS MATERIALIZED (
        SELECT id, account, version, generation
          FROM effects
         WHERE event_id > %(after)s AND event_id <= %(last)s
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


def acceptances(db: Database, span: Span) -> list[Acceptances]:
    """Read what may have been accepted more than once within one generation."""
    return [Acceptances(**row) for row in db.run(ACCEPTANCES, span.bounds)]


DUE_BY_ACCOUNT = """
    SELECT account, count(*) AS due
      FROM effects
     WHERE status IN ('waiting', 'unknown') AND due_at <= drumbeat_now() AND account = ANY (%(accounts)s)
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
