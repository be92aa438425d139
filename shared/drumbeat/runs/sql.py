"""The rows of runs: begun once, moved along the arrows of `core.runs`, approved once.

Each move is one statement with its journal row; an opening that waits for the row's lock sees the new state.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from drumbeat.core.events import Event
from drumbeat.core.runs import ENDED, RunReason, RunState
from drumbeat.ledger.database import Database, Row


@dataclass(frozen=True, slots=True)
class Run:
    """A run as it stands."""

    id: UUID
    campaign: str
    version: int
    semantics: int
    steps: tuple[str, ...]
    content: bytes
    state: RunState
    seq: int
    reason_code: str | None
    reason_detail: str | None
    resumes_at: datetime | None
    starts: bool
    needs_approval: str | None
    reviews: bool
    starts_at: datetime | None
    missed_before: datetime | None
    created_at: datetime
    created_by: str
    started_by: str | None
    updated_at: datetime
    plan_hash: bytes | None  # once its recipients are recorded
    approved: bytes | None  # the hash that a person approved
    as_of: datetime
    chunks: int
    counted: int
    gathered: int
    expanded: int
    again: int | None  # chunks gone through once more, for those who did not get it
    matched: int
    expected_at: datetime
    now: datetime


_COLUMNS = """
    runs.id, runs.campaign, runs.version, runs.semantics, runs.steps, runs.content, runs.state, runs.seq,
    runs.reason_code, runs.reason_detail, runs.resumes_at, runs.starts, runs.needs_approval, runs.reviews,
    runs.starts_at, runs.missed_before, runs.created_at, runs.created_by, runs.started_by,
    runs.updated_at, plans.hash AS plan_hash,
    approvals.hash AS approved, progress.as_of, progress.chunks, progress.counted, progress.gathered,
    progress.expanded, progress.again, progress.matched, progress.expected_at, drumbeat_now() AS now
"""
_JOINED = """
    runs
      JOIN run_progress progress ON progress.run_id = runs.id
      LEFT JOIN plans ON plans.event_id = runs.id
      LEFT JOIN approvals ON approvals.run_id = runs.id
"""
GET = f"SELECT {_COLUMNS} FROM {_JOINED} WHERE runs.id = ANY (%(ids)s) ORDER BY runs.id"  # noqa: S608 - constants


def get(db: Database, ids: Collection[UUID]) -> dict[UUID, Run]:
    """Return those of these runs that exist."""
    return {row["id"]: _run(row) for row in db.run(GET, {"ids": list(ids)})} if ids else {}


GOING = f"SELECT {_COLUMNS} FROM {_JOINED} WHERE runs.state IN ('expanding', 'running') ORDER BY runs.id"  # noqa: S608


def going(db: Database) -> list[Run]:
    """Return the runs that send."""
    return [_run(row) for row in db.run(GOING)]


def _run(row: Row) -> Run:
    return Run(**{**row, "state": RunState(row["state"]), "steps": tuple(row["steps"])})


EVENT = """
    SELECT e.id, e.source, e.key, e.type, e.door, e.scheduled_at, e.received_at, p.body
      FROM events e
      LEFT JOIN payloads p ON p.event_id = e.id
     WHERE e.id = %(id)s
"""


def event(db: Database, id: UUID) -> Event:
    """Return the event that a run is."""
    return Event(**db.run(EVENT, {"id": id})[0])


@dataclass(frozen=True, slots=True)
class NewRun:
    """A run to begin."""

    id: UUID
    campaign: str
    version: int
    semantics: int
    steps: Sequence[str]
    content: bytes
    starts: bool
    needs_approval: RunReason | None
    starts_at: datetime | None
    created_by: str


BEGINNINGS = "SELECT number FROM beginnings WHERE campaign = %(campaign)s"


def beginnings(db: Database, campaign: str) -> int:
    """Return a number that grows whenever a run of a campaign begins to send."""
    rows = db.run(BEGINNINGS, {"campaign": campaign})
    return rows[0]["number"] if rows else 0


# The ranges are as many as keep each about so large, and all equally wide: keys are keyed hashes.
BEGIN = """
    WITH begun AS (
        INSERT INTO runs (id, campaign, version, semantics, steps, content, state, seq, starts, needs_approval, reviews,
                          starts_at, created_by, started_by)
        VALUES (%(id)s, %(campaign)s, %(version)s, %(semantics)s, %(steps)s, %(content)s, 'planned', 1, %(starts)s,
                %(needs_approval)s, NOT %(starts)s, %(starts_at)s, %(created_by)s,
                CASE WHEN %(starts)s THEN %(created_by)s END)
            ON CONFLICT DO NOTHING
     RETURNING id
    ), journaled AS (
        INSERT INTO run_journal (run_id, seq, to_state, actor) SELECT id, 1, 'planned', %(created_by)s FROM begun
    )
    INSERT INTO run_progress (run_id, as_of, chunks)
    SELECT id, drumbeat_now(), greatest(1, ceil((SELECT count(*) FROM leads) / %(people)s::float8))::int
      FROM begun
 RETURNING run_id
