"""Events that messages name, as far as they are to be planned now: few enough bytes, and none that ends its workers.

An event that is planned as it arrives has no mark. One whose plan is still missing some time later gets one as its
planning begins, in the statement that reads it: what ends the worker cannot take the mark back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from uuid import UUID

from drumbeat.core.events import Event
from drumbeat.ledger.database import Database, Row

MAX_STARTS = 3  # of a planning that does not come to its end


class Turn(Enum):
    """What a worker does about an event now."""

    PLAN = auto()
    NONE = auto()  # nothing is to be planned, or another worker is planning it
    LATER = auto()  # its body does not fit beside those before it
    ALONE = auto()  # its planning has not come to its end: it is planned alone, after its neighbours
    GIVE_UP = auto()  # its planning never comes to its end


@dataclass(frozen=True, slots=True)
class Candidate:
    """A recorded event that a message named, and what is planned of it so far."""

    event: Event  # its body is read only when it is planned now
    turn: Turn
    planned_version: int | None
    failed_flows: tuple[str, ...]  # that no later configuration has planned yet, and no person dismissed
    newest_version: int | None
    is_run: bool  # it is a run already: it is not planned, but advanced
    acted_on: bool = False  # it has effects, although some flow failed


# Bodies are measured without being read. A mark that is younger than a lease may be of a worker that is still at it.
READ = """
    WITH newest AS MATERIALIZED (
        SELECT max(version) AS version FROM configs
    ), named AS MATERIALIZED (
        SELECT e.id, e.recorded_at, wanted.place, newest.version AS newest_version,
               plans.version AS planned_version,
               ARRAY(SELECT jsonb_object_keys(plans.failed)
                     EXCEPT
                     SELECT flow FROM replans WHERE event_id = e.id
                     EXCEPT
                     SELECT unnest(flows) FROM dismissals WHERE event_id = e.id) AS failed_flows,
               CASE WHEN plans.failed <> '{}' THEN EXISTS (SELECT FROM effects WHERE event_id = e.id)
                    ELSE false END AS acted_on,
               EXISTS (SELECT FROM runs WHERE runs.id = e.id) AS is_run
          FROM unnest(%(ids)s::uuid[]) WITH ORDINALITY AS wanted (id, place)
         CROSS JOIN newest
          JOIN events e ON e.id = wanted.id
          LEFT JOIN plans ON plans.event_id = e.id
    ), unplanned AS MATERIALIZED (
        SELECT id, newest_version AS version,
               recorded_at <= drumbeat_now() - %(late)s AS late,
               row_number() OVER (ORDER BY place) = 1
               OR sum(octet_length(p.body)) OVER (ORDER BY place) <= %(bytes)s AS fits
          FROM named
          LEFT JOIN payloads p ON p.event_id = id
         WHERE planned_version IS NULL AND newest_version IS NOT NULL AND NOT is_run
            OR planned_version < newest_version AND failed_flows <> '{}'
    ), begun AS (
        INSERT INTO planning_starts AS s (event_id, version)
        SELECT id, version FROM unplanned WHERE fits AND late ORDER BY id
            ON CONFLICT (event_id, version) DO UPDATE
           SET starts = s.starts + 1, started_at = drumbeat_now()
         WHERE %(alone)s AND s.started_at <= drumbeat_now() - %(lease)s
     RETURNING event_id, starts
    ), turns AS MATERIALIZED (
        SELECT u.id,
               CASE WHEN NOT u.fits THEN 'LATER'
                    WHEN NOT u.late OR begun.starts <= %(most)s THEN 'PLAN'
                    WHEN begun.starts > %(most)s THEN 'GIVE_UP'
                    WHEN known.started_at <= drumbeat_now() - %(lease)s
                    THEN CASE WHEN known.starts >= %(most)s THEN 'GIVE_UP' ELSE 'ALONE' END
                    ELSE 'NONE' END AS turn
          FROM unplanned u
          LEFT JOIN begun ON begun.event_id = u.id
          LEFT JOIN planning_starts known ON known.event_id = u.id AND known.version = u.version
    )
    SELECT e.id, e.source, e.key, e.type, e.door, e.scheduled_at, e.received_at, e.delivery, p.body,
           coalesce(t.turn, 'NONE') AS turn, n.planned_version, n.failed_flows, n.newest_version, n.is_run, n.acted_on
      FROM named n
      JOIN events e ON e.id = n.id
      LEFT JOIN turns t ON t.id = n.id
      LEFT JOIN payloads p ON p.event_id = n.id AND t.turn = 'PLAN'
     ORDER BY n.place
"""


def read(
    db: Database, ids: Sequence[UUID], *, late: timedelta, lease: timedelta, most_bytes: int, alone: bool = False
) -> list[Candidate]:
    """Read the events that exist among these, and note which planning begins that should have ended long ago.

    An event is `late` so long after it was recorded. One with a mark older than a `lease` is planned only `alone`.
    """
    rows = db.run(
        READ,
        {
            "ids": list(ids),
            "late": late,
            "lease": lease,
            "bytes": most_bytes,
            "alone": alone,
            "most": MAX_STARTS,
        },
    )
    return [_candidate(row) for row in rows]


def _candidate(row: Row) -> Candidate:
    return Candidate(
        event=Event(
            id=row["id"],
            source=row["source"],
            key=row["key"],
            type=row["type"],
            door=row["door"],
            scheduled_at=row["scheduled_at"],
            received_at=row["received_at"],
            body=row["body"],
            delivery=row["delivery"],
        ),
        turn=Turn[row["turn"]],
        planned_version=row["planned_version"],
        failed_flows=tuple(row["failed_flows"]),
        newest_version=row["newest_version"],
        is_run=row["is_run"],
        acted_on=row["acted_on"],
    )
