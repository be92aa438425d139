"""A ledger as a year of use leaves it, written by SQL in some minutes: a million events and what followed from each.

Of ten events five and a half capture one of a tenth as many leads, whom two effects follow, a mail and a contact; four
are reports of those mails; a few are posts, and some hundred are runs that mailed some hundred leads each. Nearly all
effects were accepted, some wait, were refused, cancelled or are held. Each has its attempts, outcomes and journal, and
the plans have the hashes that the planner gives, so that `drumbeat verify` finds all of it in order.
"""

import hashlib
from typing import LiteralString

from bench.filling import filling
from drumbeat.configuration.document import compile_document
from drumbeat.core.compatibility import SEMANTICS
from drumbeat.core.request import Request
from drumbeat.delivery.requests import freeze
from drumbeat.ledger import configs
from drumbeat.ledger.database import Database

EVENTS = 1_000_000
DAYS = 30
DOCUMENT = """
version: 1
defaults: {postal_address: "Fernwood GmbH, Am Wald 1, 10115 Berlin", public_url: "https://mail.example.com"}
accounts:
  mail: {provider: resend, settings: {from: "Ada <ada@example.com>"}, secrets: {api_key: "secret:mail-key"}}
  crm: {provider: hubspot, secrets: {token: "secret:crm-token"}}
lists:
  news: {title: News}
audiences:
  trials:
    all:
      - {field: plan, is: trial}
      - {list: news}
  readers: {happened: opened, within: 30d}
flows:
  welcome:
    on: LEAD_CAPTURE
    steps:
      - id: crm
        account: crm
        action: upsert_contact
        with: {email: "{{ payload.email }}", properties: {firstname: "{{ payload.name }}"}}
      - id: hello
        account: mail
        action: send_email
        with: {to: "{{ payload.email }}", subject: Welcome, text: "Hello {{ payload.name }}"}
campaigns:
  digest:
    audience: trials
    steps:
      - id: mail
        account: mail
        action: send_email
        with: {to: "{{ lead.email }}", list: news, subject: News, text: "{{ unsubscribe_url }} {{ postal_address }}"}
"""

