"""What SQL alone can see to be wrong with the runs of a span, and their recipients, read to be hashed again."""

from dataclasses import dataclass
from uuid import UUID

from psycopg.sql import SQL

from drumbeat.audit.findings_sql import Bounds, Finding
from drumbeat.audit.spans_sql import Span, effects_of_runs
from drumbeat.core.runs import OPEN_TO_SENDING
from drumbeat.ledger.database import Database
from drumbeat.ledger.effects_of_runs import FREE, RUN
from drumbeat.ledger.stops import stopped
from drumbeat.runs import sql
from drumbeat.runs.chunks_sql import chunk
from drumbeat.runs.gathering_sql import DIGEST
from drumbeat.runs.sql import Run


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run of a span's events, and what only an auditor looks at. Without its progress there is no `run`."""

    id: UUID
    run: Run | None
    hash: bytes  # of the recipients, as its progress has it


OF_SPAN = """
    SELECT runs.id, coalesce(progress.hash, '') AS hash
      FROM runs
      LEFT JOIN run_progress progress ON progress.run_id = runs.id
     WHERE runs.id > %(after)s AND runs.id <= %(last)s
     ORDER BY runs.id
"""


def of_span(db: Database, span: Span) -> list[RunRow]:
    """Read the runs among a span's events."""
    rows = db.run(OF_SPAN, span.bounds)
    found = sql.get(db, [row["id"] for row in rows])
    return [RunRow(run=found.get(row["id"]), **row) for row in rows]


# One chunk as it was gathered: of 10,000 people or so, however many the run has.
CHUNK = SQL("""
    WITH made AS MATERIALIZED (
        SELECT contact, due_at, left_out
          FROM recipients
         WHERE run_id = %(run)s
           AND contact >= coalesce(%(low)s::bytea, '')
           AND contact < coalesce(%(high)s::bytea, decode(repeat('ff', 64), 'hex'))
    )
    SELECT (SELECT count(*) FROM made) AS people, {digest} AS digest
""").format(digest=DIGEST.format(recipients=SQL("made")))


def recipients(db: Database, run: Run, number: int) -> tuple[int, bytes]:
    """Count the recipients of one chunk of a run, and digest them as they were planned."""
    part = chunk(number, run.chunks)
    row = db.run(CHUNK, {"run": run.id, "low": part.low, "high": part.high})[0]
    return row["people"], row["digest"]


AHEAD = "SELECT 1 AS one FROM recipients WHERE run_id = %(run)s AND contact >= coalesce(%(low)s::bytea, '') LIMIT 1"


def has_recipients_ahead(db: Database, run: Run) -> bool:
    """Return whether there are recipients of a run in chunks that were not gathered yet."""
    if run.gathered >= run.chunks:
        return False
    return bool(db.run(AHEAD, {"run": run.id, "low": chunk(run.gathered, run.chunks).low}))


# The journal of a run is one chain, as that of an effect; then its end is compared with the row.
JOURNAL = """
    WITH scope AS MATERIALIZED (
        SELECT id, state, seq, needs_approval FROM runs WHERE id > %(after)s AND id <= %(last)s
    ), moves AS MATERIALIZED (
        SELECT j.run_id, j.seq, j.from_state, j.to_state, j.at,
               row_number() OVER earlier AS place, lag(j.to_state) OVER earlier AS ended
          FROM run_journal j
         WHERE j.run_id = ANY (ARRAY(SELECT id FROM scope))
        WINDOW earlier AS (PARTITION BY j.run_id ORDER BY j.seq)
    ), broken AS (
        SELECT DISTINCT ON (run_id) run_id, seq, from_state, to_state, ended
          FROM moves
         WHERE seq <> place OR from_state IS DISTINCT FROM ended
            OR coalesce(from_state, '') || '>' || to_state <> ALL (%(run_moves)s)
         ORDER BY run_id, seq
    ), ends AS (
        SELECT run_id, max(seq) AS seq, (array_agg(to_state ORDER BY seq DESC))[1] AS state FROM moves GROUP BY run_id
    ), started AS (
        SELECT DISTINCT ON (run_id) run_id, from_state, at FROM moves WHERE to_state = 'expanding' ORDER BY run_id, seq
    )
    SELECT 'run-journal' AS kind, run_id AS id,
           jsonb_build_object('seq', seq, 'from', coalesce(from_state, 'nothing'), 'to', to_state,
                              'ended', coalesce(ended, 'nothing')) AS facts
      FROM broken
     UNION ALL
    SELECT 'run-fold', scope.id,
           jsonb_build_object('journal', coalesce(format('%%s after %%s moves', ends.state, ends.seq), 'nothing'),
                              'row', format('%%s after %%s moves', scope.state, scope.seq))
      FROM scope
      LEFT JOIN ends ON ends.run_id = scope.id
     WHERE (ends.state, ends.seq) IS DISTINCT FROM (scope.state, scope.seq)
     UNION ALL
    SELECT 'approval-other', scope.id, '{}'
      FROM scope
      JOIN approvals ON approvals.run_id = scope.id
      LEFT JOIN plans ON plans.event_id = scope.id
     WHERE approvals.hash IS DISTINCT FROM plans.hash
     UNION ALL
    -- One that was missed has been sent by a person's own word.
    SELECT 'unapproved', scope.id, '{}'
      FROM scope
      JOIN started ON started.run_id = scope.id
      LEFT JOIN approvals ON approvals.run_id = scope.id AND approvals.at <= started.at
     WHERE (started.from_state = 'awaiting_approval'
            OR (started.from_state = 'planned' AND scope.needs_approval IS NOT NULL))
       AND approvals.run_id IS NULL
"""

