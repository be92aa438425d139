"""What SQL alone can see to be wrong in a span of the ledger. Each statement lists findings and nothing else.

A finding has a kind, the id of what it is about, and facts for the sentence that a person reads, never an
address.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, LiteralString
from uuid import UUID

from drumbeat.audit.spans_sql import Span, effects_of_span, of_ids
from drumbeat.ledger.database import Database


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that should not be."""

    kind: str
    id: UUID
    facts: Mapping[str, Any]


# The journal of an effect is one chain from its plan to where it stands. Only the first break is named: later
# ones follow from it. Then the chain's end is compared with the row, and the decisions by people with the generation.
_JOURNALED = "id, status, seq, fence, generation"
_JOURNAL: LiteralString = """
    WITH scope AS MATERIALIZED (
{scope}
    ), moves AS MATERIALIZED (
        SELECT j.effect_id, j.seq, j.from_status, j.to_status, j.fence,
               row_number() OVER earlier AS place,
               lag(j.to_status) OVER earlier AS ended,
               lag(j.fence) OVER earlier AS fence_before,
               count(*) FILTER (WHERE j.to_status = 'sending') OVER earlier
               - count(*) FILTER (WHERE j.from_status = 'sending') OVER earlier AS open
          FROM journal j
         WHERE j.effect_id = ANY (ARRAY(SELECT id FROM scope))
        WINDOW earlier AS (PARTITION BY j.effect_id ORDER BY j.seq)
    ), judged AS (
        SELECT *,
               CASE WHEN to_status = 'sending' AND open > 1 THEN 'two-open'
                    WHEN seq <> place THEN 'journal-gap'
                    WHEN place = 1 AND (from_status IS NOT NULL OR to_status <> 'waiting') THEN 'journal-start'
                    WHEN place > 1 AND from_status IS DISTINCT FROM ended THEN 'journal-break'
                    WHEN coalesce(from_status, '') || '>' || to_status <> ALL (%(moves)s) THEN 'move'
                    WHEN fence < fence_before THEN 'journal-fence'
               END AS kind
          FROM moves
    ), ends AS (
        SELECT effect_id, max(seq) AS seq, max(fence) AS fence,
               (array_agg(to_status ORDER BY seq DESC))[1] AS status,
               1 + count(*) FILTER (WHERE from_status IN ('held', 'refused', 'cancelled') AND to_status = 'waiting')
                   AS generation
          FROM moves
         GROUP BY effect_id
    )
    SELECT kind, effect_id AS id,
           jsonb_build_object('seq', seq, 'place', place, 'from', coalesce(from_status, 'nothing'), 'to', to_status,
                              'ended', ended) AS facts
      FROM (SELECT DISTINCT ON (effect_id) * FROM judged WHERE kind IS NOT NULL ORDER BY effect_id, seq) AS first
     UNION ALL
    SELECT CASE WHEN ends.effect_id IS NULL THEN 'journal-missing' ELSE 'fold' END, scope.id,
           jsonb_build_object(
               'journal', format('%%s after %%s moves, generation %%s', ends.status, ends.seq, ends.generation),
               'row', format('%%s after %%s moves, generation %%s', scope.status, scope.seq, scope.generation))
      FROM scope
      LEFT JOIN ends ON ends.effect_id = scope.id
     WHERE ends.effect_id IS NULL
        OR (ends.status, ends.seq, ends.generation) <> (scope.status, scope.seq, scope.generation)
        OR ends.fence > scope.fence
"""
JOURNAL = _JOURNAL.replace("{scope}", effects_of_span(_JOURNALED))
JOURNAL_OF = _JOURNAL.replace("{scope}", of_ids(_JOURNALED))

