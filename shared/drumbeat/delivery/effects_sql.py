"""Effects under way: claim, open, close. Each is one statement for a whole batch, and each move writes its journal.

The fence is the lock: a claim raises it, and whatever is written later must name it. The three statements stand in one
file, long as it is, because each is only right beside the other two.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from drumbeat.core.events import Event
from drumbeat.core.reasons import Reason, ReasonCode
from drumbeat.core.status import Status
from drumbeat.ledger.database import Database, Row


@dataclass(frozen=True, slots=True)
class Claimed:
    """An effect that is ours until `lease_until`, with all that deciding about it takes."""

    id: UUID
    event: Event
    version: int
    flow: str
    step: str
    account: str
    action: str
    contact: bytes | None
    status: Status  # claimed: to be sent; unknown: to be looked into
    fence: int
    generation: int
    tries: int
    crashes: int
    looks: int
    slot: float | None
    base_due_at: datetime
    dependents: tuple[UUID, ...]
    now: datetime  # the database's, when it was claimed
    newest_version: int
    frozen: bytes | None  # this generation's request, once made
    request_hash: bytes | None
    attempts: int  # of this generation
    unresolved: int  # attempts of this generation of which nobody knows the end
    first_opened_at: datetime | None
    last_opened_at: datetime | None
    last_n: int | None
    identity: str | None  # of this generation's attempts
    proof: str | None  # an outcome that settles it: accepted, found or refused
    proof_reference: str | None
    suppressed: str | None  # why its person must not be mailed
    predecessor: Status | None  # of the effect it comes after


CLAIM = """
    WITH wanted AS MATERIALIZED (
        SELECT id
          FROM effects
         WHERE id = ANY (%(ids)s)
           AND status IN ('waiting', 'unknown')
           AND due_at <= drumbeat_now()
           AND (lease_until IS NULL OR lease_until <= drumbeat_now())
           AND (crashes = 0 OR %(alone)s)
         ORDER BY id
         LIMIT %(limit)s
           FOR UPDATE SKIP LOCKED
    ), taken AS (
        UPDATE effects e
           SET status = CASE status WHEN 'waiting' THEN 'claimed' ELSE status END,
               seq = seq + CASE status WHEN 'waiting' THEN 1 ELSE 0 END,
               fence = fence + 1,
               lease_until = drumbeat_now() + %(lease)s,
               due_at = drumbeat_now() + %(lease)s,
               updated_at = drumbeat_now()
          FROM wanted
         WHERE e.id = wanted.id
     RETURNING e.*
    ), journaled AS (
        INSERT INTO journal (effect_id, seq, from_status, to_status, fence, actor)
        SELECT id, seq, 'waiting', 'claimed', fence, 'worker' FROM taken WHERE status = 'claimed'
    )
    SELECT t.id, t.event_id, t.version, t.flow, t.step, t.account, t.action, t.contact, t.status, t.fence,
           t.generation, t.tries, t.crashes, t.looks, t.slot, t.base_due_at, t.dependents,
           drumbeat_now() AS now,
           (SELECT max(version) FROM configs) AS newest_version,
           e.source, e.key, e.type, e.door, e.scheduled_at, e.received_at, p.body,
           r.frozen, r.hash AS request_hash,
           tried.attempts, tried.unresolved, tried.first_opened_at, tried.last_opened_at, tried.last_n,
           tried.identity,
           proof.kind AS proof, proof.reference AS proof_reference,
           c.suppression_reason AS suppressed,
           earlier.status AS predecessor
      FROM taken t
      JOIN events e ON e.id = t.event_id
      LEFT JOIN payloads p ON p.event_id = t.event_id
      LEFT JOIN requests r ON r.effect_id = t.id AND r.generation = t.generation
      LEFT JOIN contacts c ON c.key = t.contact AND c.suppressed_at IS NOT NULL
      LEFT JOIN effects earlier ON earlier.id = t.after
     CROSS JOIN LATERAL (
        SELECT count(*) AS attempts,
               count(*) FILTER (WHERE (SELECT o.id
                                         FROM outcomes o
                                        WHERE o.effect_id = a.effect_id AND o.n = a.n
                                          AND o.kind IN ('not_sent', 'throttled', 'denied', 'refused')
                                        LIMIT 1) IS NULL) AS unresolved,
               min(a.opened_at) AS first_opened_at, max(a.opened_at) AS last_opened_at,
               max(a.n) AS last_n, max(a.identity) AS identity
          FROM attempts a
         WHERE a.effect_id = t.id AND a.generation = t.generation) AS tried
      LEFT JOIN LATERAL (
        SELECT o.kind, o.reference
          FROM outcomes o
         WHERE o.effect_id = t.id AND o.generation = t.generation AND o.kind IN ('accepted', 'found', 'refused')
         ORDER BY o.kind = 'refused', o.id
         LIMIT 1) AS proof ON true