# A run that goes on has a worker that looks at it when it is expected. One of which all that is due waits for paused
# accounts does not go on, and one of which nothing is left has finished.
STUCK = f"""
    SELECT 'run-stuck' AS kind, runs.id,
           jsonb_build_object('state', state, 'late', extract(epoch FROM drumbeat_now() - expected_at)::float8) AS facts
      FROM runs
      JOIN run_progress ON run_progress.run_id = runs.id
      LEFT JOIN plans ON plans.event_id = runs.id
     WHERE runs.id > %(after)s AND runs.id <= %(last)s
       AND expected_at < drumbeat_now() - %(run_late)s
       AND (state = 'expanding'
            OR (state = 'planned' AND (starts OR plans.event_id IS NULL))
            OR (state = 'paused' AND resumes_at < drumbeat_now() - %(run_late)s)
            OR (state = 'running'
                AND (EXISTS (SELECT
                               FROM effects
                              WHERE {RUN} = runs.id AND {FREE}
                                AND effects.status IN ('waiting', 'unknown') AND due_at < drumbeat_now() - %(run_late)s
                                AND account NOT IN (SELECT account FROM account_states WHERE paused_until IS NOT NULL)
                                AND (effects.status = 'unknown' OR NOT {stopped("effects.account")}))
                     OR NOT EXISTS (SELECT
                                      FROM effects
                                     WHERE event_id = runs.id
                                       AND effects.status IN ('waiting', 'claimed', 'sending', 'unknown')))))
"""  # noqa: S608 - put together from constants

# The row of a run is locked by each opening and each change of its state, so their times are in the lock's order. Of
# the same instant either may have come first.
HALTED = f"""
    WITH scope AS MATERIALIZED ({effects_of_runs("id, event_id", "AND fence > 0")}), halted AS MATERIALIZED (
        SELECT run_id, to_state, at AS since,
               coalesce(lead(at) OVER (PARTITION BY run_id ORDER BY seq), 'infinity') AS until
          FROM run_journal
         WHERE run_id = ANY (ARRAY(SELECT DISTINCT event_id FROM scope))
    )
    SELECT 'while-halted' AS kind, a.effect_id AS id, jsonb_build_object('n', a.n, 'state', halted.to_state) AS facts
      FROM scope
     CROSS JOIN LATERAL (SELECT * FROM attempts WHERE effect_id = scope.id OFFSET 0) AS a
      JOIN halted ON halted.run_id = scope.event_id AND a.opened_at > halted.since AND a.opened_at < halted.until
     WHERE halted.to_state <> ALL (%(open)s)
"""  # noqa: S608 - put together from constants


def findings(db: Database, span: Span, bounds: Bounds) -> list[Finding]:
    """List everything that the statements above find in a span."""
    parameters = {
        **span.bounds,
        "run_moves": list(bounds.run_moves),
        "run_late": bounds.run_late,
        "open": [state.value for state in OPEN_TO_SENDING],
    }
    return [Finding(**row) for sql in (JOURNAL, STUCK, HALTED) for row in db.run(sql, parameters)]