# Each attempt has its move to `sending` under the same fence, and each such move its attempt.
_OPENINGS: LiteralString = """
    WITH scope AS MATERIALIZED (
{scope}
    ), opened AS MATERIALIZED (
        SELECT effect_id, seq, fence
          FROM journal
         WHERE effect_id = ANY (ARRAY(SELECT id FROM scope)) AND to_status = 'sending'
    ), made AS MATERIALIZED (
        SELECT effect_id, n FROM attempts WHERE effect_id = ANY (ARRAY(SELECT id FROM scope))
    )
    SELECT 'attempt-unjournaled' AS kind, made.effect_id AS id, jsonb_build_object('n', made.n) AS facts
      FROM made
      LEFT JOIN opened ON opened.effect_id = made.effect_id AND opened.fence = made.n
     WHERE opened.effect_id IS NULL
     UNION ALL
    SELECT 'sending-unattempted', opened.effect_id, jsonb_build_object('seq', opened.seq, 'fence', opened.fence)
      FROM opened
      LEFT JOIN made ON made.effect_id = opened.effect_id AND made.n = opened.fence
     WHERE made.effect_id IS NULL
"""
OPENINGS = _OPENINGS.replace("{scope}", effects_of_span("id"))
OPENINGS_OF = _OPENINGS.replace("{scope}", of_ids("id"))

# An attempt, its bytes and its outcomes belong together.
ATTEMPTS = f"""
    WITH scope AS MATERIALIZED (
{effects_of_span("id, event_id, contact, of_run, status, generation")}
    ), made AS MATERIALIZED (
        SELECT effect_id, n, generation, request_hash
          FROM attempts
         WHERE effect_id = ANY (ARRAY(SELECT id FROM scope))
    ), kept AS MATERIALIZED (
        SELECT effect_id, generation, hash
          FROM requests
         WHERE effect_id = ANY (ARRAY(SELECT id FROM scope))
    ), learned AS MATERIALIZED (
        SELECT effect_id, n, generation, kind
          FROM outcomes
         WHERE effect_id = ANY (ARRAY(SELECT id FROM scope))
    )
    SELECT 'request-other' AS kind, made.effect_id AS id,
           jsonb_build_object('n', made.n, 'generation', made.generation) AS facts
      FROM made
      JOIN kept ON kept.effect_id = made.effect_id AND kept.generation = made.generation
     WHERE kept.hash <> made.request_hash
     UNION ALL
    -- The request of an effect that is long final may be pruned; what may be repeated must exist.
    -- What was erased is not repeated: its end is only learned.
    SELECT 'request-missing', made.effect_id, jsonb_build_object('n', min(made.n))
      FROM scope
      JOIN made ON made.effect_id = scope.id AND made.generation = scope.generation
      LEFT JOIN kept ON kept.effect_id = made.effect_id AND kept.generation = made.generation
     WHERE scope.status NOT IN ('accepted', 'refused', 'cancelled') AND kept.effect_id IS NULL
       AND NOT EXISTS (SELECT FROM events WHERE events.id = scope.event_id AND events.key = erased_key(events.id)
                       OFFSET 0)
       AND NOT (scope.of_run
                AND EXISTS (SELECT FROM contacts
                             WHERE contacts.key = scope.contact AND contacts.erased_at IS NOT NULL
                            OFFSET 0))
     GROUP BY made.effect_id
     UNION ALL
    SELECT 'outcome-unattempted', learned.effect_id, jsonb_build_object('outcome', learned.kind, 'n', learned.n)
      FROM learned
      LEFT JOIN made ON made.effect_id = learned.effect_id
                    AND made.n = learned.n AND made.generation = learned.generation
     WHERE made.effect_id IS NULL
     UNION ALL
    SELECT 'accepted-unproven', scope.id, '{{}}'
      FROM scope
      LEFT JOIN learned ON learned.effect_id = scope.id AND learned.generation = scope.generation
                       AND learned.kind IN ('accepted', 'found')
     WHERE scope.status = 'accepted' AND learned.effect_id IS NULL
       AND NOT EXISTS (SELECT FROM journal j
                        WHERE j.effect_id = scope.id AND j.to_status = 'accepted' AND j.actor LIKE 'person:%%'
                       OFFSET 0)
       AND NOT EXISTS (SELECT FROM feedback f
                        WHERE f.effect_id = scope.id AND f.kind NOT IN ('refused', 'other')
                       OFFSET 0)
"""  # noqa: S608 - put together from constants

