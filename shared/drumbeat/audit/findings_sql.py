"""What SQL alone can see to be wrong in a span of the ledger. Each statement lists findings and nothing else.

A finding has a kind, the id of what it is about, and facts for the sentence that a person reads, never an
address.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from drumbeat.audit.verification_sql import END, Span
from drumbeat.ledger.database import Database


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that should not be."""

    kind: str
    id: UUID
    facts: Mapping[str, Any]


# The journal of an effect is one chain from its plan to where it stands. Only the first break is named: later
# ones follow from it. Then the chain's end is compared with the row, and the decisions by people with the generation.
JOURNAL = """
    WITH scope AS MATERIALIZED (
        SELECT id, status, seq, fence, generation
          FROM effects
         WHERE event_id > %(after)s AND event_id <= %(last)s
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

# An attempt, its move to `sending` under the same fence, its bytes and its outcomes belong together.
ATTEMPTS = """
    WITH scope AS MATERIALIZED (
        SELECT id, event_id, status, generation
          FROM effects
         WHERE event_id > %(after)s AND event_id <= %(last)s
    ), opened AS MATERIALIZED (
        SELECT effect_id, seq, fence
          FROM journal
         WHERE effect_id = ANY (ARRAY(SELECT id FROM scope)) AND to_status = 'sending'
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
    SELECT 'attempt-unjournaled' AS kind, made.effect_id AS id, jsonb_build_object('n', made.n) AS facts
      FROM made
      LEFT JOIN opened ON opened.effect_id = made.effect_id AND opened.fence = made.n
     WHERE opened.effect_id IS NULL
     UNION ALL
    SELECT 'sending-unattempted', opened.effect_id, jsonb_build_object('seq', opened.seq, 'fence', opened.fence)
      FROM opened
      LEFT JOIN made ON made.effect_id = opened.effect_id AND made.n = opened.fence
     WHERE made.effect_id IS NULL
     UNION ALL
    SELECT 'request-other', made.effect_id, jsonb_build_object('n', made.n, 'generation', made.generation)
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
       AND NOT EXISTS (SELECT FROM events WHERE events.id = scope.event_id AND events.key = erased_key(events.id))
     GROUP BY made.effect_id
     UNION ALL
    SELECT 'outcome-unattempted', learned.effect_id, jsonb_build_object('outcome', learned.kind, 'n', learned.n)
      FROM learned
      LEFT JOIN made ON made.effect_id = learned.effect_id
                    AND made.n = learned.n AND made.generation = learned.generation
     WHERE made.effect_id IS NULL
     UNION ALL
    SELECT 'accepted-unproven', scope.id, '{}'
      FROM scope
      LEFT JOIN learned ON learned.effect_id = scope.id AND learned.generation = scope.generation
                       AND learned.kind IN ('accepted', 'found')
     WHERE scope.status = 'accepted' AND learned.effect_id IS NULL
       AND NOT EXISTS (SELECT FROM journal j
                        WHERE j.effect_id = scope.id AND j.to_status = 'accepted' AND j.actor LIKE 'person:%%')
       AND NOT EXISTS (SELECT FROM feedback f
                        WHERE f.effect_id = scope.id AND f.kind NOT IN ('refused', 'other'))
"""

# Suppressions, what is said of consent, and attempts take their times under the same contact's lock, so their times are
# in the lock's order. Of the same instant either may have come first: what is right in one of the orders is no finding.
CONSENT = """
    SELECT 'after-suppression' AS kind, a.effect_id AS id, jsonb_build_object('n', a.n) AS facts
      FROM effects e
      JOIN attempts a ON a.effect_id = e.id
      JOIN LATERAL (SELECT lifted
                      FROM suppressions s
                     WHERE s.contact = e.contact AND s.created_at < a.opened_at
                     ORDER BY s.seq DESC
                     LIMIT 1) AS latest ON NOT latest.lifted
     WHERE e.event_id > %(after)s AND e.event_id <= %(last)s
     UNION ALL
    SELECT 'after-withdrawal', a.effect_id, jsonb_build_object('n', a.n, 'list', e.list, 'state', said.before)
      FROM effects e
      JOIN attempts a ON a.effect_id = e.id
     CROSS JOIN LATERAL (
        SELECT consent_state(consents_merge(fact) FILTER (WHERE c.recorded_at < a.opened_at), e.list) AS before,
               consent_state(consents_merge(fact), e.list) AS until
          FROM consents c
         CROSS JOIN LATERAL consent_fact(c.list, c.kind, c.by_person, c.at, c.event_id) AS fact
         WHERE c.contact = e.contact AND c.list IN (e.list, '*') AND c.recorded_at <= a.opened_at) AS said
     WHERE e.event_id > %(after)s AND e.event_id <= %(last)s
       AND e.list IS NOT NULL AND NOT e.confirms
       AND said.before <> 'given' AND said.until <> 'given'
"""

# Everything that is not final is due, under a lease, waiting for another effect, or held for a reason.
UNFINISHED = """
    WITH scope AS MATERIALIZED (
        SELECT id, status, account, due_at, lease_until, after, reason
          FROM effects
         WHERE event_id > %(after)s AND event_id <= %(last)s
           AND status IN ('waiting', 'claimed', 'sending', 'unknown', 'held')
    )
    SELECT 'held-unexplained' AS kind, id, '{}'::jsonb AS facts
      FROM scope
     WHERE status = 'held' AND coalesce(trim(reason), '') = ''
     UNION ALL
    SELECT 'lease-ended', id,
           jsonb_build_object('status', status, 'late', extract(epoch FROM drumbeat_now() - lease_until)::float8)
      FROM scope
     WHERE status IN ('claimed', 'sending', 'unknown') AND lease_until < drumbeat_now() - %(late)s
     UNION ALL
    SELECT 'never-due', scope.id, jsonb_build_object('status', scope.status)
      FROM scope
      LEFT JOIN effects earlier ON earlier.id = scope.after
     WHERE scope.status IN ('waiting', 'unknown') AND scope.due_at = 'infinity'
       AND (scope.status = 'unknown' OR earlier.id IS NULL
            OR earlier.status IN ('accepted', 'refused', 'cancelled'))
     UNION ALL
    SELECT 'overdue', id,
           jsonb_build_object('status', status, 'account', account,
                              'late', extract(epoch FROM drumbeat_now() - due_at)::float8,
                              'tolerated', extract(epoch FROM %(late)s::interval + %(lease)s)::float8)
      FROM scope
     WHERE status IN ('waiting', 'unknown') AND lease_until IS NULL
       AND due_at < drumbeat_now() - %(late)s - %(lease)s
"""

# What was surely never sent is not sent any more once it has expired.
LIMITS = """
    WITH scope AS MATERIALIZED (
        SELECT e.id, coalesce(e.expires_at, e.base_due_at + interval '7 days') AS expires_at
          FROM effects e
         WHERE e.event_id > %(after)s AND e.event_id <= %(last)s AND e.fence > 0
    )
    SELECT 'too-old' AS kind, scope.id,
           jsonb_build_object('late', extract(epoch FROM first.opened_at - scope.expires_at)::float8) AS facts
      FROM scope
     CROSS JOIN LATERAL (SELECT min(opened_at) AS opened_at
                           FROM attempts a
                          WHERE a.effect_id = scope.id AND a.generation = 1) AS first
     WHERE first.opened_at > scope.expires_at + %(lease)s
"""

# Rows that no event leads to: they are looked for by their own ids, in the same span. Twice sixteen bytes name a
# contact; the first sixteen say which span it is in.
STRAYS = """
    SELECT 'journal-stray' AS kind, effect_id AS id, '{}'::jsonb AS facts
      FROM (SELECT DISTINCT effect_id FROM journal WHERE effect_id > %(after)s AND effect_id <= %(last)s) AS told
     WHERE NOT EXISTS (SELECT FROM effects WHERE effects.id = told.effect_id)
     UNION ALL
    SELECT 'contact-missing', id, '{}'
      FROM effects
     WHERE event_id > %(after)s AND event_id <= %(last)s
       AND contact IS NOT NULL
       AND NOT EXISTS (SELECT FROM contacts WHERE contacts.key = effects.contact)
     UNION ALL
    SELECT 'contact-other', contacts.person,
           jsonb_build_object('row', CASE WHEN by_hand.at IS NULL THEN 'may be' ELSE 'must not be' END,
                              'last', CASE WHEN latest.lifted IS NOT FALSE THEN 'may be' ELSE 'must not be' END)
      FROM contacts
     CROSS JOIN LATERAL (
        SELECT CASE WHEN suppression_kind IS DISTINCT FROM 'bounce' THEN suppressed_at END AS at) AS by_hand
      LEFT JOIN LATERAL (SELECT lifted
                           FROM suppressions s
                          WHERE s.contact = contacts.key
                          ORDER BY s.seq DESC
                          LIMIT 1) AS latest ON true
     WHERE contacts.key > uuid_send(%(after)s) AND (contacts.key <= uuid_send(%(last)s) OR %(last)s = %(end)s)
       AND (by_hand.at IS NULL) <> (latest.lifted IS NOT FALSE)
"""

# What providers reported of a person's mails is what stands in their row, and so does what follows from it. When a
# suppression was lifted is the row's own word.
REPORTS_FOLD = """
    SELECT 'reports-fold' AS kind, contacts.person AS id, '{}'::jsonb AS facts
      FROM contacts
     CROSS JOIN LATERAL (
        SELECT reported_merged(coalesce(reported_merge(reported_fact(f.kind, f.at, f.effect_id)), '{}'),
                               jsonb_strip_nulls(jsonb_build_object('l', contacts.reported -> 'l'))) AS reported
          FROM event_contacts named
          JOIN feedback f ON f.event_id = named.event_id
          JOIN effects e ON e.id = f.effect_id AND e.contact = contacts.key
         WHERE named.contact = contacts.key) AS folded
     WHERE contacts.key > uuid_send(%(after)s) AND (contacts.key <= uuid_send(%(last)s) OR %(last)s = %(end)s)
       AND (contacts.reported <> folded.reported
            OR contacts.complained_at IS DISTINCT FROM complained_at(folded.reported)
            OR ((contacts.suppressed_at IS NULL OR contacts.suppression_kind = 'bounce')
                AND contacts.suppressed_at IS DISTINCT FROM bounced_at(folded.reported)))
"""

# What was recorded of a person's consent is what stands in their row.
CONSENT_FOLD = """
    SELECT 'consent-fold' AS kind, contacts.person AS id, '{}'::jsonb AS facts
      FROM contacts
     CROSS JOIN LATERAL (SELECT consents_merge(consent_fact(list, kind, by_person, at, event_id)) AS consents
                           FROM consents
                          WHERE consents.contact = contacts.key) AS folded
     WHERE contacts.key > uuid_send(%(after)s) AND (contacts.key <= uuid_send(%(last)s) OR %(last)s = %(end)s)
       AND contacts.consents <> folded.consents
"""

ATTEMPTED = """
    SELECT count(*) AS attempts
      FROM attempts
      JOIN effects ON effects.id = attempts.effect_id
     WHERE effects.event_id > %(after)s AND effects.event_id <= %(last)s
"""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How late, how long and how old things may be."""

    late: timedelta  # after its time, before something counts as stuck
    lease: timedelta
    moves: Iterable[str]  # the arrows of the state machine, as `from>to`


def findings(db: Database, span: Span, bounds: Bounds) -> list[Finding]:
    """List everything that the statements above find in a span."""
    parameters = {
        **span.bounds,
        "late": bounds.late,
        "lease": bounds.lease,
        "moves": list(bounds.moves),
        "end": END,
    }
    return [
        Finding(**row)
        for sql in (JOURNAL, ATTEMPTS, CONSENT, UNFINISHED, LIMITS, STRAYS, CONSENT_FOLD, REPORTS_FOLD)
        for row in db.run(sql, parameters)
    ]


def attempts(db: Database, span: Span) -> int:
    """Count the attempts of a span."""
    return int(db.run(ATTEMPTED, span.bounds)[0]["attempts"])