"""
PEOPLE_A_CHUNK = 10_000


def begin(db: Database, new: NewRun) -> bool:
    """Record a run; False when it is there already."""
    parameters = {name: getattr(new, name) for name in NewRun.__slots__}
    return bool(db.run(BEGIN, {**parameters, "steps": list(new.steps), "people": PEOPLE_A_CHUNK}))


# Whether a run may begin unasked was judged when runs of its campaign had begun `begun` times, and holds only while
# that is the number: one that begins at the same moment waits here for the row.
MOVE = """
    WITH before AS MATERIALIZED (
        SELECT id, state, campaign
          FROM runs
         WHERE id = %(id)s AND state = ANY (%(states)s) AND (%(seq)s::int IS NULL OR seq = %(seq)s)
           AND (state <> %(to)s OR resumes_at < coalesce(%(resumes_at)s::timestamptz, 'infinity')
                OR (reason_code = 'invariant' AND %(code)s = 'person'))
           FOR NO KEY UPDATE
    ), counted AS (
        INSERT INTO beginnings AS known (campaign, number)
        SELECT campaign, 1 FROM before WHERE %(to)s = 'expanding'
            ON CONFLICT (campaign) DO UPDATE SET number = known.number + 1
         WHERE %(begun)s::int IS NULL OR known.number = %(begun)s
     RETURNING campaign
    ), moved AS (
        UPDATE runs
           SET state = CASE WHEN %(to)s <> 'running' THEN %(to)s
                            WHEN least(progress.expanded, progress.again) < progress.chunks THEN 'expanding'
                            ELSE 'running' END,
               seq = seq + 1,
               reason_code = %(code)s,
               reason_detail = %(detail)s,
               resumes_at = %(resumes_at)s,
               starts = starts OR %(to)s IN ('awaiting_approval', 'expanding'),
               reviews = reviews OR %(to)s = 'awaiting_approval',
               updated_at = drumbeat_now()
          FROM before
          JOIN run_progress progress ON progress.run_id = before.id
         WHERE runs.id = before.id AND (%(to)s <> 'expanding' OR EXISTS (SELECT FROM counted))
     RETURNING runs.id, runs.seq, before.state AS before, runs.state, runs.reason_code, runs.reason_detail
    ), expected AS (  -- what was due in a pause is not missed for that
        UPDATE run_progress SET expected_at = drumbeat_now() FROM moved WHERE run_id = moved.id AND before = 'paused'
    ), journaled AS (
        INSERT INTO run_journal (run_id, seq, from_state, to_state, reason_code, reason_detail, actor)
        SELECT id, seq, before, state, reason_code, reason_detail, %(actor)s FROM moved
    )
    SELECT state FROM moved
"""


def move(
    db: Database,
    id: UUID,
    to: RunState,
    *,
    of: Collection[RunState],
    actor: str,
    reason: RunReason | None = None,
    detail: str | None = None,
    resumes_at: datetime | None = None,
    seq: int | None = None,
    begun: int | None = None,
) -> RunState | None:
    """Move a run that is in one of the states `of`; return where it is now, None: it was in another, or had moved on.

    One that is to be `running` is `expanding` while its effects are not all there. A pause is prolonged, never
    shortened. `begun`: it begins only if no other of its campaign has since `beginnings` said so.
    """
    rows = db.run(
        MOVE,
        {
            "id": id,
            "to": to.value,
            "states": [state.value for state in of],
            "actor": actor,
            "code": reason and reason.value,
            "detail": detail,
            "resumes_at": resumes_at,
            "seq": seq,
            "begun": begun,
        },
    )
    return RunState(rows[0]["state"]) if rows else None


# Whether a person approved this very plan is read again by who starts the run.
APPROVE = """
    INSERT INTO approvals (run_id, hash, actor, reason)
    SELECT runs.id, plans.hash, %(actor)s, %(reason)s
      FROM runs
      JOIN plans ON plans.event_id = runs.id
     WHERE runs.id = %(id)s AND plans.hash = %(hash)s AND runs.state IN ('planned', 'awaiting_approval')
        ON CONFLICT DO NOTHING
 RETURNING run_id
