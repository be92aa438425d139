"""What was added to the ledger since the monitors last looked.

Rows are read in the order in which they were added, give or take what a transaction was slow to commit: so the last
minute before a look is read again by the next one. (A statement ends after twenty seconds.)
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from drumbeat.ledger.database import Database

MARGIN = timedelta(minutes=1)
# Looks that follow each other within so long are one row of looks: the relay was there all the time.
BETWEEN_LOOKS = timedelta(minutes=3)
ROWS_PER_BATCH = 10_000


@dataclass(frozen=True, slots=True)
class Position:
    """How far the monitors have read, and since when they have been looking without a break."""

    outcomes: int
    journal: datetime
    now: datetime
    since: datetime


POSITION = """
    SELECT clock.now,
           coalesce(state.outcomes,
                    (SELECT id FROM outcomes WHERE at < clock.now - %(margin)s ORDER BY id DESC LIMIT 1),
                    0) AS outcomes,
           least(state.journal, clock.now - %(margin)s) AS journal,
           CASE WHEN state.looked_at BETWEEN clock.now - %(between)s AND clock.now THEN state.looking_since
                ELSE clock.now END AS since
      FROM (SELECT drumbeat_now() AS now) AS clock
      LEFT JOIN monitor_state state ON true
"""

KEEP_POSITION = """
    INSERT INTO monitor_state AS state (outcomes, journal, looked_at, looking_since)
    VALUES (%(outcomes)s, %(journal)s, %(now)s, %(since)s)
        ON CONFLICT (id) DO UPDATE SET outcomes = excluded.outcomes,
                                       journal = excluded.journal,
                                       looked_at = excluded.looked_at,
                                       looking_since = excluded.looking_since
"""


def position(db: Database) -> Position:
    """Return how far the monitors have read."""
    row = db.run(POSITION, {"margin": MARGIN, "between": BETWEEN_LOOKS})[0]
    return Position(row["outcomes"], row["journal"], row["now"], row["since"])


def keep(db: Database, position: Position) -> None:
    """Let the next look begin there."""
    db.run(KEEP_POSITION, {name: getattr(position, name) for name in Position.__slots__})


@dataclass(frozen=True, slots=True)
class Batch:
    """Effects of which something was added, those of them that were accepted, and where the next batch begins."""

    effects: Sequence[UUID]
    accepted: Sequence[UUID]
    next: Position
    last: bool


# What is young is read again by the next look: what has a smaller number may commit only then.
OUTCOMES = """
    SELECT id, effect_id, kind IN ('accepted', 'found') AS accepted,
           at BETWEEN %(now)s - %(margin)s::interval AND %(now)s + %(margin)s::interval AS young
      FROM outcomes
     WHERE id > %(after)s
     ORDER BY id
     LIMIT %(most)s
"""


def outcomes(db: Database, position: Position, after: int) -> tuple[Batch, int]:
    """Read the next outcomes; return also the number of the last one."""
    rows = db.run(OUTCOMES, {"now": position.now, "margin": MARGIN, "after": after, "most": ROWS_PER_BATCH})
    until = position.outcomes
    for row in rows:
        if row["young"]:
            break
        until = row["id"]
    batch = Batch(
        effects=_once(row["effect_id"] for row in rows),
        accepted=_once(row["effect_id"] for row in rows if row["accepted"]),
        next=replace(position, outcomes=until),
        last=len(rows) < ROWS_PER_BATCH,
    )
    return batch, rows[-1]["id"] if rows else after


# All rows of the last instant are of the same batch: the next one begins after it.
JOURNALED = """
    SELECT effect_id, at
      FROM journal
     WHERE at > %(after)s AND at <= %(until)s
     ORDER BY at
     FETCH FIRST %(most)s ROWS WITH TIES
"""


def journaled(db: Database, position: Position, after: datetime) -> tuple[Batch, datetime]:
    """Read what was journaled after that, in the order of time; return also up to which instant."""
    rows = db.run(JOURNALED, {"after": after, "until": position.now, "most": ROWS_PER_BATCH})
    last = len(rows) < ROWS_PER_BATCH
    until = position.now if last else rows[-1]["at"]
    batch = Batch(
        effects=_once(row["effect_id"] for row in rows),
        accepted=(),
        next=replace(position, journal=min(until, position.now - MARGIN)),
        last=last,
    )
    return batch, until


def _once(ids: Iterable[UUID]) -> list[UUID]:
    return list(dict.fromkeys(ids))
