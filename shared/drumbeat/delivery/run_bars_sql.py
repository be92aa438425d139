"""Parts of the opening statement for mails of runs: whether the run goes on, and how often the person was mailed.

The runs are locked as they are read, after the people: a pause that committed before is seen, and one that comes later
waits for this commit. How often a person was mailed stands in their row, whose lock is the stronger one, so of two
openings one counts the other's.
"""

from datetime import timedelta

from drumbeat.core.runs import OPEN_TO_SENDING

KEPT = timedelta(days=31)  # no cap reaches further back
LIMIT = {"kept": KEPT, "open": [state.value for state in OPEN_TO_SENDING]}

# (The count makes sure that the people are locked first.)
RUNNING = """running AS MATERIALIZED (
        SELECT r.id, r.state, r.missed_before
          FROM runs r
         WHERE r.id IN (SELECT e.event_id FROM input i JOIN effects e ON e.id = i.id WHERE i.target = 'sending')
           AND (SELECT count(*) FROM people) >= 0
         ORDER BY r.id
           FOR SHARE
    ), halted AS MATERIALIZED (
        SELECT e.id,
               CASE WHEN r.state = ANY (%(open)s) OR r.state = 'cancelled' THEN 'cancelled'
                    ELSE 'waiting' END AS target,
               CASE WHEN r.state = ANY (%(open)s) THEN 'missed' WHEN r.state = 'cancelled' THEN 'run_cancelled'
                    ELSE 'run_paused' END AS code,
               NULL::text AS detail
          FROM input i
          JOIN effects e ON e.id = i.id
          JOIN running r ON r.id = e.event_id
         WHERE i.target = 'sending'
           -- missed is what no worker has taken before, and no person has sent again
           AND (r.state <> ALL (%(open)s)
                OR (e.base_due_at < r.missed_before AND e.fence = 1 AND e.generation = 1))
    ), """

# Those of the last weeks are in the contact's row. Those that this statement opens are numbered; one that is repeated
# is never capped for itself.
OFTEN = """often AS MATERIALIZED (
        SELECT e.id, own.key, own.mailed, recent.again, i.most, i.seconds,
               recent.n + count(*) FILTER (WHERE NOT recent.again) OVER (PARTITION BY own.key ORDER BY e.id) AS place
          FROM input i
          JOIN effects e ON e.id = i.id
          JOIN people own ON own.key = e.contact
         CROSS JOIN LATERAL (
            SELECT count(*) FILTER (WHERE (entry ->> 0)::bigint
                                          > microseconds(drumbeat_now() - make_interval(secs => i.seconds))
                                      AND entry ->> 1 <> e.id::text) AS n,
                   coalesce(bool_or(entry ->> 1 = e.id::text), false) AS again
              FROM jsonb_array_elements(own.mailed) AS entry) AS recent
         WHERE e.list IS NOT NULL AND i.target = 'sending'
           AND NOT EXISTS (SELECT FROM barred WHERE barred.id = e.id)
           AND NOT EXISTS (SELECT FROM halted WHERE halted.id = e.id)
           AND NOT EXISTS (SELECT FROM gated WHERE gated.id = e.id)
    ), stopped AS MATERIALIZED (
        SELECT id, target, code, detail FROM barred
         UNION ALL
        SELECT id, target, code, detail FROM halted WHERE NOT EXISTS (SELECT FROM barred WHERE barred.id = halted.id)
         UNION ALL
        SELECT id, 'cancelled', 'capped', most || ' times within ' || make_interval(secs => seconds)
          FROM often
         WHERE NOT again AND place > most
    ), """

# One that is repeated stands there once, as of its last opening: it may be delivered only now.
MAILED = """, noted AS (
        UPDATE contacts c
           SET mailed = new.entries
          FROM (SELECT of_person.key, others.entries || opened.entries AS entries
                  FROM (SELECT o.key, o.mailed, array_agg(o.id::text) AS ids
                          FROM often o
                          JOIN moved m ON m.id = o.id AND m.status = 'sending'
                         GROUP BY o.key, o.mailed) AS of_person
                 CROSS JOIN LATERAL (
                    SELECT coalesce(jsonb_agg(entry), '[]') AS entries
                      FROM jsonb_array_elements(of_person.mailed) AS entry
                     WHERE entry ->> 1 <> ALL (of_person.ids)
                       AND (entry ->> 0)::bigint > microseconds(drumbeat_now() - %(kept)s)) AS others
                 CROSS JOIN LATERAL (
                    SELECT jsonb_agg(jsonb_build_array(microseconds(drumbeat_now()), id)) AS entries
                      FROM unnest(of_person.ids) AS id) AS opened) AS new
         WHERE c.key = new.key
    )
"""