"""


def claim(db: Database, ids: Sequence[UUID], *, lease: timedelta, limit: int, alone: bool = False) -> list[Claimed]:
    """Take those of the effects that are due and free, under a raised fence, for the time of the lease.

    An effect whose last claim ended without a word is only taken `alone`, so that a poisoned one hurts no neighbour.
    """
    rows = db.run(CLAIM, {"ids": list(ids), "lease": lease, "limit": limit, "alone": alone})
    return [_claimed(row) for row in rows]


def _claimed(row: Row) -> Claimed:
    event = Event(
        id=row.pop("event_id"),
        source=row.pop("source"),
        key=row.pop("key"),
        type=row.pop("type"),
        door=row.pop("door"),
        scheduled_at=row.pop("scheduled_at"),
        received_at=row.pop("received_at"),
        body=row.pop("body"),
    )
    row["status"] = Status(row["status"])
    row["predecessor"] = row["predecessor"] and Status(row["predecessor"])
    row["dependents"] = tuple(row["dependents"])
    return Claimed(event=event, **row)


@dataclass(frozen=True, slots=True)
class Opening:
    """What is to become of one claimed effect before any call.

    `send` opens an attempt; the others put it back (`waiting`) or end it (`cancelled`, `refused`, `held`, and
    `accepted` where proof had arrived).
    """

    id: UUID
    fence: int
    to: Literal["sending", "waiting", "cancelled", "refused", "held", "accepted"]
    wait: float = 0.0  # seconds until due again, for `waiting`
    reason: Reason | None = None
    slot: float | None = None
    identity: str | None = None
    request_hash: bytes | None = None
    frozen: bytes | None = None  # None: frozen by an earlier attempt of this generation


# The contacts are locked in key order and read under the lock: a suppression that committed before is seen, one that
# comes later waits for this commit. Attempt and request are recorded only for what the fence says is still ours.
OPEN = """
    WITH input AS MATERIALIZED (
        SELECT * FROM unnest(%(ids)s::uuid[], %(fences)s::int[], %(tos)s::text[], %(waits)s::float8[],
                             %(sentences)s::text[], %(codes)s::text[], %(details)s::text[], %(maybes)s::bool[],
                             %(slots)s::float8[], %(identities)s::text[], %(hashes)s::bytea[], %(frozen)s::bytea[])
                   AS i (id, fence, target, wait, why, code, detail, maybe, reserved, identity, hash, frozen)
    ), people AS MATERIALIZED (
        SELECT key, suppressed_at, suppression_reason
          FROM contacts
         WHERE key IN (SELECT e.contact FROM effects e JOIN input i ON i.id = e.id WHERE i.target = 'sending')
         ORDER BY key
           FOR SHARE
    ), mine AS MATERIALIZED (
        SELECT e.id, i.wait, i.reserved, i.identity, i.hash, i.frozen,
               CASE WHEN c.suppressed_at IS NOT NULL THEN 'cancelled' ELSE i.target END AS target,
               CASE WHEN c.suppressed_at IS NOT NULL
                    THEN replace(CASE WHEN e.tries > 0 THEN %(suppressed_late)s ELSE %(suppressed)s END,
                                 '{detail}', c.suppression_reason)
                    ELSE i.why END AS why,
               CASE WHEN c.suppressed_at IS NOT NULL THEN 'suppressed' ELSE i.code END AS code,
               CASE WHEN c.suppressed_at IS NOT NULL THEN c.suppression_reason ELSE i.detail END AS detail,
               CASE WHEN c.suppressed_at IS NOT NULL THEN e.tries > 0 ELSE i.maybe END AS maybe
          FROM effects e
          JOIN input i ON i.id = e.id
          LEFT JOIN people c ON c.key = e.contact AND i.target = 'sending'
         WHERE e.fence = i.fence
           AND e.status = 'claimed'
           AND e.lease_until > drumbeat_now()
         ORDER BY e.id
           FOR UPDATE OF e
    ), moved AS (
        UPDATE effects e
           SET status = m.target,
               seq = e.seq + 1,
               reason = m.why,
               reason_code = m.code,
               reason_detail = m.detail,
               maybe_sent = m.maybe,
               slot = m.reserved,
               due_at = CASE m.target WHEN 'sending' THEN e.lease_until
                                      WHEN 'waiting' THEN drumbeat_now() + make_interval(secs => m.wait)
                                      ELSE 'infinity' END,
               lease_until = CASE m.target WHEN 'sending' THEN e.lease_until END,
               crashes = CASE WHEN m.target IN ('sending', 'waiting') THEN e.crashes ELSE 0 END,
               updated_at = drumbeat_now()
          FROM mine m
         WHERE e.id = m.id
     RETURNING e.id, e.status, e.seq, e.fence, e.generation, e.reason, e.reason_code, e.reason_detail, e.maybe_sent,
               e.dependents
    ), journaled AS (
        INSERT INTO journal (effect_id, seq, from_status, to_status, fence, reason, reason_code, reason_detail,
                             maybe_sent, actor)
        SELECT id, seq, 'claimed', status, fence, reason, reason_code, reason_detail, maybe_sent, 'worker' FROM moved
    ), frozen AS (
        INSERT INTO requests (effect_id, generation, hash, frozen)
        SELECT m.id, m.generation, mine.hash, mine.frozen
          FROM moved m JOIN mine ON mine.id = m.id
         WHERE m.status = 'sending' AND mine.frozen IS NOT NULL
            ON CONFLICT DO NOTHING
    ), opened AS (
        INSERT INTO attempts (effect_id, n, generation, identity, request_hash)
        SELECT m.id, m.fence, m.generation, mine.identity, mine.hash
          FROM moved m JOIN mine ON mine.id = m.id
         WHERE m.status = 'sending'
    )
    SELECT id, status, dependents FROM moved
