-- People: what is known of an address, and what its person agreed to. The contacts are read once, about a second for a
-- million; every other change takes its lock for a moment.

-- ---------------------------------------------------------------- facts and ways in

ALTER TABLE events
    DROP CONSTRAINT events_type_check,
    ADD CONSTRAINT events_type_check CHECK (type IN (
        'LEAD_CAPTURE', 'CONTENT_PUBLISH', 'CAMPAIGN_TRIGGER', 'FEEDBACK', 'CONSENT')) NOT VALID,
    DROP CONSTRAINT events_door_check,
    ADD CONSTRAINT events_door_check CHECK (door IN (
        'api', 'webhook', 'form', 'schedule', 'replay', 'import', 'confirm', 'unsubscribe')) NOT VALID;

-- Which events name a person, and which have an effect for one. A page of them is read in order, however many there are.
CREATE TABLE event_contacts (
    contact     bytea NOT NULL REFERENCES contacts,
    event_id    uuid NOT NULL REFERENCES events,
    received_at timestamptz NOT NULL,    -- the event's, which never changes
    PRIMARY KEY (contact, event_id)
);
CREATE INDEX event_contacts_received ON event_contacts (contact, received_at DESC, event_id DESC);
GRANT SELECT, INSERT ON event_contacts TO drumbeat_app;

-- A person is found by an id that says nothing.
CREATE INDEX contacts_person ON contacts (person);

-- ---------------------------------------------------------------- leads

-- A view of the events that name an address, in whatever order they were planned; made anew it is the same.
CREATE TABLE leads (
    contact    bytea PRIMARY KEY REFERENCES contacts,
    address    jsonb NOT NULL,           -- the newest spelling: an entry as those of `attributes`
    attributes jsonb NOT NULL,           -- name -> {"v": value or "u": true, "t": microseconds since 1970, "e": event}
    refused    jsonb NOT NULL,           -- name -> the same, of values that are too large to be kept
    since      timestamptz NOT NULL,     -- of the first event
    changed    timestamptz NOT NULL      -- of the newest
);
CREATE INDEX leads_since ON leads (since DESC, contact);
GRANT SELECT, INSERT, UPDATE (address, attributes, refused, since, changed) ON leads TO drumbeat_app;