# Instants have microseconds, so that each is written as the planner writes it.
_PEOPLE = """
    CREATE TEMP TABLE people AS
    SELECT n, address, sha256(%(outer)s::bytea || sha256(%(inner)s::bytea || convert_to(address, 'UTF8'))) AS contact,
           n %% 5 <> 0 AS agreed, n %% 50 = 7 AS suppressed
      FROM (SELECT n, 'person-' || n || '@example.com' AS address FROM generate_series(0, %(leads)s - 1) AS n) AS named
"""
_CAPTURES = """
    CREATE TEMP TABLE captures AS
    SELECT n, n %% %(leads)s AS person, n %% 5000 = 13 AS broken, 'capture-' || n AS key,
           drumbeat_id('site', 'capture-' || n) AS event,
           date_trunc('second', %(now)s::timestamptz - interval '10 minutes'
                                - make_interval(secs => %(days)s * 86400.0 * (%(captures)s - n) / %(captures)s))
           + interval '123456 microseconds' AS at
      FROM generate_series(1, %(captures)s) AS n
"""
_RUNS = """
    CREATE TEMP TABLE sent_runs AS
    SELECT n, drumbeat_id('digest', 'run-' || n) AS run, 'run-' || n AS key,
           date_trunc('second', %(now)s::timestamptz - interval '1 hour'
                                - make_interval(secs => 20 * 86400.0 * (%(runs)s - n) / %(runs)s))
           + interval '123456 microseconds' AS at
      FROM generate_series(1, %(runs)s) AS n
"""
_MADE = """
    CREATE TEMP TABLE made AS
    SELECT drumbeat_id(event::text, 'welcome', step, address) AS id, event, captures.n, 'welcome' AS flow, step,
           account, action, CASE step WHEN 'hello' THEN contact END AS contact, NULL::text AS list, false AS of_run, at,
           CASE WHEN captures.n %% 40009 = 1 AND step = 'hello' THEN 'held'
                WHEN captures.n %% 200 = 7 THEN 'waiting'
                WHEN captures.n %% 500 = 4 THEN 'refused'
                WHEN captures.n %% 60 = 5 THEN 'cancelled'
                ELSE 'accepted' END AS status
      FROM captures
      JOIN people ON people.n = captures.person
     CROSS JOIN (VALUES ('crm', 'crm', 'upsert_contact'), ('hello', 'mail', 'send_email')) AS s (step, account, action)
     WHERE NOT broken
     UNION ALL
    SELECT drumbeat_id(run::text, 'campaign:digest', 'mail', encode(contact, 'hex')), run, people.n, 'campaign:digest',
           'mail', 'mail', 'send_email', contact, 'news', true, at + interval '1 second',
           CASE WHEN people.n %% 300 = 4 THEN 'refused' ELSE 'accepted' END
      FROM sent_runs
      JOIN people ON (people.n + 7 * sent_runs.n) %% %(one_of)s = 0 AND agreed
"""
_EVENTS = (
    """
    INSERT INTO events (id, source, key, type, door, fingerprint, received_at, recorded_at)
    SELECT event, 'site', key, 'LEAD_CAPTURE', 'api', sha256(key::bytea), at, at FROM captures
    """,
    """
    INSERT INTO payloads (event_id, body)
    SELECT event, convert_to(jsonb_build_object(
               'type', 'LEAD_CAPTURE', 'source', 'site', 'idempotencyKey', key,
               'payload', jsonb_build_object('name', 'Person ' || person, 'plan', 'trial', 'seats', person %% 10,
                                             'referrer', 'https://www.example.com/landing/spring?from=' || key)
                          || CASE WHEN broken THEN '{}' ELSE jsonb_build_object('email', address) END)::text, 'UTF8')
      FROM captures
      JOIN people ON people.n = captures.person
    """,
    """
    INSERT INTO events (id, source, key, type, door, fingerprint, received_at, recorded_at)
    SELECT drumbeat_id('blog', 'post-' || n), 'blog', 'post-' || n, 'CONTENT_PUBLISH', 'api', '', at, at
      FROM (SELECT n, %(now)s::timestamptz - %(days)s * interval '1 day' * n / %(posts)s AS at
              FROM generate_series(1, %(posts)s) AS n) AS posts
    """,
    """
    INSERT INTO payloads (event_id, body)
    SELECT id, convert_to('{"payload": {"title": "' || key || '"}}', 'UTF8') FROM events WHERE source = 'blog'
    """,
    """
    INSERT INTO events (id, source, key, type, door, fingerprint, received_at, recorded_at)
    SELECT run, 'digest', key, 'CAMPAIGN_TRIGGER', 'api', '', at, at FROM sent_runs
    """,
)
# A report is about the mail of a capture, and comes a minute after it; one in many is about no mail of ours.
_REPORTS = (
    """
    CREATE TEMP TABLE reports AS
    SELECT numbers.n, 'report-' || numbers.n AS key, drumbeat_id('reports', 'report-' || numbers.n) AS event,
           mail.id AS effect, mail.contact, (ARRAY['delivered', 'opened', 'clicked'])[1 + numbers.n %% 3] AS kind,
           captures.at + interval '1 minute' AS at
      FROM generate_series(1, %(reports)s) AS numbers (n)
      JOIN captures ON captures.n = 1 + numbers.n %% %(captures)s
      LEFT JOIN made AS mail ON mail.event = captures.event AND mail.step = 'hello' AND mail.status = 'accepted'
    """,
    """
    INSERT INTO events (id, source, key, type, door, fingerprint, received_at, recorded_at)
    SELECT event, 'reports', key, 'FEEDBACK', 'webhook', sha256(key::bytea), at, at FROM reports
    """,
    """
    INSERT INTO payloads (event_id, body)
    SELECT event, convert_to(jsonb_build_object('event', kind, 'id', key, 'mail', effect)::text, 'UTF8') FROM reports
    """,
    """
    INSERT INTO feedback (account, name, event_id, kind, word, said, at, effect_id, generation, machine)
    SELECT 'mail', key, event, kind, kind, '', at, effect, CASE WHEN effect IS NOT NULL THEN 1 END, n %% 20 = 0
      FROM reports
    """,
)
_PLANS = (
    """
    INSERT INTO plans (event_id, version, hash, failed, planned_at, semantics)
    SELECT event, 1,
           CASE WHEN broken THEN sha256('[]') ELSE sha256(convert_to(format(
               '[["%%s","welcome","crm","crm","upsert_contact",false,"%%s",null],'
               || '["%%s","welcome","hello","mail","send_email",true,"%%s",null]]',
               drumbeat_id(event::text, 'welcome', 'crm', address), written,
               drumbeat_id(event::text, 'welcome', 'hello', address), written), 'UTF8')) END,
           CASE WHEN broken THEN '{"welcome": "payload.email is missing"}' ELSE '{}' END::jsonb, at, %(semantics)s
      FROM captures
      JOIN people ON people.n = captures.person
     CROSS JOIN LATERAL (SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"') AS written) AS due
    """,
    """
    INSERT INTO plans (event_id, version, hash, planned_at, semantics)
    SELECT id, 1, sha256('[]'), recorded_at, %(semantics)s FROM events WHERE source IN ('reports', 'blog')
    """,
)
_EFFECTS = (
    """
    INSERT INTO effects (id, event_id, version, flow, step, account, action, contact, list, base_due_at, status, seq,
                         fence, tries, due_at, reason, reason_code, reason_detail, maybe_sent, expires_at, lasts,
                         updated_at, campaign, of_run)
    SELECT id, event, 1, flow, step, account, action, contact, list, at, status,
           CASE status WHEN 'waiting' THEN 1 WHEN 'cancelled' THEN 2 WHEN 'held' THEN 5 ELSE 4 END,
           CASE WHEN status IN ('waiting', 'cancelled') THEN 0 ELSE 1 END,
           CASE WHEN status IN ('waiting', 'cancelled') THEN 0 ELSE 1 END,
           CASE status WHEN 'waiting' THEN %(now)s::timestamptz + interval '9 days' * (1 + n %% 997) / 997
                       ELSE 'infinity' END,
           CASE status WHEN 'refused' THEN 'refused: HTTP 400' WHEN 'cancelled' THEN 'not wanted'
                       WHEN 'held' THEN 'nothing can prove it' END,
           CASE status WHEN 'refused' THEN 'refused_by_provider' WHEN 'cancelled' THEN 'decided'
                       WHEN 'held' THEN 'unprovable' END,
           CASE status WHEN 'refused' THEN 'HTTP 400' WHEN 'cancelled' THEN 'not wanted' END,
           CASE WHEN status IN ('refused', 'cancelled') THEN false END,
           CASE WHEN of_run THEN '9999-12-31 00:00+00' ELSE at + interval '40 days' END,
           CASE WHEN NOT of_run THEN interval '40 days' END, at + interval '2 seconds', of_run, of_run
      FROM made
    """,
    """
    INSERT INTO journal (effect_id, seq, from_status, to_status, fence, reason, reason_code, actor, at)
    SELECT id, moves.seq, moves.from_status, moves.to_status, moves.fence,
           CASE WHEN moves.to_status IN ('refused', 'cancelled', 'held') THEN 'as made' END,
           CASE moves.to_status WHEN 'refused' THEN 'refused_by_provider' WHEN 'cancelled' THEN 'decided'
                                WHEN 'held' THEN 'unprovable' END,
           moves.actor, at + moves.later * interval '1 second'
      FROM made
      JOIN (VALUES ('any', 1, NULL, 'waiting', 0, 'planner', 0),
                   ('cancelled', 2, 'waiting', 'cancelled', 0, 'person:seed', 2),
                   ('called', 2, 'waiting', 'claimed', 1, 'worker', 1),
                   ('called', 3, 'claimed', 'sending', 1, 'worker', 1),
                   ('accepted', 4, 'sending', 'accepted', 1, 'worker', 2),
                   ('refused', 4, 'sending', 'refused', 1, 'worker', 2),
                   ('held', 4, 'sending', 'unknown', 1, 'worker', 2),
                   ('held', 5, 'unknown', 'held', 1, 'worker', 2))
           AS moves (of, seq, from_status, to_status, fence, actor, later)
        ON moves.of IN ('any', status, CASE WHEN status NOT IN ('waiting', 'cancelled') THEN 'called' END)
    """,
    """
    INSERT INTO attempts (effect_id, n, generation, identity, request_hash, opened_at)
    SELECT id, 1, 1, account || '|https://api.example.com', %(hash)s, at + interval '1 second'
      FROM made
     WHERE status NOT IN ('waiting', 'cancelled')
    """,
    # Those of a tenth are not pruned yet; what is held keeps its own.
    """
    INSERT INTO requests (effect_id, generation, hash, frozen)
    SELECT id, 1, %(hash)s, %(frozen)s
      FROM made
     WHERE status = 'held' OR (status NOT IN ('waiting', 'cancelled') AND n %% 10 = 1)
    """,
    """
    INSERT INTO outcomes (effect_id, n, generation, identity, origin, kind, reference, at)
    SELECT id, 1, 1, account || '|https://api.example.com', 'answer',
           CASE status WHEN 'held' THEN 'unknown' ELSE status END,
           CASE status WHEN 'accepted' THEN 'ref-' || id END, at + interval '2 seconds'
      FROM made
     WHERE status NOT IN ('waiting', 'cancelled')
    """,
    """
    INSERT INTO hourly_counts (hour, account, campaign, run, accepted, refused, cancelled, held, unknown, attempts)
    SELECT hour_of(at + interval '2 seconds'), account, of_run, CASE WHEN of_run THEN event END,
           count(*) FILTER (WHERE status = 'accepted'), count(*) FILTER (WHERE status = 'refused'),
           count(*) FILTER (WHERE status = 'cancelled'), count(*) FILTER (WHERE status = 'held'),
           count(*) FILTER (WHERE status = 'held'), count(*) FILTER (WHERE status <> 'cancelled')
      FROM made
     WHERE status <> 'waiting'
     GROUP BY 1, 2, 3, 4
    """,
)
# What is known of people follows from their first event, the reports of their mails, and what runs sent them.
_CONTACTS = (
    """
    CREATE TEMP TABLE beginnings_of AS
    SELECT people.*, captures.event, captures.at
      FROM people
      JOIN captures ON captures.n = CASE people.n WHEN 0 THEN %(leads)s ELSE people.n END
    """,
    """
    INSERT INTO contacts (key, consents, reported, mailed, suppressed_at, suppression_reason)
    SELECT contact, CASE WHEN agreed THEN consent_fact('news', 'given', true, at, event) ELSE '{}' END,
           coalesce(told.reported, '{}'), coalesce(mails.mailed, '[]'),
           CASE WHEN suppressed THEN %(now)s::timestamptz END, CASE WHEN suppressed THEN 'asked' END
      FROM beginnings_of
      LEFT JOIN (SELECT contact, jsonb_build_object('d', microseconds(max(at))) AS reported
                   FROM reports
                  WHERE kind = 'delivered' AND effect IS NOT NULL
                  GROUP BY contact) AS told USING (contact)
      LEFT JOIN (SELECT contact, jsonb_agg(jsonb_build_array(microseconds(at + interval '1 second'), id) ORDER BY at)
                        AS mailed
                   FROM made
                  WHERE of_run
                  GROUP BY contact) AS mails USING (contact)
    """,
    """
    INSERT INTO suppressions (contact, seq, reason, actor, created_at)
    SELECT contact, 1, 'asked', 'person:seed', %(now)s::timestamptz FROM people WHERE suppressed
    """,
    """
    INSERT INTO consents (contact, list, event_id, kind, by_person, at, recorded_at)
    SELECT contact, 'news', event, 'given', true, at, at FROM beginnings_of WHERE agreed
    """,
    """
    INSERT INTO leads (contact, address, attributes, refused, since, changed)
    SELECT contact, jsonb_build_object('v', address, 't', microseconds(at), 'e', event),
           (SELECT jsonb_object_agg(name, jsonb_build_object('v', value, 't', microseconds(at), 'e', event))
              FROM (VALUES ('name', to_jsonb('Person ' || n)), ('plan', to_jsonb('trial'::text)),
                           ('seats', to_jsonb(n %% 10))) AS said (name, value)),
           '{}', at, at
      FROM beginnings_of
    """,
    """
    INSERT INTO event_contacts (contact, event_id, received_at)
    SELECT contact, event, at FROM captures JOIN people ON people.n = captures.person WHERE NOT broken
     UNION ALL
    SELECT contact, event, at FROM reports WHERE effect IS NOT NULL
    """,
)
_OF_RUNS = (
    """
    INSERT INTO recipients (run_id, contact, due_at) SELECT event, contact, at FROM made WHERE of_run
    """,
    """
    INSERT INTO runs (id, campaign, version, semantics, steps, content, state, seq, starts, reviews, created_at,
                      created_by, started_by, updated_at)
    SELECT run, 'digest', 1, %(semantics)s, '{mail}', '', 'finished', 4, true, false, at, 'person:seed', 'person:seed',
           at + interval '10 minutes'
      FROM sent_runs
    """,
    """
    INSERT INTO run_journal (run_id, seq, from_state, to_state, actor, at)
    SELECT run, seq, from_state, to_state, 'person:seed', at + later
      FROM sent_runs
     CROSS JOIN (VALUES (1, NULL, 'planned', interval '0'), (2, 'planned', 'expanding', interval '0'),
                        (3, 'expanding', 'running', interval '0'), (4, 'running', 'finished', interval '10 minutes'))
                AS moves (seq, from_state, to_state, later)
    """,
    # A chunk, whose digest is as `runs.gathering_sql` takes it, and the digest of that.
    """
    INSERT INTO run_progress (run_id, as_of, chunks, counted, gathered, expanded, matched, hash, expected_at)
    SELECT run, at, 1, 1, 1, 1, people, sha256(digest), at + interval '10 minutes'
      FROM sent_runs
      JOIN (SELECT run_id, count(*) AS people,
                   sha256(string_agg(contact || int8send(microseconds(due_at)), ''::bytea ORDER BY contact)) AS digest
              FROM recipients
             GROUP BY run_id) AS planned ON planned.run_id = run
    """,
    """
    INSERT INTO plans (event_id, version, hash, planned_at, semantics)
    SELECT run, 1, sha256(convert_to(concat_ws(E'\\x1f', '1', 'digest', 'mail', ''), 'UTF8') || hash), at, %(semantics)s
      FROM sent_runs
      JOIN run_progress ON run_id = run
    """,
)
_REACHED = "UPDATE relay_state SET searched_until = drumbeat_now() - interval '5 minutes'"
_STATEMENTS: tuple[LiteralString, ...] = (_PEOPLE, _CAPTURES, _RUNS, _MADE, *_EVENTS, *_REPORTS, *_PLANS, *_EFFECTS)
_STATEMENTS += (*_CONTACTS, *_OF_RUNS, _REACHED)