"""


@dataclass(frozen=True, slots=True)
class Moved:
    """Where an effect stands now; `dependents` wait for its end."""

    id: UUID
    status: Status
    dependents: tuple[UUID, ...]


def open_attempts(db: Database, openings: Sequence[Opening]) -> dict[UUID, Moved]:
    """Open an attempt, or put back, or end each effect that is still ours; the others are not in the answer.

    An effect whose person is suppressed comes back `cancelled` instead of `sending`.
    """
    rows = db.run(
        OPEN,
        {
            "ids": [opening.id for opening in openings],
            "fences": [opening.fence for opening in openings],
            "tos": [opening.to for opening in openings],
            "waits": [opening.wait for opening in openings],
            **_columns([opening.reason for opening in openings]),
            "suppressed": Reason(ReasonCode.SUPPRESSED, "{detail}").sentence,
            "suppressed_late": Reason(ReasonCode.SUPPRESSED, "{detail}", maybe_sent=True).sentence,
            "slots": [opening.slot for opening in openings],
            "identities": [opening.identity for opening in openings],
            "hashes": [opening.request_hash for opening in openings],
            "frozen": [opening.frozen for opening in openings],
        },
    )
    return {row["id"]: Moved(row["id"], Status(row["status"]), tuple(row["dependents"])) for row in rows}


@dataclass(frozen=True, slots=True)
class Closing:
    """What was learned of one attempt, and what follows from it.

    `fence` is the claim's; `n` is the attempt it is about (the same, unless an earlier attempt was looked for).
    """

    id: UUID
    fence: int
    n: int
    generation: int
    identity: str
    origin: Literal["answer", "look", "feedback", "person"]
    kind: str | None  # as in the table `outcomes`; None: nothing was learned
    to: Status
    wait: float = 0.0  # seconds until due again, for `waiting` and `unknown`
    reference: str | None = None
    learned: Reason | None = None  # of the outcome
    reason: Reason | None = None  # of where the effect goes
    tries: int = 0  # to add
    looks: int = 0  # to set
    slot: float | None = None  # reserved in the rate limit


# Whatever was learned is kept. It moves the effect when the claim is still ours; when it is not, the answer came
# late, and only acceptance moves anything: it is proof wherever the effect stands, unless somebody is sending it.
# An attempt has one answer: a closing that is repeated because nobody heard of its commit changes nothing. (NOT EXISTS
# beside an OR may be planned as one reading of the whole table; a scalar subquery is always a look at the index.)
CLOSE = """
    WITH told AS MATERIALIZED (
        SELECT * FROM unnest(%(ids)s::uuid[], %(fences)s::int[], %(ns)s::int[], %(generations)s::int[],
                             %(identities)s::text[], %(origins)s::text[], %(kinds)s::text[], %(references)s::text[],
                             %(learned_codes)s::text[], %(learned)s::text[], %(tos)s::text[], %(waits)s::float8[],
                             %(sentences)s::text[], %(codes)s::text[], %(details)s::text[], %(maybes)s::bool[],
                             %(tries)s::int[], %(looks)s::int[], %(slots)s::float8[])
                   AS i (id, fence, n, generation, identity, origin, kind, reference, learned_code, learned, target,
                         wait, why, code, detail, maybe, tries, looks, reserved)
    ), input AS MATERIALIZED (
        SELECT *
          FROM told
         WHERE origin <> 'answer'
            OR (SELECT o.id
                  FROM outcomes o
                 WHERE o.effect_id = told.id AND o.n = told.n AND o.origin IN ('answer', 'late')
                 LIMIT 1) IS NULL
    ), mine AS MATERIALIZED (
        SELECT e.id, e.status AS before, e.fence = i.fence AS ours, i.kind, i.wait, i.looks, i.reserved,
               i.why, i.code, i.detail, i.maybe,
               -- An answer to what is unknown already comes after the relay, which has counted the try.
               i.tries - CASE WHEN i.origin = 'answer' AND e.status = 'unknown' THEN least(i.tries, 1) ELSE 0 END
                   AS tries,
               CASE WHEN e.fence = i.fence THEN i.target ELSE 'accepted' END AS target
          FROM effects e
          JOIN input i ON i.id = e.id
         WHERE (e.fence = i.fence AND e.status IN ('sending', 'unknown'))
            OR (e.fence <> i.fence AND e.generation = i.generation AND i.kind IN ('accepted', 'found')
                AND e.status IN ('waiting', 'claimed', 'unknown', 'held'))
         ORDER BY e.id
           FOR UPDATE OF e
    ), learned AS (
        INSERT INTO outcomes (effect_id, n, generation, identity, origin, kind, reference, reason_code, detail)
        SELECT i.id, i.n, i.generation, i.identity,
               CASE WHEN i.origin = 'answer' AND m.ours IS NOT TRUE THEN 'late' ELSE i.origin END,
               i.kind, i.reference, i.learned_code, i.learned
          FROM input i LEFT JOIN mine m ON m.id = i.id
         WHERE i.kind IS NOT NULL
    ), moved AS (
        UPDATE effects e
           SET status = m.target,
               seq = e.seq + CASE WHEN m.target = m.before THEN 0 ELSE 1 END,
               reason = m.why,
               reason_code = m.code,
               reason_detail = m.detail,
               maybe_sent = m.maybe,
               tries = e.tries + m.tries,
               looks = m.looks,
               crashes = 0,
               slot = m.reserved,
               due_at = CASE WHEN m.target IN ('waiting', 'unknown')
                             THEN drumbeat_now() + make_interval(secs => m.wait) ELSE 'infinity' END,
               lease_until = NULL,
               updated_at = drumbeat_now()
          FROM mine m
         WHERE e.id = m.id
     RETURNING e.id, e.status, e.seq, e.fence, e.reason, e.reason_code, e.reason_detail, e.maybe_sent, e.dependents,
               m.before
    ), journaled AS (
        INSERT INTO journal (effect_id, seq, from_status, to_status, fence, reason, reason_code, reason_detail,
                             maybe_sent, actor)
        SELECT id, seq, before, status, fence, reason, reason_code, reason_detail, maybe_sent,
               %(actor)s FROM moved WHERE before <> status
    )
    SELECT id, status, dependents FROM moved
