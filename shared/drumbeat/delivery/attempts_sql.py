"""Attempts of claimed effects: opened before the call, closed after it. Each is one statement for a whole batch.

Each move names the fence of its claim and writes its journal row. The two statements stand in one file because each is
only right beside the other.
"""

from collections.abc import Sequence
from uuid import UUID

from psycopg.errors import SerializationFailure

from drumbeat.core.reasons import Reason
from drumbeat.core.status import Status
from drumbeat.delivery import bars_sql, confirmations_sql, run_bars_sql
from drumbeat.delivery.effects import Closing, Moved, Opening
from drumbeat.ledger.database import Database, Row

# The contacts are locked in key order and read under the lock: a suppression or withdrawal that committed before is
# seen, one that comes later waits for this commit. So are those under the key that a person had by the first reading
# of addresses. Attempt and request are recorded only for what the fence says is still ours. Where a mail is
# counted, as one that asks to confirm a list, the lock is the stronger one: of two statements one counts the other's.
# (Status and lease stand in a CASE: the effects are looked up by id, however few are open by the statistics.)
_OPEN = """
    WITH input AS MATERIALIZED (
        SELECT * FROM unnest(%(ids)s::uuid[], %(fences)s::int[], %(tos)s::text[], %(waits)s::float8[],
                             %(sentences)s::text[], %(codes)s::text[], %(details)s::text[], %(maybes)s::bool[],
                             %(slots)s::float8[], %(identities)s::text[], %(hashes)s::bytea[],
                             %(frozen)s::bytea[]{caps})
                   AS i (id, fence, target, wait, why, code, detail, maybe, reserved, identity, hash, frozen{of_caps})
    ), people AS MATERIALIZED (
        SELECT key, former, suppressed_at, suppression_reason, complained_at, consents, confirmations, mailed
          FROM contacts
         WHERE key IN (SELECT unnest(ARRAY[c.key, c.former])
                         FROM input i
                         JOIN effects e ON e.id = i.id
                         JOIN contacts c ON c.key = e.contact
                        WHERE i.target = 'sending')
         ORDER BY key
           FOR {lock}
    ), {running}{barred}, {gated}, {counted}bars AS MATERIALIZED (
        SELECT id, target, code, detail FROM {bars}
         UNION ALL
        SELECT id, target, code, detail FROM gated
         WHERE NOT EXISTS (SELECT FROM {bars} AS other WHERE other.id = gated.id)
    ), mine AS MATERIALIZED (
        SELECT e.id, i.wait, i.reserved, i.identity, i.hash, i.frozen,
               CASE WHEN b.code IS NULL THEN i.target ELSE b.target END AS target,
               CASE WHEN b.code IS NULL THEN i.why
                    ELSE replace(%(bars)s::jsonb -> b.code ->> (e.tries > 0)::int, '{{detail}}', coalesce(b.detail, ''))
               END AS why,
               CASE WHEN b.code IS NULL THEN i.code ELSE b.code END AS code,
               CASE WHEN b.code IS NULL THEN i.detail ELSE b.detail END AS detail,
               CASE WHEN b.code IS NULL THEN i.maybe ELSE e.tries > 0 AND b.target = 'cancelled' END AS maybe
          FROM effects e
          JOIN input i ON i.id = e.id
          LEFT JOIN bars b ON b.id = e.id
         WHERE e.fence = i.fence
           AND CASE WHEN e.status = 'claimed' THEN e.lease_until > drumbeat_now() ELSE false END
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
    ){count}
    SELECT id, status, dependents FROM moved
"""

_PLAIN = {"caps": "", "of_caps": "", "running": "", "barred": bars_sql.BARRED, "gated": bars_sql.GATED}
OPEN = _OPEN.format(lock="SHARE", counted="", bars="barred", count="", **_PLAIN)
OPEN_COUNTED = _OPEN.format(
    lock="NO KEY UPDATE",
    counted=confirmations_sql.COUNTED,
    bars="stopped",
    count=confirmations_sql.COUNT,
    **_PLAIN,
)
OPEN_OF_RUN = _OPEN.format(
    lock="NO KEY UPDATE",
    caps=", %(mosts)s::int[], %(periods)s::float8[]",
    of_caps=", most, seconds",
    running=run_bars_sql.RUNNING,
    barred=bars_sql.BARRED,
    gated=bars_sql.GATED,
    counted=run_bars_sql.OFTEN,
    bars="stopped",
    count=run_bars_sql.MAILED,
)


