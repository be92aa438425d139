"""What is new to export, and how far it was exported.

Rows have the number of the transaction that wrote them. What is read ends before the oldest transaction that still runs
(`horizon`): of those before it no row comes any more, so the cursor passes over none, however late it was committed.
Each statement reads as many rows as its page has, by an index.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import LiteralString
from uuid import UUID

from drumbeat.ledger.database import Database, Row

ENDED = "('accepted', 'refused', 'cancelled')"
MOST_ROWS_OF_AN_END = 2_000  # of the journal, and as many attempts
MOST_PUT_BACK = 32  # of one wait; the newest


@dataclass(frozen=True, slots=True)
class Position:
    """Which row was the last: its transaction, its event or effect, and its number among those of an effect."""

    tx: str
    id: UUID
    n: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far everything was exported, and whether the collector is to be left alone for now."""

    positions: dict[str, Position]
    horizon: str
    failures: int
    rests: bool


# A position that no transaction has reached is of the server that this ledger was copied from by a dump: everything is
# exported again. It has the same ids.
PROGRESS = """
    SELECT stream, failures, retry_at > drumbeat_now() AS rests, id, n, tx::text AS tx,
           tx > pg_snapshot_xmax(pg_current_snapshot()) AS foreign_tx,
           pg_snapshot_xmin(pg_current_snapshot())::text AS horizon
      FROM trace_exports
"""


def progress(db: Database) -> Progress:
    """Return how far everything was exported."""
    rows = db.run(PROGRESS)
    positions = {row["stream"]: Position(row["tx"], row["id"], row["n"]) for row in rows if not row["foreign_tx"]}
    return Progress(
        {row["stream"]: positions.get(row["stream"], Position("0", UUID(int=0), 0)) for row in rows},
        rows[0]["horizon"],
        max(row["failures"] for row in rows),
        any(row["rests"] for row in rows),
    )


ADVANCE = """
    UPDATE trace_exports export
       SET tx = coalesce(reached.tx::xid8, export.tx),
           id = coalesce(reached.id, export.id),
           n = coalesce(reached.n, export.n),
           failures = 0,
           retry_at = '-infinity'
      FROM trace_exports every
      LEFT JOIN unnest(%(streams)s::text[], %(txs)s::text[], %(ids)s::uuid[], %(ns)s::bigint[])
             AS reached (stream, tx, id, n) ON reached.stream = every.stream
     WHERE export.stream = every.stream
"""


def advance(db: Database, reached: dict[str, Position]) -> None:
    """Remember what the collector took. A relay that runs beside this one exports the same again: nothing is lost."""
    db.run(
        ADVANCE,
        {
            "streams": list(reached),
            "txs": [position.tx for position in reached.values()],
            "ids": [position.id for position in reached.values()],
            "ns": [position.n for position in reached.values()],
        },
    )


REST = """
    UPDATE trace_exports
       SET failures = failures + 1, retry_at = drumbeat_now() + make_interval(secs => %(seconds)s)
"""


def rest(db: Database, seconds: float) -> None:
    """Leave the collector alone for so long, after one more failure."""
    db.run(REST, {"seconds": seconds})


PLANS = """
    SELECT plan.tx::text AS tx, plan.event_id AS id, 0 AS n, plan.version, microseconds(plan.planned_at) AS planned_at,
           (SELECT count(*) FROM jsonb_object_keys(plan.failed)) AS failed, event.type, event.door, event.trace,
           CASE WHEN event.door <> 'api' THEN event.source END AS source,
           microseconds(event.received_at) AS received_at, microseconds(event.recorded_at) AS recorded_at
      FROM (SELECT tx, event_id, version, planned_at, failed
              FROM plans
             WHERE tx IS NOT NULL
               AND (tx, event_id) > (%(tx)s::xid8, %(id)s)
               AND tx < %(horizon)s::xid8
             ORDER BY tx, event_id
             LIMIT %(limit)s) AS plan
      JOIN events event ON event.id = plan.event_id
     ORDER BY plan.tx, plan.event_id
"""

# Each end of an effect, with where its story began: at the plan, or at the end before it, which a person took back.
ENDS = f"""
    SELECT ended.tx::text AS tx, ended.effect_id AS id, ended.seq AS n, ended.to_status AS status, ended.reason_code,
           ended.maybe_sent, microseconds(ended.at) AS at, e.event_id, e.flow, e.step, e.account, e.action, e.campaign,
           e.version, CASE WHEN isfinite(e.base_due_at) THEN microseconds(e.base_due_at) END AS due_at, event.trace,
           (SELECT max(seq)
              FROM journal earlier
             WHERE earlier.effect_id = ended.effect_id AND earlier.seq < ended.seq AND earlier.to_status IN {ENDED})
               AS before
      FROM (SELECT tx, effect_id, seq, to_status, reason_code, maybe_sent, at
              FROM journal
             WHERE tx IS NOT NULL
               AND to_status IN {ENDED}
               AND (tx, effect_id, seq) > (%(tx)s::xid8, %(id)s, %(n)s)
               AND tx < %(horizon)s::xid8
             ORDER BY tx, effect_id, seq
             LIMIT %(limit)s) AS ended
      JOIN effects e ON e.id = ended.effect_id
      JOIN events event ON event.id = e.event_id
     ORDER BY ended.tx, ended.effect_id, ended.seq
"""  # noqa: S608 - put together from constants

