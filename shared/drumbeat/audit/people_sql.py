"""What SQL alone can see to be wrong with people: mailed against their word, or rows that are not what was recorded."""

from drumbeat.audit.findings_sql import Finding
from drumbeat.audit.spans_sql import END, Span, effects_of_span
from drumbeat.ledger.database import Database

# Suppressions, what is said of consent, and attempts take their times under the same contact's lock, so their times are
# in the lock's order. Of the same instant either may have come first: what is right in one of the orders is no finding.
CONSENT = f"""
    WITH scope AS MATERIALIZED ({effects_of_span("id, contact, list, confirms", "AND contact IS NOT NULL")})
    SELECT 'after-suppression' AS kind, a.effect_id AS id, jsonb_build_object('n', a.n) AS facts
      FROM scope e
     CROSS JOIN LATERAL (SELECT * FROM attempts WHERE effect_id = e.id OFFSET 0) AS a
      JOIN LATERAL (SELECT lifted
                      FROM suppressions s
                     WHERE s.contact = e.contact AND s.created_at < a.opened_at
                     ORDER BY s.seq DESC
                     LIMIT 1) AS latest ON NOT latest.lifted
     UNION ALL
    SELECT 'after-withdrawal', a.effect_id, jsonb_build_object('n', a.n, 'list', e.list, 'state', said.before)
      FROM scope e
     CROSS JOIN LATERAL (SELECT * FROM attempts WHERE effect_id = e.id OFFSET 0) AS a
     CROSS JOIN LATERAL (
        SELECT consent_state(consents_merge(fact) FILTER (WHERE c.recorded_at < a.opened_at), e.list) AS before,
               consent_state(consents_merge(fact), e.list) AS until
          FROM consents c
         CROSS JOIN LATERAL consent_fact(c.list, c.kind, c.by_person, c.at, c.event_id) AS fact
         WHERE c.contact = e.contact AND c.list IN (e.list, '*') AND c.recorded_at <= a.opened_at) AS said
     WHERE e.list IS NOT NULL AND NOT e.confirms
       AND said.before <> 'given' AND said.until <> 'given'
"""  # noqa: S608 - put together from constants

# Who may be mailed by their row is who may be by the last change. Twice sixteen bytes name a contact; the first sixteen
# say which span it is in.
BY_HAND = """
    SELECT 'contact-other' AS kind, contacts.person AS id,
           jsonb_build_object(
               'row', CASE WHEN by_hand.at IS NULL THEN 'may be' ELSE 'must not be' END,
               'last', CASE WHEN latest.lifted IS NOT FALSE THEN 'may be' ELSE 'must not be' END) AS facts
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


def findings(db: Database, span: Span) -> list[Finding]:
    """List everything that the statements above find in a span."""
    return [
        Finding(**row)
        for sql in (CONSENT, BY_HAND, CONSENT_FOLD, REPORTS_FOLD)
        for row in db.run(sql, {**span.bounds, "end": END})
    ]