def open_attempts(db: Database, openings: Sequence[Opening]) -> dict[UUID, Moved]:
    """Open an attempt for, put back, or end each effect that is still ours; the others are not in the answer.

    An effect whose person is suppressed, has not agreed to its list, or was asked or mailed often enough, comes back
    `cancelled` instead of `sending`; so does one of a run that was cancelled. One of a paused run, or of an account
    that was stopped, comes back `waiting`. All are of runs, or none is.
    """
    of_run = any(opening.of_run for opening in openings)
    counted = any(opening.counted for opening in openings)
    rows = db.run(
        OPEN_OF_RUN if of_run else OPEN_COUNTED if counted else OPEN,
        {
            "ids": [opening.id for opening in openings],
            "fences": [opening.fence for opening in openings],
            "tos": [opening.to.value for opening in openings],
            "waits": [opening.wait for opening in openings],
            **_columns([opening.reason for opening in openings]),
            "bars": bars_sql.SENTENCES,
            "slots": [opening.slot for opening in openings],
            "identities": [opening.identity for opening in openings],
            "hashes": [opening.request_hash for opening in openings],
            "frozen": [opening.frozen for opening in openings],
        }
        | (_caps(openings) if of_run else confirmations_sql.LIMIT if counted else {}),
    )
    return _moved(rows)


def _caps(openings: Sequence[Opening]) -> dict[str, object]:
    return {
        "mosts": [opening.cap and opening.cap.most for opening in openings],
        "periods": [float(opening.cap.seconds) if opening.cap else 0.0 for opening in openings],
        **run_bars_sql.LIMIT,
    }


# Asked when the answer to OPEN was lost: the attempts are committed, or they never will be.
OPENED = """
    SELECT a.effect_id AS id, '{}'::uuid[] AS dependents, 'sending' AS status
      FROM attempts a
      JOIN unnest(%(ids)s::uuid[], %(fences)s::int[]) AS i (id, fence) ON a.effect_id = i.id AND a.n = i.fence
"""


def opened(db: Database, openings: Sequence[Opening]) -> dict[UUID, Moved]:
    """Return which of these openings committed an attempt, after the answer to `open_attempts` was lost."""
    ids, fences = [opening.id for opening in openings], [opening.fence for opening in openings]
    rows = db.run(OPENED, {"ids": ids, "fences": fences})
    return _moved(rows)