# What led to these ends, without the claims. Those that were put back are many where an account has a narrow limit.
MOVES = f"""
    SELECT asked.last, move.*
      FROM unnest(%(ids)s::uuid[], %(firsts)s::int[], %(lasts)s::int[]) AS asked (id, first, last)
     CROSS JOIN LATERAL (
       (SELECT effect_id AS id, seq, from_status, to_status, fence, reason_code, microseconds(at) AS at
          FROM journal
         WHERE effect_id = asked.id AND seq BETWEEN asked.first AND asked.last
           AND to_status <> 'claimed' AND (from_status IS DISTINCT FROM 'claimed' OR to_status <> 'waiting')
         ORDER BY seq DESC
         LIMIT {MOST_ROWS_OF_AN_END})
         UNION ALL
       (SELECT effect_id, seq, from_status, to_status, fence, reason_code, microseconds(at)
          FROM journal
         WHERE effect_id = asked.id AND seq BETWEEN asked.first AND asked.last
           AND from_status = 'claimed' AND to_status = 'waiting'
         ORDER BY seq DESC
         LIMIT {MOST_PUT_BACK})) AS move
     ORDER BY asked.id, asked.last, move.seq
"""  # noqa: S608 - put together from constants

ATTEMPTS = """
    SELECT attempt.effect_id AS id, attempt.n, attempt.generation, attempt.identity,
           microseconds(attempt.opened_at) AS opened_at, answer.kind, answer.reason_code
      FROM unnest(%(ids)s::uuid[], %(ns)s::int[]) AS asked (id, n)
      JOIN attempts attempt ON attempt.effect_id = asked.id AND attempt.n = asked.n
      LEFT JOIN LATERAL (SELECT kind, reason_code
                           FROM outcomes
                          WHERE effect_id = asked.id AND n = asked.n AND origin = 'answer'
                          LIMIT 1) AS answer ON true
"""

OUTCOMES = """
    SELECT tx::text AS tx, effect_id AS id, id AS n, n AS attempt, origin, kind, reason_code, identity,
           microseconds(at) AS at
      FROM outcomes
     WHERE tx IS NOT NULL
       AND origin IN ('look', 'late')
       AND (tx, effect_id, id) > (%(tx)s::xid8, %(id)s, %(n)s)
       AND tx < %(horizon)s::xid8
     ORDER BY tx, effect_id, id
     LIMIT %(limit)s
"""

FEEDBACK = """
    SELECT report.tx::text AS tx, report.event_id AS id, 0 AS n, report.effect_id, report.account, report.kind,
           report.generation, report.machine, microseconds(report.at) AS at, event.trace
      FROM (SELECT tx, event_id, effect_id, account, kind, generation, machine, at
              FROM feedback
             WHERE tx IS NOT NULL
               AND effect_id IS NOT NULL
               AND (tx, event_id) > (%(tx)s::xid8, %(id)s)
               AND tx < %(horizon)s::xid8
             ORDER BY tx, event_id
             LIMIT %(limit)s) AS report
      JOIN events event ON event.id = report.event_id
     ORDER BY report.tx, report.event_id
"""


def page(db: Database, statement: LiteralString, after: Position, horizon: str, limit: int) -> list[Row]:
    """Read the rows that come next, in the order in which they are exported."""
    return db.run(statement, {"tx": after.tx, "id": after.id, "n": after.n, "horizon": horizon, "limit": limit})


def moves(db: Database, ends: Sequence[Row]) -> list[Row]:
    """Return what led to these ends, in its order; `last` says to which."""
    firsts = [(end["before"] or 0) + 1 for end in ends]
    ids, lasts = [end["id"] for end in ends], [end["n"] for end in ends]
    return db.run(MOVES, {"ids": ids, "firsts": firsts, "lasts": lasts})


def attempts(db: Database, named: Sequence[tuple[UUID, int]]) -> list[Row]:
    """Return these attempts, each with its answer, where one came in time."""
    return db.run(ATTEMPTS, {"ids": [id for id, _ in named], "ns": [n for _, n in named]})