UNFINISHED_STATUS = "AND status IN ('waiting', 'claimed', 'sending', 'unknown', 'held')"

# Everything that is not final is due, under a lease, waiting for another effect, or held for a reason. What a run sends
# that goes on waits for turns, its pace and quiet hours: whether that is stuck is asked of the run. What is unknown of
# one that is paused or cancelled is looked into all the same.
_UNFINISHED: LiteralString = """
    WITH scope AS MATERIALIZED (
{scope}
    )
    SELECT 'held-unexplained' AS kind, id, '{}'::jsonb AS facts
      FROM scope
     WHERE status = 'held' AND coalesce(trim(reason), '') = ''
     UNION ALL
    SELECT 'lease-ended', id,
           jsonb_build_object('status', status, 'seq', seq,
                              'late', extract(epoch FROM drumbeat_now() - lease_until)::float8)
      FROM scope
     WHERE status IN ('claimed', 'sending', 'unknown') AND lease_until < drumbeat_now() - %(late)s
     UNION ALL
    SELECT 'never-due', scope.id, jsonb_build_object('status', scope.status, 'seq', scope.seq)
      FROM scope
      LEFT JOIN LATERAL (SELECT id, status FROM effects WHERE effects.id = scope.after OFFSET 0) AS earlier ON true
     WHERE scope.status IN ('waiting', 'unknown') AND scope.due_at = 'infinity'
       AND (scope.status = 'unknown' OR earlier.id IS NULL
            OR earlier.status IN ('accepted', 'refused', 'cancelled'))
     UNION ALL
    SELECT 'overdue', scope.id,
           jsonb_build_object('status', status, 'account', account, 'seq', scope.seq,
                              'late', extract(epoch FROM drumbeat_now() - due_at)::float8,
                              'tolerated', extract(epoch FROM %(late)s::interval + %(lease)s)::float8)
      FROM scope
      LEFT JOIN runs ON runs.id = scope.event_id
     WHERE status IN ('waiting', 'unknown') AND lease_until IS NULL
       AND due_at < drumbeat_now() - CASE WHEN runs.id IS NULL THEN %(late)s + %(lease)s ELSE %(run_late)s END
       AND (runs.id IS NULL OR runs.state = 'finished'
            OR (status = 'unknown' AND runs.state NOT IN ('expanding', 'running')))
     UNION ALL
    SELECT 'cancelled-waiting', scope.id,
           jsonb_build_object('late', extract(epoch FROM drumbeat_now() - runs.updated_at)::float8)
      FROM scope
      JOIN runs ON runs.id = scope.event_id
     WHERE status = 'waiting' AND runs.state = 'cancelled' AND runs.updated_at < drumbeat_now() - %(run_late)s
"""
_STANDING = "id, event_id, status, account, due_at, lease_until, after, reason, seq"
UNFINISHED = _UNFINISHED.replace("{scope}", effects_of_span(_STANDING, UNFINISHED_STATUS))
# What is unknown, of which there is little: that of accounts that are paused waits for the end of their pause.
_UNKNOWN = f"""
        SELECT {_STANDING}
          FROM effects
         WHERE status = 'unknown'
           AND (due_at < drumbeat_now() - %(late)s OR due_at = 'infinity' OR lease_until < drumbeat_now() - %(late)s)
           AND account NOT IN (SELECT account FROM account_states WHERE paused_until IS NOT NULL)
         LIMIT %(most)s
"""  # noqa: S608 - put together from constants
UNKNOWN = _UNFINISHED.replace("{scope}", _UNKNOWN)