-- Of each attribute the newest; of these the newest 64. So any order of merging gives the same.
CREATE FUNCTION lead_merged(one jsonb, other jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    RETURN (
        SELECT coalesce(jsonb_object_agg(name, entry), '{}')
          FROM (SELECT name, entry
                  FROM (SELECT DISTINCT ON (key) key AS name, value AS entry
                          FROM (SELECT * FROM jsonb_each(one) UNION ALL SELECT * FROM jsonb_each(other)) AS entries
                         ORDER BY key, (value ->> 't')::bigint DESC, (value ->> 'e') COLLATE "C" DESC) AS newest
                 ORDER BY (entry ->> 't')::bigint DESC, (entry ->> 'e') COLLATE "C" DESC, name COLLATE "C" DESC
                 LIMIT 64) AS kept);
CREATE AGGREGATE lead_merge(jsonb) (SFUNC = lead_merged, STYPE = jsonb, INITCOND = '{}', PARALLEL = SAFE);

-- The newer of two entries.
CREATE FUNCTION lead_newer(one jsonb, other jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    RETURN CASE WHEN ((one ->> 't')::bigint, (one ->> 'e') COLLATE "C")
                     >= ((other ->> 't')::bigint, (other ->> 'e') COLLATE "C")
                THEN one ELSE other END;
CREATE AGGREGATE lead_newest(jsonb) (SFUNC = lead_newer, STYPE = jsonb, PARALLEL = SAFE);

-- ---------------------------------------------------------------- consent

-- What a person agreed to, in the row whose lock orders consent against sending, and how often they were asked to confirm.
ALTER TABLE contacts
    ADD COLUMN consents         jsonb NOT NULL DEFAULT '{}',  -- list -> facts that count, see consents_merged
    ADD COLUMN confirmations    jsonb NOT NULL DEFAULT '{}',  -- list -> [[microseconds since 1970, effect], ...]
    ADD COLUMN suppression_kind text CHECK (suppression_kind IN ('bounce', 'manual', 'erased')),  -- null: manual
    ADD COLUMN complained_at    timestamptz;                  -- no marketing since
GRANT UPDATE (consents, confirmations, suppression_kind, complained_at) ON contacts TO drumbeat_app;

-- Every fact about consent: the evidence is in the event.
CREATE TABLE consents (
    contact     bytea NOT NULL REFERENCES contacts,
    list        text NOT NULL,           -- '*': every list
    event_id    uuid NOT NULL REFERENCES events,
    kind        text NOT NULL CHECK (kind IN ('pending', 'given', 'withdrawn')),
    by_person   boolean NOT NULL,        -- said by the person; false: by a program or an import
    at          timestamptz NOT NULL,    -- received
    recorded_at timestamptz NOT NULL DEFAULT drumbeat_now(),
    PRIMARY KEY (contact, list, event_id, kind)
);
CREATE INDEX consents_told ON consents (contact, at DESC, event_id DESC);
-- What a person had decided about a list when something else was said of it.
CREATE INDEX consents_decided ON consents (contact, list, at DESC, kind DESC)
    WHERE kind = 'withdrawn' OR (kind = 'given' AND by_person);
GRANT SELECT, INSERT ON consents TO drumbeat_app;

-- A fact is [microseconds since 1970, kind, event]. For each list the ones that count are kept: `d`, the newest of what the
-- person gave and of what was withdrawn by whatever means (of the same instant the withdrawal); `m`, the first that a
-- machine gave; `p` and `o`, the newest and the oldest that wait for confirmation. So any order of merging gives the same.
CREATE FUNCTION consents_merged(one jsonb, other jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    RETURN (
        SELECT coalesce(jsonb_object_agg(list, facts), '{}')
          FROM (SELECT list, jsonb_object_agg(slot, fact) AS facts
                  FROM (SELECT DISTINCT ON (lists.key, slots.key) lists.key AS list, slots.key AS slot, slots.value AS fact
                          FROM (SELECT * FROM jsonb_each(one) UNION ALL SELECT * FROM jsonb_each(other)) AS lists
                         CROSS JOIN LATERAL jsonb_each(lists.value) AS slots
                         ORDER BY lists.key, slots.key,
                                  CASE WHEN slots.key IN ('m', 'o') THEN -(slots.value ->> 0)::bigint
                                       ELSE (slots.value ->> 0)::bigint END DESC,
                                  slots.value ->> 1 = 'withdrawn' DESC,
                                  (slots.value ->> 2) COLLATE "C" DESC) AS counted
                 GROUP BY list) AS merged);
CREATE AGGREGATE consents_merge(jsonb) (SFUNC = consents_merged, STYPE = jsonb, INITCOND = '{}', PARALLEL = SAFE);

CREATE FUNCTION microseconds(at timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    RETURN (extract(epoch FROM at) * 1000000)::bigint;

-- One fact as `consents_merged` takes it.
CREATE FUNCTION consent_fact(list text, kind text, by_person boolean, at timestamptz, event uuid) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    RETURN (
        SELECT jsonb_build_object(list, CASE
                    WHEN kind = 'withdrawn' OR (kind = 'given' AND by_person) THEN jsonb_build_object('d', fact)
                    WHEN kind = 'given' THEN jsonb_build_object('m', fact)
                    ELSE jsonb_build_object('p', fact, 'o', fact) END)
          FROM jsonb_build_array(microseconds(at), kind, event::text) AS fact);

-- none | pending | given | withdrawn. A withdrawal from every list counts for each. A machine gives consent only where
-- nothing was said before: once a person was asked, they answer themselves.
CREATE FUNCTION consent_state(consents jsonb, list text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN coalesce(
        (SELECT fact ->> 1
           FROM (VALUES (consents #> ARRAY[list, 'd']), (consents #> '{*,d}')) AS facts (fact)
          WHERE fact IS NOT NULL
          ORDER BY (fact ->> 0)::bigint DESC, fact ->> 1 = 'withdrawn' DESC
          LIMIT 1),
        CASE WHEN (consents #>> ARRAY[list, 'm', '0'])::bigint
                  < coalesce((consents #>> ARRAY[list, 'o', '0'])::bigint, 9223372036854775807) THEN 'given'
             WHEN consents #> ARRAY[list, 'o'] IS NOT NULL THEN 'pending'
             ELSE 'none' END);

-- The same as it is shown: who was asked before `since`, and not again, cannot confirm any more.
CREATE FUNCTION consent_shown(consents jsonb, list text, since timestamptz) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN consent_state(consents, list) = 'pending'
                 AND (consents #>> ARRAY[list, 'p', '0'])::bigint < microseconds(since) THEN 'expired'
                ELSE consent_state(consents, list) END;

-- ---------------------------------------------------------------- effects

-- Null: transactional. With `confirms`: it asks the person to confirm that they want the list, and nothing else.
ALTER TABLE effects
    ADD COLUMN list     text,
    ADD COLUMN confirms boolean NOT NULL DEFAULT false;

ALTER DOMAIN reason_code DROP CONSTRAINT reason_codes;
ALTER DOMAIN reason_code ADD CONSTRAINT reason_codes CHECK (VALUE IN (
    'proven', 'worker_crashed', 'not_configured', 'login_changed', 'erased', 'suppressed', 'predecessor_ended',
    'expired', 'not_rendered', 'secret_missing', 'secret_away', 'not_understood', 'no_consent', 'not_asked',
    'capped',
    'rate_limited', 'paused', 'credentials_refused', 'breaker_open', 'limiter_away', 'lease_ended',
    'lease_ended_sending', 'wishes_waiting',
    'refused_by_provider', 'not_sent', 'outcome_unknown', 'not_repeatable', 'tries_exhausted',
    'repeated_safely', 'refused_late', 'dropped', 'key_expired', 'expired_unknown', 'unknown_after_tries',
    'not_looked_up', 'unprovable',
    'not_found_yet', 'look_failed', 'control_not_found', 'found', 'found_many', 'proven_absent', 'no_look_succeeded',
    'past_retention', 'search_untrusted',
    'feedback', 'decided', 'reconciled',
    'legacy')) NOT VALID;