# What was learned is always kept. It moves the effect when the claim is still ours; when it is not, the answer came
# late, and only acceptance moves anything: it is proof wherever the effect stands. That of an earlier generation, too:
# what a person has sent again and still waits is not sent. While it is being sent again, proof waits: it overrules a
# refusal.
# An attempt has one answer: a closing that is repeated because the answer to its commit was lost changes nothing. (NOT
# EXISTS beside an OR may be planned as one reading of the whole table; a scalar subquery is always a look at the
# index, and in `standing` each effect is joined before it is asked: else there would be a look for each pair of two.)
# Whether there is one is read as of the statement's beginning, so a row that was changed since, which the lock waits
# for, is left for a second run: the change may have been this very closing. (The clock is read once, when all is
# locked: of each row that would cost a twentieth.)
CLOSE = """
    WITH told AS MATERIALIZED (
        SELECT * FROM unnest(%(ids)s::uuid[], %(fences)s::int[], %(ns)s::int[], %(generations)s::int[],
                             %(identities)s::text[], %(origins)s::text[], %(kinds)s::text[], %(references)s::text[],
                             %(learned_codes)s::text[], %(learned)s::text[], %(tos)s::text[], %(waits)s::float8[],
                             %(sentences)s::text[], %(codes)s::text[], %(details)s::text[], %(maybes)s::bool[],
                             %(tries)s::int[], %(looks)s::int[], %(slots)s::float8[])
                   AS i (id, fence, n, generation, identity, origin, kind, reference, learned_code, learned, target,
                         wait, why, code, detail, maybe, tries, looks, reserved)
    ), locked AS MATERIALIZED (
        SELECT id, status, fence, generation, xmin AS row_version
          FROM effects
         WHERE id IN (SELECT id FROM told)
         ORDER BY id
           FOR UPDATE
    ), moment AS MATERIALIZED (
        SELECT drumbeat_now() AS now FROM (SELECT count(*) FROM locked) AS all_of_them
    ), current AS MATERIALIZED (
        SELECT l.*
          FROM locked l
          JOIN effects seen ON seen.id = l.id AND seen.xmin = l.row_version
    ), standing AS MATERIALIZED (
        SELECT told.* FROM told JOIN current ON current.id = told.id
    ), input AS MATERIALIZED (
        SELECT *
          FROM standing i
         WHERE origin <> 'answer'
            OR (SELECT o.id
                  FROM outcomes o
                 WHERE o.effect_id = i.id AND o.n = i.n AND o.origin IN ('answer', 'late')
                 LIMIT 1) IS NULL
    ), mine AS MATERIALIZED (
        SELECT e.id, e.status AS before, e.fence = i.fence AS ours, i.kind, i.origin, i.wait, i.looks, i.reserved,
               reason.why, reason.code, reason.detail, reason.maybe,
               -- An answer to what is unknown already comes after the relay, which has counted the try.
               i.tries - CASE WHEN i.origin = 'answer' AND e.status = 'unknown' THEN least(i.tries, 1) ELSE 0 END
                   AS tries,
               CASE WHEN e.fence = i.fence AND NOT overruled THEN i.target ELSE 'accepted' END AS target
          FROM current e
          JOIN input i ON i.id = e.id
         CROSS JOIN LATERAL (SELECT CASE WHEN i.target = 'refused'
                                         THEN (SELECT o.id
                                                 FROM outcomes o
                                                WHERE o.effect_id = i.id AND o.generation = i.generation
                                                  AND o.kind IN ('accepted', 'found')
                                                LIMIT 1) IS NOT NULL
                                              OR (SELECT f.name
                                                    FROM feedback f
                                                   WHERE f.effect_id = i.id AND f.generation = i.generation
                                                     AND f.kind NOT IN ('refused', 'other')
                                                   LIMIT 1) IS NOT NULL
                                         ELSE false END AS overruled) AS judged
          LEFT JOIN LATERAL (SELECT i.why, i.code, i.detail, i.maybe WHERE NOT overruled) AS reason ON true
         WHERE (e.fence = i.fence AND e.status IN ('sending', 'unknown'))
            OR (e.fence <> i.fence AND i.kind IN ('accepted', 'found')
                AND (e.status IN ('waiting', 'claimed', 'held')
                     OR (e.status = 'unknown' AND e.generation = i.generation)))
    ), learned AS (
        INSERT INTO outcomes (effect_id, n, generation, identity, origin, kind, reference, reason_code, detail, at)
        SELECT i.id, i.n, i.generation, i.identity,
               CASE WHEN i.origin = 'answer' AND m.ours IS NOT TRUE THEN 'late' ELSE i.origin END,
               i.kind, i.reference, i.learned_code, i.learned, moment.now
          FROM input i
         CROSS JOIN moment
          LEFT JOIN mine m ON m.id = i.id
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
               -- Only the end of its own call shows that it does not end its worker.
               crashes = CASE WHEN m.kind IS NULL OR m.origin = 'look' THEN e.crashes ELSE 0 END,
               slot = m.reserved,
               due_at = CASE WHEN m.target IN ('waiting', 'unknown')
                             THEN moment.now + make_interval(secs => m.wait) ELSE 'infinity' END,
               lease_until = NULL,
               updated_at = moment.now
          FROM mine m
         CROSS JOIN moment
         WHERE e.id = m.id
     RETURNING e.id, e.status, e.seq, e.fence, e.reason, e.reason_code, e.reason_detail, e.maybe_sent, e.dependents,
               m.before, e.updated_at AS at
    ), journaled AS (
        INSERT INTO journal (effect_id, seq, from_status, to_status, fence, reason, reason_code, reason_detail,
                             maybe_sent, actor, at)
        SELECT id, seq, before, status, fence, reason, reason_code, reason_detail, maybe_sent, %(actor)s, at
          FROM moved
         WHERE before <> status
    )
    SELECT id, status, dependents FROM moved
     UNION ALL
    SELECT id, NULL, '{}' FROM locked WHERE NOT EXISTS (SELECT FROM current WHERE current.id = locked.id)
"""
CLOSE_RUNS = 5  # for a row that changes again and again


def close_attempts(db: Database, closings: Sequence[Closing], *, actor: str = "worker") -> dict[UUID, Moved]:
    """Keep what was learned and move each effect accordingly; an effect that was not moved is not in the answer.

    Raises psycopg.errors.SerializationFailure when a row never stood still.
    """
    moved: dict[UUID, Moved] = {}
    for _ in range(CLOSE_RUNS):
        rows = _close(db, closings, actor)
        moved |= _moved([row for row in rows if row["status"] is not None])
        changed = {row["id"] for row in rows if row["status"] is None}
        closings = [closing for closing in closings if closing.id in changed]
        if not closings:
            return moved
    raise SerializationFailure("an effect changed in each run")


def _close(db: Database, closings: Sequence[Closing], actor: str) -> list[Row]:
    return db.run(
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


def _columns(reasons: Sequence[Reason | None]) -> dict[str, list[object]]:
    return {
        "sentences": [reason and reason.sentence for reason in reasons],  # still read by the release before
        "codes": [reason and reason.code.value for reason in reasons],
        "details": [reason and reason.detail for reason in reasons],
        "maybes": [reason and reason.maybe_sent for reason in reasons],
    }


def _moved(rows: Sequence[Row]) -> dict[UUID, Moved]:
    return {row["id"]: Moved(row["id"], Status(row["status"]), tuple(row["dependents"])) for row in rows}