# What was surely never sent is not sent any more once it has expired.
LIMITS = f"""
    WITH scope AS MATERIALIZED (
{effects_of_span("id, coalesce(expires_at, base_due_at + interval '7 days') AS expires_at", "AND fence > 0")}
    )
    SELECT 'too-old' AS kind, scope.id,
           jsonb_build_object('late', extract(epoch FROM first.opened_at - scope.expires_at)::float8) AS facts
      FROM scope
     CROSS JOIN LATERAL (SELECT min(opened_at) AS opened_at
                           FROM attempts a
                          WHERE a.effect_id = scope.id AND a.generation = 1) AS first
     WHERE first.opened_at > scope.expires_at + %(lease)s
"""  # noqa: S608 - put together from constants

# Rows that no event leads to: they are looked for by their own ids, in the same span.
_STRAY: LiteralString = """
    SELECT 'journal-stray' AS kind, effect_id AS id, '{}'::jsonb AS facts
      FROM (SELECT DISTINCT effect_id FROM journal WHERE {scope}) AS told
     WHERE NOT EXISTS (SELECT FROM effects WHERE effects.id = told.effect_id OFFSET 0)
"""
STRAYS_OF = _STRAY.replace("{scope}", "effect_id = ANY (%(ids)s)")
STRAYS = f"""
    {_STRAY.replace("{scope}", "effect_id > %(after)s AND effect_id <= %(last)s")}
     UNION ALL
    SELECT 'contact-missing', id, '{{}}'
      FROM ({effects_of_span("id, contact", "AND contact IS NOT NULL")}) AS scope
     WHERE NOT EXISTS (SELECT FROM contacts WHERE contacts.key = scope.contact OFFSET 0)
"""  # noqa: S608 - put together from constants

COUNTED = f"""
    WITH scope AS MATERIALIZED ({effects_of_span("id")})
    SELECT (SELECT count(*) FROM scope) AS effects,
           (SELECT count(*) FROM attempts WHERE effect_id = ANY (ARRAY(SELECT id FROM scope))) AS attempts
"""  # noqa: S608 - put together from constants


@dataclass(frozen=True, slots=True)
class Bounds:
    """How late, how long and how old things may be."""

    late: timedelta  # after its time, before something counts as stuck
    lease: timedelta
    moves: Iterable[str]  # the arrows of the state machine, as `from>to`
    run_late: timedelta  # without a worker that takes anything of it, before a run counts as stuck
    run_moves: Iterable[str]


def findings(db: Database, span: Span, bounds: Bounds) -> list[Finding]:
    """List everything that the statements above find in a span."""
    parameters = {
        **span.bounds,
        "late": bounds.late,
        "lease": bounds.lease,
        "moves": list(bounds.moves),
        "run_late": bounds.run_late,
    }
    statements = (JOURNAL, OPENINGS, ATTEMPTS, UNFINISHED, LIMITS, STRAYS)
    return [Finding(**row) for sql in statements for row in db.run(sql, parameters)]


def in_journals(db: Database, ids: Sequence[UUID], moves: Iterable[str]) -> list[Finding]:
    """List what is wrong with the journals of these effects, and with the journaling of their attempts."""
    parameters = {"ids": list(ids), "moves": list(moves)}
    return [Finding(**row) for sql in (JOURNAL_OF, OPENINGS_OF, STRAYS_OF) for row in db.run(sql, parameters)]


def unknown(db: Database, *, late: timedelta, lease: timedelta, most: int) -> list[Finding]:
    """List what is unknown and was not looked into for so long after its time; `most` effects are looked at."""
    return [Finding(**row) for row in db.run(UNKNOWN, {"late": late, "lease": lease, "run_late": late, "most": most})]


def counted(db: Database, span: Span) -> tuple[int, int]:
    """Count the effects of a span, and their attempts."""
    row = db.run(COUNTED, span.bounds)[0]
    return row["effects"], row["attempts"]
