"""The effects of one event, each with all that happened to it, in the order it happened."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import batched
from typing import Any
from uuid import UUID

from drumbeat.ledger.database import Database, Row
from drumbeat.views import reports
from drumbeat.views.derived import REASON
from drumbeat.views.pages import Fits
from drumbeat.views.reports import ReportItem
from drumbeat.views.run_effects import page_of_run

# One page, of what fits into the answer; the rest of a larger event is read through the list of effects.
EFFECTS_SHOWN = 200
EFFECTS_AT_ONCE = 20
EFFECTS_OF_RUN = 20  # are enough to see what its mails are like; its people have a list of their own
STEPS_SHOWN = 200  # attempts, outcomes, changes, requests and reports of one effect: of each the newest


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
    feedback: list[ReportItem]  # what its provider reported, by the provider's clock
    older: bool  # of the last five there are older ones; the ledger's tables have them


_HEADS = f"""
    SELECT id AS effect_id, flow, step, account, action, status, {REASON}, seq AS version, version AS config_version,
           generation, tries, looks, after, base_due_at AS planned_for, nullif(due_at, 'infinity') AS due_at, updated_at
      FROM effects
"""  # noqa: S608 - put together from constants
EFFECTS = f"{_HEADS} WHERE event_id = %(id)s ORDER BY flow, base_due_at, step, id LIMIT %(limit)s"
# Of a run those of some people: to find any of it Postgres would read the table until it has met enough of them.
OF_RUN = f"{_HEADS} WHERE id = ANY (%(ids)s) ORDER BY flow, base_due_at, step, id"
ONE = f"{_HEADS} WHERE id = %(id)s"

# Of each effect the newest, however often it was tried.
ATTEMPTS = """
    SELECT found.*
      FROM unnest(%(ids)s::uuid[]) AS wanted (id)
     CROSS JOIN LATERAL (SELECT effect_id, n, generation, identity, request_hash, opened_at
                           FROM attempts
                          WHERE attempts.effect_id = wanted.id
                          ORDER BY n DESC
                          LIMIT %(limit)s) AS found
     ORDER BY effect_id, n
"""

OUTCOMES = """
    SELECT effect_id, n, generation, origin, kind, reference,
           coalesce(reason_code, CASE WHEN detail IS NOT NULL THEN 'legacy' END) AS reason_code, detail, at
      FROM unnest(%(ids)s::uuid[]) AS wanted (id)
     CROSS JOIN LATERAL (SELECT *
                           FROM outcomes
                          WHERE outcomes.effect_id = wanted.id
                          ORDER BY outcomes.id DESC
                          LIMIT %(limit)s) AS found
     ORDER BY effect_id, found.id
"""

JOURNAL = f"""
    SELECT effect_id, seq, from_status, to_status, {REASON}, actor, at
      FROM unnest(%(ids)s::uuid[]) AS wanted (id)
     CROSS JOIN LATERAL (SELECT *
                           FROM journal
                          WHERE journal.effect_id = wanted.id
                          ORDER BY seq DESC
                          LIMIT %(limit)s) AS found
     ORDER BY effect_id, seq
"""  # noqa: S608 - put together from constants

REQUESTS = """
    SELECT found.*
      FROM unnest(%(ids)s::uuid[]) AS wanted (id)
     CROSS JOIN LATERAL (SELECT effect_id, generation, hash, octet_length(frozen) AS stored_bytes
                           FROM requests
                          WHERE requests.effect_id = wanted.id
                          ORDER BY generation DESC
                          LIMIT %(limit)s) AS found
     ORDER BY effect_id, generation
"""


def _heads(db: Database, event: UUID, *, is_run: bool) -> list[Row]:
    if is_run:
        page = page_of_run(db, event, status=None, account=None, cursor=None, limit=EFFECTS_OF_RUN)
        return db.run(OF_RUN, {"ids": page[0] if page else []})
    return db.run(EFFECTS, {"id": event, "limit": EFFECTS_SHOWN})


def effect(db: Database, id: UUID) -> EffectStory | None:
    """Return one effect with all that happened to it; None when there is none."""
    return next(_stories(db, db.run(ONE, {"id": id})), None)


def effects(db: Database, event: UUID, fits: Fits, *, is_run: bool = False) -> list[EffectStory]:
    """Return the effects of an event, as many as fit and at least one; some of a run."""
    told: list[EffectStory] = []
    for heads in batched(_heads(db, event, is_run=is_run), EFFECTS_AT_ONCE, strict=False):
        for story in _stories(db, heads):
            if not fits(story) and told:
                return told
            told.append(story)
    return told


def _stories(db: Database, heads: Sequence[Row]) -> Iterator[EffectStory]:
    scope: dict[str, Any] = {"ids": [head["effect_id"] for head in heads], "limit": STEPS_SHOWN + 1}
    steps: dict[str, dict[UUID, list[Any]]] = {
        "attempts": _by_effect(db.run(ATTEMPTS, scope), Attempt),
        "outcomes": _by_effect(db.run(OUTCOMES, scope), OutcomeItem),
        "journal": _by_effect(db.run(JOURNAL, scope), JournalEntry),
        "requests": _by_effect(db.run(REQUESTS, scope), FrozenRequest),
        "feedback": _reports(reports.of_effects(db, scope["ids"], scope["limit"])),
    }
    for head in heads:
        own: dict[str, Any] = {name: found.get(head["effect_id"], []) for name, found in steps.items()}
        newest: dict[str, Any] = {name: some[-STEPS_SHOWN:] for name, some in own.items()}
        yield EffectStory(**head, **newest, older=newest != own)


def _reports(rows: list[Row]) -> dict[UUID, list[ReportItem]]:
    grouped: dict[UUID, list[ReportItem]] = {}
    for row in rows:
        grouped.setdefault(row["effect_id"], []).append(ReportItem(**row))
    return grouped


def _by_effect(rows: list[Row], item: type[Any]) -> dict[UUID, list[Any]]:
    grouped: dict[UUID, list[Any]] = {}
    for row in rows:
        grouped.setdefault(row.pop("effect_id"), []).append(item(**row))
    return grouped