"""


def close_attempts(db: Database, closings: Sequence[Closing], *, actor: str = "worker") -> dict[UUID, Moved]:
    """Keep what was learned and move each effect accordingly; an effect that was not moved is not in the answer."""
    rows = db.run(
        CLOSE,
        {
            "ids": [closing.id for closing in closings],
            "fences": [closing.fence for closing in closings],
            "ns": [closing.n for closing in closings],
            "generations": [closing.generation for closing in closings],
            "identities": [closing.identity for closing in closings],
            "origins": [closing.origin for closing in closings],
            "kinds": [closing.kind for closing in closings],
            "references": [closing.reference for closing in closings],
            "learned_codes": [closing.learned and closing.learned.code.value for closing in closings],
            "learned": [closing.learned and closing.learned.detail for closing in closings],
            "tos": [closing.to.value for closing in closings],
            "waits": [closing.wait for closing in closings],
            **_columns([closing.reason for closing in closings]),
            "tries": [closing.tries for closing in closings],
            "looks": [closing.looks for closing in closings],
            "slots": [closing.slot for closing in closings],
            "actor": actor,
        },
    )
    return {row["id"]: Moved(row["id"], Status(row["status"]), tuple(row["dependents"])) for row in rows}


def _columns(reasons: Sequence[Reason | None]) -> dict[str, list[object]]:
    return {
        "sentences": [reason and reason.sentence for reason in reasons],  # still read by the release before
        "codes": [reason and reason.code.value for reason in reasons],
        "details": [reason and reason.detail for reason in reasons],
        "maybes": [reason and reason.maybe_sent for reason in reasons],
    }


# The control of a search: the newest acceptance under the same identity that is older than the provider's lag.
CONTROL = """
    SELECT o.effect_id, o.generation, a.opened_at
      FROM outcomes o
      JOIN attempts a ON a.effect_id = o.effect_id AND a.n = o.n
     WHERE o.identity = %(identity)s
       AND o.kind IN ('accepted', 'found')
       AND o.at <= drumbeat_now() - %(lag)s
     ORDER BY o.at DESC
     LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Control:
    """An effect of the same login that the provider surely took."""

    effect_id: UUID
    generation: int
    opened_at: datetime


