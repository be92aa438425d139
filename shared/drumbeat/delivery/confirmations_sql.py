"""Parts of the opening statement that count the mails which ask a person to confirm a list.

A stranger can type any address into a form: its owner gets a few of these mails a day, and no more.
"""

from datetime import timedelta

MOST = 3  # to one contact, for one list
DAY = timedelta(days=1)
LIMIT = {"day": DAY, "most": MOST, "capped": f"{MOST} times within a day"}

# Those of the last day are in the contact's row. Those that this statement opens are numbered; one that is repeated is
# never capped for itself.
COUNTED = """asked AS MATERIALIZED (
        SELECT e.id, own.key, e.list, recent.entries, recent.again,
               recent.n + count(*) FILTER (WHERE NOT recent.again) OVER (
                   PARTITION BY own.key, e.list ORDER BY e.id) AS place
          FROM input i
          JOIN effects e ON e.id = i.id
          JOIN people own ON own.key = e.contact
         CROSS JOIN LATERAL (
            SELECT coalesce(jsonb_agg(entry), '[]') AS entries, count(*) AS n,
                   coalesce(bool_or(entry ->> 1 = e.id::text), false) AS again
              FROM jsonb_array_elements(own.confirmations -> e.list) AS entry
             WHERE (entry ->> 0)::bigint > microseconds(drumbeat_now() - %(day)s)) AS recent
         WHERE e.confirms AND i.target = 'sending'
           AND NOT EXISTS (SELECT FROM barred WHERE barred.id = e.id)
           AND NOT EXISTS (SELECT FROM gated WHERE gated.id = e.id)
    ), stopped AS MATERIALIZED (
        SELECT id, target, code, detail FROM barred
         UNION ALL
        SELECT id, 'cancelled', 'capped', %(capped)s FROM asked WHERE NOT again AND place > %(most)s
    ), """
# One that is repeated stands there once, as of its last opening: it may be delivered only now.
COUNT = """, noted AS (
        UPDATE contacts c
           SET confirmations = c.confirmations || new.lists
          FROM (SELECT of_list.key, jsonb_object_agg(of_list.list, others.entries || opened.entries) AS lists
                  FROM (SELECT a.key, a.list, a.entries, array_agg(a.id::text) AS ids
                          FROM asked a
                          JOIN moved m ON m.id = a.id AND m.status = 'sending'
                         GROUP BY a.key, a.list, a.entries) AS of_list
                 CROSS JOIN LATERAL (
                    SELECT coalesce(jsonb_agg(entry), '[]') AS entries
                      FROM jsonb_array_elements(of_list.entries) AS entry
                     WHERE entry ->> 1 <> ALL (of_list.ids)) AS others
                 CROSS JOIN LATERAL (
                    SELECT jsonb_agg(jsonb_build_array(microseconds(drumbeat_now()), id)) AS entries
                      FROM unnest(of_list.ids) AS id) AS opened
                 GROUP BY of_list.key) AS new
         WHERE c.key = new.key
    )
"""
