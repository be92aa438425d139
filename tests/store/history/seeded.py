"""A ledger with a history: as many events as years of use leave, written by SQL in about a minute.

Each table has the shape that use gives it: nearly everything has ended well, a little waits, some of it is due, and a
few things went wrong long ago. What no statement of relay and views reads in bulk is thin: one attempt, outcome,
journal row and body for each ten effects or events.
"""

from uuid import UUID

from bench.filling import filling
from drumbeat.ledger.database import Database

EVENTS = 1_000_000
DAYS = 30
CAMPAIGN_EVERY = 20_000  # events; each has effects for `AUDIENCE` people
AUDIENCE = 2_000

_CONFIGURED = """
    INSERT INTO configs (version, hash, document, templates, compiled, applied_by, applied_at)
    SELECT n, n::text::bytea, '', '{}',
           '{"accounts": {"mail": {"limits": []}, "crm": {"limits": []}, "sms": {"limits": []}},
             "flows": {"welcome": {}}, "campaigns": {}}', 'seed', drumbeat_now() - interval '60 days'
      FROM generate_series(1, 5) AS n
"""
_EVENTS = """
    INSERT INTO events (id, source, key, type, door, fingerprint, received_at, recorded_at)
    SELECT md5('event' || n)::uuid,
           CASE WHEN n %% 1000 = 7 THEN 'fair' WHEN n %% 3 = 0 THEN 'shop' ELSE 'site' END,
           'key-' || n,
           CASE WHEN n %% %(every)s = 1 THEN 'CAMPAIGN_TRIGGER'
                WHEN n %% 5000 = 9 THEN 'FEEDBACK'
                WHEN n %% 5 = 0 THEN 'CONTENT_PUBLISH' ELSE 'LEAD_CAPTURE' END,
           CASE WHEN n %% %(every)s = 1 THEN 'schedule' ELSE 'api' END,
           '', at, at
      FROM (SELECT n, drumbeat_now() - interval '10 minutes'
                      - make_interval(days => %(days)s) * ((%(events)s - n)::float8 / %(events)s) AS at
              FROM generate_series(1, %(events)s) AS n) AS numbered
"""
# Three old events never got a plan; of 200 a flow could not be planned.
_PLANS = """
    INSERT INTO plans (event_id, version, hash, failed, planned_at)
    SELECT md5('event' || n)::uuid, 1 + n %% 5, '',
           CASE WHEN n %% 5000 = 13 THEN '{"gone": "no field payload.email"}' ELSE '{}' END::jsonb, drumbeat_now()
      FROM generate_series(1, %(events)s) AS n
     WHERE n NOT IN (1009, 2009, 3009)
"""
# Each event has two effects, a campaign's one for each of its people; `due` of the newest are due.
_EFFECTS = """
    INSERT INTO effects (id, event_id, version, flow, step, account, action, base_due_at, status, seq, fence, due_at,
                         lease_until, reason, reason_code, expires_at, lasts, updated_at, campaign)
    SELECT md5('effect' || n)::uuid, event_id, 1, 'welcome', step, account, 'send_email', at, status,
           CASE status WHEN 'waiting' THEN 1 ELSE 4 END, CASE status WHEN 'waiting' THEN 0 ELSE 1 END,
           CASE status WHEN 'waiting' THEN CASE WHEN due THEN at
                                                ELSE drumbeat_now() + interval '9 days' * (n %% 997) / 997 END
                       WHEN 'claimed' THEN drumbeat_now() + interval '40 seconds'
                       WHEN 'unknown' THEN drumbeat_now() + interval '3 hours'
                       ELSE 'infinity' END,
           CASE status WHEN 'claimed' THEN drumbeat_now() + interval '40 seconds' END,
           CASE WHEN status IN ('held', 'refused', 'cancelled') THEN 'as seeded' END,
           CASE WHEN status IN ('held', 'refused', 'cancelled') THEN 'refused_by_provider' END,
           at + interval '40 days', interval '40 days', at, campaign
      FROM (SELECT n, event_id, step, account, at, n > %(people)s AS campaign, n > %(effects)s - %(due)s AS due,
                   CASE WHEN n > %(effects)s - %(due)s OR n %% 50 = 0 THEN 'waiting'
                        WHEN n %% 40009 = 1 THEN 'held'
                        WHEN n %% 100003 = 2 THEN 'unknown'
                        WHEN n %% 200003 = 3 THEN 'claimed'
                        WHEN n %% 500 = 4 THEN 'refused'
                        WHEN n %% 60 = 5 THEN 'cancelled'
                        ELSE 'accepted' END AS status
              FROM (SELECT n, md5('event' || (n + 1) / 2)::uuid AS event_id,
                           CASE n %% 2 WHEN 0 THEN 'hello' ELSE 'crm' END AS step,
                           CASE WHEN n %% 20000 = 11 THEN 'sms' WHEN n %% 2 = 0 THEN 'mail' ELSE 'crm' END AS account,
                           drumbeat_now() - interval '10 minutes'
                           - make_interval(days => %(days)s) * ((%(people)s - n)::float8 / %(people)s) AS at
                      FROM generate_series(1, %(people)s) AS n
                     WHERE (n + 1) / 2 NOT IN (1009, 2009, 3009)
                     UNION ALL
                    SELECT %(people)s + n, md5('event' || 1 + %(every)s * ((n - 1) / %(audience)s))::uuid,
                           'news', 'mail',
                           drumbeat_now() - interval '10 minutes'
                           - make_interval(days => %(days)s) * ((%(campaign)s - n)::float8 / %(campaign)s)
                      FROM generate_series(1, %(campaign)s) AS n) AS numbered) AS judged
"""
_THIN = (
    "INSERT INTO payloads (event_id, body) SELECT id, '{\"payload\": {}}' FROM events WHERE id < %(tenth)s",
    """
    INSERT INTO attempts (effect_id, n, generation, identity, request_hash)
    SELECT id, 1, 1, 'mailgun', '' FROM effects WHERE fence > 0 AND id < %(tenth)s
    """,
    "INSERT INTO requests (effect_id, generation, hash, frozen) SELECT effect_id, 1, '', '' FROM attempts",
    """
    INSERT INTO outcomes (effect_id, n, generation, identity, origin, kind, at)
    SELECT id, 1, 1, 'mailgun', CASE WHEN seq %% 4 = 0 AND id < %(hundredth)s THEN 'look' ELSE 'answer' END,
           CASE status WHEN 'accepted' THEN 'accepted' WHEN 'refused' THEN 'refused' ELSE 'unknown' END,
           updated_at
      FROM effects WHERE fence > 0 AND id < %(tenth)s
    """,
    """
    INSERT INTO journal (effect_id, seq, from_status, to_status, fence, actor)
    SELECT id, 1, NULL, 'waiting', 0, 'planner' FROM effects WHERE id < %(tenth)s
    """,
    """
    INSERT INTO feedback (account, name, event_id, kind, word, said, at, effect_id, generation, machine)
    SELECT 'mail', n::text, md5('event' || n)::uuid, (ARRAY['delivered', 'opened', 'clicked'])[1 + n %% 3], '', '',
           drumbeat_now() - make_interval(days => %(days)s) * ((%(events)s - n)::float8 / %(events)s),
           md5('effect' || 2 * n)::uuid, 1, false
      FROM generate_series(3, %(events)s, 3) AS n
    """,
    """
    INSERT INTO hourly_counts (hour, account, campaign, run, accepted, refused, cancelled, held, unknown, attempts)
    SELECT hour_of(updated_at), account, campaign, NULL, count(*) FILTER (WHERE status = 'accepted'),
           count(*) FILTER (WHERE status = 'refused'), count(*) FILTER (WHERE status = 'cancelled'), 0, 0, count(*)
      FROM effects
     WHERE status IN ('accepted', 'refused', 'cancelled')
     GROUP BY 1, 2, 3
    """,
    """
    INSERT INTO journal (effect_id, seq, from_status, to_status, fence, actor)
    SELECT id, seq, 'sending', status, fence, 'worker'
      FROM effects
     WHERE id < %(hundredth)s AND status IN ('accepted', 'refused') AND seq > 1
    """,
    "INSERT INTO conflicts SELECT id, 'x', '{}', received_at FROM events WHERE source = 'fair' ORDER BY id LIMIT 20",
)
# Each event names one of as many people as there are events for ten of them; one of them is named by a thousand.
_PEOPLE = (
    """
    INSERT INTO contacts (key, person, consents)
    SELECT sha256(n::text::bytea), md5('person' || n)::uuid,
           consent_fact('news', CASE n %% 3 WHEN 0 THEN 'withdrawn' ELSE 'given' END, true, drumbeat_now(),
                        md5('event')::uuid)
      FROM generate_series(0, %(leads)s - 1) AS n
    """,
    """
    INSERT INTO event_contacts (contact, event_id, received_at)
    SELECT sha256((CASE WHEN n <= 1000 THEN 0 ELSE n %% %(leads)s END)::text::bytea), id, received_at
      FROM generate_series(1, %(events)s) AS n
      JOIN events ON events.id = md5('event' || n)::uuid
    """,
    """
    INSERT INTO leads (contact, address, attributes, refused, since, changed)
    SELECT sha256(n::text::bytea), jsonb_build_object('v', n || '@example.com', 't', n, 'e', md5('event')::uuid),
           jsonb_build_object('n', jsonb_build_object('v', n, 't', n, 'e', md5('event')::uuid)), '{}', at, at
      FROM (SELECT n, drumbeat_now() - make_interval(days => %(days)s) * ((%(leads)s - n)::float8 / %(leads)s) AS at
              FROM generate_series(0, %(leads)s - 1) AS n) AS numbered
    """,
    """
    INSERT INTO consents (contact, list, event_id, kind, by_person, at)
    SELECT key, 'news', md5('event')::uuid, 'given', true, drumbeat_now() FROM contacts
    """,
    """
    INSERT INTO consents (contact, list, event_id, kind, by_person, at)
    SELECT sha256('0'), 'news', md5('event' || n)::uuid, 'given', false, received_at
      FROM generate_series(1, 1000) AS n
      JOIN events ON events.id = md5('event' || n)::uuid
    """,
)
# A run to all leads, a tenth of whom it has mailed. What waits of it is due; one has a place in a limit's queue.
RUN = UUID("9d7b0e8d-0000-4000-8000-000000000001")
OF_RUN = (
    """
    INSERT INTO events (id, source, key, type, door, fingerprint, received_at, recorded_at)
    SELECT %(run)s, 'digest', 'run:1', 'CAMPAIGN_TRIGGER', 'api', '', drumbeat_now(), drumbeat_now()
    """,
    "INSERT INTO plans (event_id, version, hash) SELECT %(run)s, 5, 'hash'",
    """
    INSERT INTO runs (id, campaign, version, semantics, steps, content, state, seq, starts, reviews, created_by)
    SELECT %(run)s, 'digest', 5, 5, '{mail}', '', 'running', 3, true, false, 'seed'
    """,
    """
    INSERT INTO run_progress (run_id, as_of, chunks, gathered, expanded, matched)
    SELECT %(run)s, drumbeat_now(), 3, 3, 3, %(leads)s
    """,
    "INSERT INTO recipients (run_id, contact, due_at) SELECT %(run)s, contact, drumbeat_now() FROM leads",
    """
    INSERT INTO effects (id, event_id, version, flow, step, account, action, contact, list, base_due_at, expires_at,
                         status, seq, fence, due_at, slot, updated_at, campaign, of_run)
    SELECT drumbeat_id(%(run)s::uuid::text, 'campaign:digest', 'mail', encode(contact, 'hex')), %(run)s, 5,
           'campaign:digest', 'mail', 'mail', 'send_email', contact, 'news', at, '9999-12-31',
           CASE WHEN n %% 10 = 0 THEN 'accepted' ELSE 'waiting' END, 1, n %% 10,
           CASE WHEN n %% 10 = 0 THEN 'infinity' ELSE at END, CASE WHEN n = 7 THEN 1 END, at, true, true
      FROM (SELECT contact, row_number() OVER (ORDER BY contact) AS n, drumbeat_now() - interval '1 minute' AS at
              FROM leads) AS people
    """,
)
# As the relay leaves it: it goes on searching where it was, and the three that never got a plan are listed.
_REACHED = """
    WITH listed AS (
        INSERT INTO unplanned (event_id, recorded_at)
        SELECT id, recorded_at FROM events WHERE key IN ('key-1009', 'key-2009', 'key-3009')
    )
    UPDATE relay_state SET searched_until = drumbeat_now() - interval '5 minutes'
"""


def seed(owner: Database, *, events: int = EVENTS, due: int = 0) -> None:
    """Fill an empty ledger; `due`: how many effects are due, the newest of them first."""
    people = 2 * events
    campaign = events // CAMPAIGN_EVERY * AUDIENCE
    parameters = {
        "events": events,
        "days": DAYS,
        "every": CAMPAIGN_EVERY,
        "audience": AUDIENCE,
        "people": people,
        "campaign": campaign,
        "effects": people + campaign,
        "due": due,
        "leads": events // 10,
        "run": RUN,
        "tenth": "19999999-9999-9999-9999-999999999999",
        "hundredth": "028f5c28-0000-0000-0000-000000000000",
    }
    with filling(owner):
        for statement in (_CONFIGURED, _EVENTS, _PLANS, _EFFECTS, *_THIN, *_PEOPLE, *OF_RUN, _REACHED):
            owner.run(statement, parameters)
    owner.run("SELECT count_anew()")
    owner.run("VACUUM (ANALYZE)")