"""


def approve(db: Database, id: UUID, hash: bytes, *, actor: str, reason: str | None = None) -> bool:
    """Record that a person approved the plan with this hash; False: it is another, was approved, or is past that."""
    return bool(db.run(APPROVE, {"id": id, "hash": hash, "actor": actor, "reason": reason}))


STARTS = """
    UPDATE runs
       SET starts = true, started_by = %(actor)s, needs_approval = coalesce(%(why)s, needs_approval)
     WHERE id = %(id)s AND NOT starts
       AND (%(why)s::text IS NULL OR NOT EXISTS (SELECT FROM approvals WHERE approvals.run_id = runs.id))
"""


def ask_to_start(db: Database, id: UUID, *, actor: str, needs_approval: RunReason | None) -> None:
    """Note who lets a run go on once it is planned, and whether that takes a person's approval."""
    db.run(STARTS, {"id": id, "actor": actor, "why": needs_approval and needs_approval.value})


# What people who were sent to once more have got is of the versions in force since: their texts come from the newest.
LAST_SENT = """
    WITH last AS (
        SELECT id, state, content, updated_at
          FROM runs
         CROSS JOIN LATERAL (SELECT max(at) AS at
                               FROM run_journal
                              WHERE run_journal.run_id = runs.id AND run_journal.to_state = 'expanding'
                                AND run_journal.from_state <> 'paused') AS began
         WHERE campaign = %(campaign)s AND id <> %(id)s AND began.at IS NOT NULL
         ORDER BY began.at DESC, id DESC
         LIMIT 1
    ), again AS (
        SELECT min(at) AS since
          FROM run_journal
          JOIN last ON last.id = run_journal.run_id
         WHERE to_state = 'expanding' AND from_state = ANY (%(ended)s)
    )
    SELECT id, state, content, updated_at,
           ARRAY(SELECT version
                   FROM configs
                   JOIN again ON version >= (SELECT max(version) FROM configs WHERE applied_at <= since)
                  WHERE applied_at <= CASE WHEN state = ANY (%(ended)s) THEN updated_at ELSE drumbeat_now() END
                  ORDER BY version) AS again_by
      FROM last
"""


@dataclass(frozen=True, slots=True)
class LastSent:
    """The run of a campaign that began last, but for another. `again_by`: versions by which it was sent once more."""

    id: UUID
    state: RunState
    content: bytes
    updated_at: datetime
    again_by: Sequence[int]


def last_sent(db: Database, run: Run) -> LastSent | None:
    """Return the run of the same campaign that began last, whenever it was planned; None: no other has begun."""
    ended = [state.value for state in ENDED]
    rows = db.run(LAST_SENT, {"campaign": run.campaign, "id": run.id, "ended": ended})
    return LastSent(**{**rows[0], "state": RunState(rows[0]["state"])}) if rows else None


HAS_BEGUN = "SELECT FROM run_journal WHERE run_id = %(id)s AND to_state = 'expanding' LIMIT 1"


def has_begun(db: Database, id: UUID) -> bool:
    """Return whether mails of a run may have been sent."""
    return bool(db.run(HAS_BEGUN, {"id": id}))


MISSED_BEFORE = "UPDATE runs SET missed_before = greatest(missed_before, %(before)s) WHERE id = %(id)s"


def miss(db: Database, id: UUID, before: datetime) -> None:
    """Let what was due before an instant, and no worker has ever taken, end as missed."""
    db.run(MISSED_BEFORE, {"id": id, "before": before})


EXPECT = """
    UPDATE run_progress SET expected_at = drumbeat_now() + make_interval(secs => %(seconds)s) WHERE run_id = %(id)s
"""


def expect(db: Database, id: UUID, seconds: float) -> None:
    """Note in how many seconds a worker is to look at a run again: later than that it was kept from it."""
    db.run(EXPECT, {"id": id, "seconds": seconds})


FINISH = """
    WITH moved AS (
        UPDATE runs
           SET state = 'finished', seq = seq + 1, reason_code = NULL, reason_detail = NULL, updated_at = drumbeat_now()
         WHERE id = %(id)s
           AND state = 'running'
           AND NOT EXISTS (SELECT FROM effects
                            WHERE effects.event_id = runs.id
                              AND effects.status IN ('waiting', 'claimed', 'sending', 'unknown'))
     RETURNING id, seq
    )
    INSERT INTO run_journal (run_id, seq, from_state, to_state, actor)
    SELECT id, seq, 'running', 'finished', 'worker' FROM moved
 RETURNING run_id
"""


def finish(db: Database, id: UUID) -> bool:
    """End a run of which nothing moves by itself any more; False: something does, or it is not running."""
    return bool(db.run(FINISH, {"id": id}))
