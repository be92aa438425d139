"""A run's work in chunks: each a range of contact keys, one statement, and the progress that it makes.

The row of its progress is the lock: a worker that finds it taken, or further, does nothing. So a chunk is done once,
however often and by however many it is asked for, and a run goes on from where the last commit left it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.sql import SQL

from drumbeat.audiences.matching_sql import Matching
from drumbeat.ledger.database import Database
from drumbeat.runs.sql import Run

KEYS = 2**32  # of contacts, by the first four bytes


@dataclass(frozen=True, slots=True)
class Range:
    """The contacts of one chunk: from `low` on and before `high`; None: without an end."""

    low: bytes | None
    high: bytes | None


def chunk(number: int, of: int) -> Range:
    """Return one of so many equal ranges."""
    low, high = ((place * KEYS // of).to_bytes(5)[1:] for place in (number, number + 1))
    return Range(low if number else None, high if number + 1 < of else None)


def mine(part: str) -> str:
    """Take the progress of a run whose next chunk of one part this is; nothing, where it is not, or is being done."""
    return f"""mine AS MATERIALIZED (
        SELECT progress.run_id, progress.hash, progress.as_of
          FROM run_progress progress
          JOIN runs ON runs.id = progress.run_id
         WHERE progress.run_id = %(run)s AND progress.{part} = %(number)s AND runs.state = %(state)s
           FOR NO KEY UPDATE OF progress SKIP LOCKED
    )"""  # noqa: S608 - a column of ours


def place_of(run: Run, number: int, state: str) -> Mapping[str, object]:
    """Return the parameters of a statement about one chunk."""
    part = chunk(number, run.chunks)
    return {"run": run.id, "number": number, "state": state, "low": part.low, "high": part.high}


# A zone as people say it, or '' where they say none, or one that there is not.
ZONE = """
    CASE WHEN leads.attributes #>> '{timezone,v}' = ANY (%(zones)s) THEN leads.attributes #>> '{timezone,v}' ELSE '' END
"""

_COUNT = SQL("""
    WITH {mine}, found AS (
        SELECT {zone} AS zone, count(*) AS people
          FROM ({matching}) AS matching
          JOIN leads ON leads.contact = matching.contact
         WHERE EXISTS (SELECT FROM mine)
         GROUP BY 1
    )
    UPDATE run_progress
       SET counted = counted + 1,
           expected_at = drumbeat_now(),
           zones = zones || coalesce((SELECT jsonb_object_agg(zone, people + coalesce((zones ->> zone)::bigint, 0))
                                        FROM found), '{{}}')
      FROM mine
     WHERE run_progress.run_id = mine.run_id
 RETURNING counted
""")


def count(db: Database, run: Run, matching: Matching, zones: Sequence[str]) -> bool:
    """Count the people of the next chunk by zone; False when another does it, or it is done."""
    statement = _COUNT.format(mine=SQL(mine("counted")), zone=SQL(ZONE), matching=matching.statement)
    parameters = {**place_of(run, run.counted, "planned"), **matching.parameters, "zones": list(zones)}
    return bool(db.run(statement, parameters))


ZONES = "SELECT zones, times FROM run_progress WHERE run_id = %(run)s"


def zones(db: Database, run: UUID) -> tuple[dict[str, int], list[dict[str, Any]] | None]:
    """Return how many people each zone has, and when they are mailed, where that is worked out."""
    row = db.run(ZONES, {"run": run})[0]
    return row["zones"], row["times"]


TIMES = "UPDATE run_progress SET times = %(times)s WHERE run_id = %(run)s AND times IS NULL"


def keep_times(db: Database, run: UUID, times: str) -> None:
    """Keep, once, when the people of each zone are mailed."""
    db.run(TIMES, {"run": run, "times": times})
