"""The part of the opening statement that says why a mail must not go to its person.

All of it is read in the locked rows of the people: another table would be read as it was when the statement began,
before it waited for the lock, and a person who withdrew meanwhile would be mailed. By which door an event came never
changes: a program's word asks only a person who has not decided yet.

A suppression counts under a person's former key as well: it may be from when that was their only one. Consent and
complaints count under today's key alone, by which all of them were recorded. The former key is another person's today,
whose yes and no are not this one's.
"""

import json

from drumbeat.core.reasons import DETAIL, Reason, ReasonCode
from drumbeat.ledger import stops

BARRED = """barred AS MATERIALIZED (
        SELECT e.id, 'cancelled' AS target, b.code, b.detail
          FROM input i
          JOIN effects e ON e.id = i.id
          JOIN people own ON own.key = e.contact
          LEFT JOIN people former ON former.key = own.former
         CROSS JOIN LATERAL (
            SELECT 1 AS rank, 'suppressed' AS code, own.suppression_reason AS detail WHERE own.suppressed_at IS NOT NULL
             UNION ALL
            SELECT 2, 'suppressed', former.suppression_reason WHERE former.suppressed_at IS NOT NULL
             UNION ALL
            SELECT 3, 'suppressed', 'complaint' WHERE e.list IS NOT NULL AND own.complained_at IS NOT NULL
             UNION ALL
            SELECT 4, 'no_consent', e.list || ': ' || consent_state(own.consents, e.list)
             WHERE e.list IS NOT NULL AND NOT e.confirms AND consent_state(own.consents, e.list) <> 'given'
             UNION ALL
            SELECT 5, 'not_asked', e.list || ': ' || consent_state(own.consents, e.list)
             WHERE e.confirms AND consent_state(own.consents, e.list) IN ('given', 'withdrawn')
               AND EXISTS (SELECT FROM events WHERE events.id = e.event_id AND events.door = 'api')
             ORDER BY rank
             LIMIT 1) AS b
         WHERE i.target = 'sending'
    )"""

# What is stopped waits, as of the row's newest version: a stop that committed before is seen, and one that comes later
# waits for this commit. (The count makes sure that the people are locked first.) What ends in any case ends.
GATED = f"""gate AS MATERIALIZED (
        SELECT stops
          FROM gate
         WHERE (SELECT count(*) FROM people) >= 0
           AND (SELECT count(*) FROM (SELECT pg_advisory_xact_lock_shared({stops.QUEUE})) AS queued) = 1
           FOR SHARE
    ), gated AS MATERIALIZED (
        SELECT e.id, 'waiting' AS target, 'stopped' AS code, NULL::text AS detail
          FROM input i
          JOIN effects e ON e.id = i.id
         CROSS JOIN gate
         WHERE i.target = 'sending' AND {stops.of_row("e.account")}
    )"""  # noqa: S608 - put together from constants

# By code: the sentence before any attempt, and after one.
SENTENCES = json.dumps(
    {
        code.value: [Reason(code, DETAIL, maybe_sent=late).sentence for late in (False, True)]
        for code in (
            ReasonCode.SUPPRESSED,
            ReasonCode.NO_CONSENT,
            ReasonCode.NOT_ASKED,
            ReasonCode.CAPPED,
            ReasonCode.MISSED,
            ReasonCode.RUN_CANCELLED,
            ReasonCode.RUN_PAUSED,
            ReasonCode.STOPPED,
        )
    }
)