def control(db: Database, identity: str, lag: timedelta) -> Control | None:
    """Find what a search under this identity must be able to see; None when nothing is old enough."""
    rows = db.run(CONTROL, {"identity": identity, "lag": lag})
    return Control(**rows[0]) if rows else None


# Asked when the answer to OPEN was lost: the attempts are committed, or they never will be.
OPENED = """
    SELECT a.effect_id AS id, '{}'::uuid[] AS dependents, 'sending' AS status
      FROM attempts a
      JOIN unnest(%(ids)s::uuid[], %(fences)s::int[]) AS i (id, fence) ON a.effect_id = i.id AND a.n = i.fence
"""


def opened(db: Database, openings: Sequence[Opening]) -> dict[UUID, Moved]:
    """Tell which of these openings committed an attempt, after the answer to `open_attempts` was lost."""
    ids, fences = [opening.id for opening in openings], [opening.fence for opening in openings]
    rows = db.run(OPENED, {"ids": ids, "fences": fences})
    return {row["id"]: Moved(row["id"], Status(row["status"]), tuple(row["dependents"])) for row in rows}


STANDING = """
    SELECT id, status IN ('waiting', 'unknown') AND due_at <> 'infinity'
                   AND (lease_until IS NULL OR lease_until <= drumbeat_now()) AS free,
           crashes,
           CASE WHEN due_at <> 'infinity' THEN extract(epoch FROM due_at - drumbeat_now())::float8 END AS due_in
      FROM effects
     WHERE id = ANY (%(ids)s)
"""


@dataclass(frozen=True, slots=True)
class EffectState:
    """Where an effect stands that could not be claimed."""

    id: UUID
    free: bool  # waiting or unknown, under nobody's lease
    crashes: int
    due_in: float | None  # seconds; None: nothing is due


def standing(db: Database, ids: Sequence[UUID]) -> dict[UUID, EffectState]:
    """Tell about effects that a doorbell named and a claim did not yield; the unknown ones are not in the answer."""
    return {row["id"]: EffectState(**row) for row in db.run(STANDING, {"ids": list(ids)})}
