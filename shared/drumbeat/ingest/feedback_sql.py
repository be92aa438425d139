"""What providers report, recorded with its events: what follows for consent and suppression is in the same commit.

So an attempt that is opened after it knows. What follows for attempts is the worker's (`delivery/feedback.py`).
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from drumbeat.access.keys import ApiKey
from drumbeat.core.events import Arrival, Reported
from drumbeat.core.provider_keys import effect_of
from drumbeat.ingest import sql
from drumbeat.ingest.sql import Recorded
from drumbeat.ledger.database import Database

LINK_BYTES = 8  # of a digest: enough to tell the links of one mail apart

# No report is older than its mail, nor newer than its delivery: by a wrong clock, or a date that says nothing, it would
# be older than what a person said or lifted before the mail was sent.
# A report is about a mail only where the account that its source speaks for made an attempt under its key: about a mail
# of another account, or of no attempt, it is kept and shown, and moves nothing. Of a report that is known already, by
# whatever delivery, nothing follows. The contacts are locked in key order, as where attempts are opened. A person who
# left by the provider's own link left the mail's list, and by a mail of none every list; when is the provider's word,
# so that reports in another order come to the same.
_REPORTED = """, told AS MATERIALIZED (
        SELECT DISTINCT ON (t.account, t.name) t.*, a.received_at
          FROM unnest(%(told_events)s::uuid[], %(accounts)s::text[], %(names)s::text[], %(kinds)s::text[],
                      %(words)s::text[], %(saids)s::text[], %(ats)s::timestamptz[], %(mails)s::uuid[],
                      %(generations)s::int[], %(references)s::text[], %(links)s::bytea[], %(machines)s::bool[])
            AS t (event_id, account, name, kind, word, said, at, mail, generation, reference, link, machine)
          JOIN inserted ON inserted.id = t.event_id
          JOIN arriving a ON a.id = t.event_id
         ORDER BY t.account, t.name, t.event_id
    ), known AS MATERIALIZED (
        SELECT told.*, sent.effect, sent.contact, sent.list,
               greatest(least(coalesce(told.at, told.received_at), told.received_at), sent.opened_at) AS happened_at
          FROM told
          LEFT JOIN LATERAL (
            SELECT e.id AS effect, e.contact, coalesce(e.list, '*') AS list, a.opened_at
              FROM effects e
              JOIN attempts a ON a.effect_id = e.id AND a.generation = told.generation
             WHERE e.id = told.mail AND e.account = told.account
             ORDER BY a.n
             LIMIT 1) AS sent ON true
    ), reports AS (
        INSERT INTO feedback (account, name, event_id, kind, word, said, at, effect_id, generation, reference, link,
                              machine)
        SELECT account, name, event_id, kind, word, said, happened_at, effect,
               CASE WHEN effect IS NOT NULL THEN generation END, reference, link, machine
          FROM known
         ORDER BY account, name
            ON CONFLICT DO NOTHING
        RETURNING event_id
    ), news AS MATERIALIZED (
        SELECT known.* FROM known JOIN reports USING (event_id) WHERE known.contact IS NOT NULL
    ), locked AS MATERIALIZED (
        SELECT key
          FROM contacts
         WHERE key IN (SELECT contact FROM news WHERE kind IN ('delivered', 'bounced', 'soft_bounced', 'complained',
                                                               'unsubscribed'))
         ORDER BY key
           FOR NO KEY UPDATE
    ), applied AS (
        UPDATE contacts c
           SET reported = reported_merged(c.reported, new.facts),
               suppressed_at = CASE WHEN c.suppression_kind = 'bounce' OR c.suppressed_at IS NULL
                                    THEN bounced_at(reported_merged(c.reported, new.facts))
                                    ELSE c.suppressed_at END,
               suppression_reason = CASE WHEN c.suppression_kind = 'bounce' OR c.suppressed_at IS NULL
                                         THEN bounce_reason(reported_merged(c.reported, new.facts))
                                         ELSE c.suppression_reason END,
               suppression_kind = CASE WHEN c.suppression_kind = 'bounce' OR c.suppressed_at IS NULL
                                       THEN CASE WHEN bounced_at(reported_merged(c.reported, new.facts)) IS NOT NULL
                                                 THEN 'bounce' END
                                       ELSE c.suppression_kind END,
               complained_at = complained_at(reported_merged(c.reported, new.facts)),
               consents = consents_merged(c.consents, new.left_lists)
          FROM (SELECT contact, reported_merge(reported_fact(kind, happened_at, effect)) AS facts,
                       consents_merge(consent_fact(list, 'withdrawn', true, happened_at, event_id))
                           FILTER (WHERE kind = 'unsubscribed') AS left_lists
                  FROM news
                 GROUP BY contact) AS new
          JOIN locked ON locked.key = new.contact
         WHERE c.key = new.contact
    ), evidence AS (
        INSERT INTO consents (contact, list, event_id, kind, by_person, at)
        SELECT contact, list, event_id, 'withdrawn', true, happened_at FROM news WHERE kind = 'unsubscribed'
            ON CONFLICT DO NOTHING
    ), indexed AS (
        INSERT INTO event_contacts (contact, event_id, received_at)
        SELECT contact, event_id, received_at FROM known WHERE contact IS NOT NULL
            ON CONFLICT DO NOTHING
    )
"""
RECORD = sql.recording_with(_REPORTED)

# Of events that are recorded already: by a process that did not know yet, or no more, that their source reports.
APPLY = f"""
    WITH arriving AS (
        SELECT id, received_at FROM events WHERE id = ANY (%(told_events)s)
    ), inserted AS (
        SELECT id FROM arriving
    )
    {_REPORTED}
    SELECT event_id FROM reports
"""  # noqa: S608 - put together from constants


def record_all(db: Database, arrivals: Sequence[Arrival], /, *, caller: ApiKey | None) -> dict[UUID, Recorded]:
    """Record events that report, and apply their reports, in one statement and commit; raises as `sql.record_all`."""
    return sql.record_all(db, arrivals, caller=caller, statement=RECORD, values=_values(arrivals))


def apply(db: Database, told: Mapping[UUID, Reported]) -> list[UUID]:
    """Keep and apply what recorded events report, where that was not done when they were recorded; return which.

    Harmless to repeat.
    """
    return [row["event_id"] for row in db.run(APPLY, _columns(list(told.items())))]


def _values(arrivals: Sequence[Arrival]) -> dict[str, Any]:
    return _columns([(arrival.id, arrival.reported) for arrival in arrivals if arrival.reported])


def _columns(reports: Sequence[tuple[UUID, Reported]]) -> dict[str, Any]:
    told = [(event, reported.account, reported.report) for event, reported in reports]
    keys = [effect_of(report.key or "") or (None, None) for *_, report in told]
    return {
        "told_events": [event for event, *_ in told],
        "accounts": [account for _, account, _ in told],
        "names": [report.name for *_, report in told],
        "kinds": [report.kind.value for *_, report in told],
        "words": [report.word for *_, report in told],
        "saids": [report.said for *_, report in told],
        "ats": [report.at for *_, report in told],
        "mails": [mail for mail, _ in keys],
        "generations": [generation for _, generation in keys],
        "references": [report.reference for *_, report in told],
        "links": [_digest(report.link) for *_, report in told],
        "machines": [report.machine for *_, report in told],
    }


def _digest(link: str) -> bytes | None:
    return hashlib.sha256(link.encode("utf-8", "surrogatepass")).digest()[:LINK_BYTES] if link else None