def fill(owner: Database, secret: bytes, *, events: int = EVENTS) -> None:
    """Fill an empty ledger with so many events; `secret`: under which its people are known."""
    configs.insert(
        owner,
        hash=b"",
        document=DOCUMENT,
        templates={},
        compiled=compile_document(DOCUMENT, {}),
        identities={},
        actor="person:seed",
    )
    leads, captures, reports = events // 10, events * 55 // 100, events * 42 // 100
    runs = max(1, events // 3000)
    frozen, hash = freeze(Request("POST", "https://api.example.com/send", headers={}, body=b'{"subject": "Welcome"}'))
    padded = (secret if len(secret) <= 64 else hashlib.sha256(secret).digest()).ljust(64, b"\0")
    parameters = {
        "now": owner.run("SELECT drumbeat_now() AS at")[0]["at"],
        "days": DAYS,
        "leads": leads,
        "captures": captures,
        "reports": reports,
        "runs": runs,
        "posts": events - captures - reports - runs,
        "one_of": leads // 400 // 5 * 5 + 1,  # whom a run mails: no multiple of five, for of five people four agreed
        "semantics": SEMANTICS,
        "hash": hash,
        "frozen": frozen,
        "inner": bytes(byte ^ 0x36 for byte in padded),
        "outer": bytes(byte ^ 0x5C for byte in padded),
    }
    owner.run("UPDATE configs SET applied_at = applied_at - interval '60 days'")
    with filling(owner):
        for statement in _STATEMENTS:
            owner.run(statement, parameters)
            if statement in (_PEOPLE, _CAPTURES, _MADE):
                owner.run("ANALYZE")
    owner.run("SELECT count_anew()")
    owner.run("VACUUM (ANALYZE)")
