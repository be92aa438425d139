-- The ledger. Owner: the role that migrates. The application's role (drumbeat_app) may append and read;
-- it may update only what is a view of the journal (effects), a person's consent (contacts) and keys.

-- ---------------------------------------------------------------- clock and ids

CREATE TABLE clock (
    id     boolean PRIMARY KEY DEFAULT true CHECK (id),
    shift  interval NOT NULL DEFAULT '0'
);
INSERT INTO clock DEFAULT VALUES;

-- The only clock that SQL reads. The shift is zero in production; tests and `drumbeat dev --clock` move it.
CREATE FUNCTION drumbeat_now() RETURNS timestamptz
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN clock_timestamp() + (SELECT shift FROM clock);

-- The SQL side of drumbeat.ids.derive.
CREATE FUNCTION drumbeat_id(VARIADIC parts text[]) RETURNS uuid
    LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    RETURN encode(substring(sha256(convert_to(array_to_string(parts, E'\x1f'), 'UTF8')) FOR 16), 'hex')::uuid;

-- ---------------------------------------------------------------- configuration and keys

CREATE TABLE configs (
    version    integer PRIMARY KEY,
    hash       bytea NOT NULL,           -- SHA-256 of document and templates
    document   text NOT NULL,            -- as written
    templates  jsonb NOT NULL,           -- file name -> text
    compiled   jsonb NOT NULL,           -- what planner and worker read
    applied_by text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT drumbeat_now()
);

CREATE TABLE api_keys (
    id         text PRIMARY KEY,
    name       text NOT NULL,
    scopes     text[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT drumbeat_now(),
    revoked_at timestamptz
);

-- ---------------------------------------------------------------- events

CREATE TABLE events (
    id           uuid PRIMARY KEY,
    source       text NOT NULL,
    key          text NOT NULL,
    type         text NOT NULL CHECK (type IN ('LEAD_CAPTURE', 'CONTENT_PUBLISH', 'CAMPAIGN_TRIGGER', 'FEEDBACK')),
    door         text NOT NULL CHECK (door IN ('api', 'webhook', 'form', 'schedule', 'replay')),
    fingerprint  bytea NOT NULL,
    scheduled_at timestamptz,
    received_at  timestamptz NOT NULL,   -- first arrival, also for an event that waited in the buffer
    recorded_at  timestamptz NOT NULL DEFAULT drumbeat_now()
);
CREATE INDEX events_recorded ON events (recorded_at);
CREATE INDEX events_received ON events (received_at DESC, id DESC);

-- The raw body as it arrived. The only place, with `requests`, that holds personal data.
CREATE TABLE payloads (
    event_id uuid PRIMARY KEY REFERENCES events,
    body     bytea NOT NULL
);

-- A buffered event whose key was taken by another body meanwhile: both bodies are kept.
CREATE TABLE conflicts (
    event_id    uuid NOT NULL REFERENCES events,
    fingerprint bytea NOT NULL,
    body        bytea NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (event_id, fingerprint)
);

-- ---------------------------------------------------------------- plans

CREATE TABLE plans (
    event_id   uuid PRIMARY KEY REFERENCES events,
    version    integer NOT NULL REFERENCES configs,
    hash       bytea NOT NULL,
    failed     jsonb NOT NULL DEFAULT '{}',   -- flow -> why it could not be planned
    planned_at timestamptz NOT NULL DEFAULT drumbeat_now()
);
CREATE INDEX plans_failed ON plans (event_id) WHERE failed <> '{}';

-- A flow that failed to plan, planned again alone by a later configuration.
CREATE TABLE replans (
    event_id   uuid NOT NULL REFERENCES plans,
    flow       text NOT NULL,
    version    integer NOT NULL REFERENCES configs,
    hash       bytea NOT NULL,
    planned_at timestamptz NOT NULL DEFAULT drumbeat_now(),
    PRIMARY KEY (event_id, flow)
);

-- ---------------------------------------------------------------- people

-- One row per address. Its lock orders consent against sending.
CREATE TABLE contacts (
    key                bytea PRIMARY KEY,      -- HMAC-SHA-256 of the address under the stage's secret
    person             uuid NOT NULL DEFAULT gen_random_uuid(),
    suppressed_at      timestamptz,
    suppression_reason text
);

CREATE TABLE suppressions (
    contact    bytea NOT NULL REFERENCES contacts,
    seq        integer NOT NULL,
    reason     text NOT NULL,
    actor      text NOT NULL,
    lifted     boolean NOT NULL DEFAULT false, -- a later row that ends the suppression
    created_at timestamptz NOT NULL DEFAULT drumbeat_now(),
    PRIMARY KEY (contact, seq)
);

-- ---------------------------------------------------------------- effects

CREATE TABLE effects (
    id          uuid PRIMARY KEY,
    event_id    uuid NOT NULL REFERENCES plans,
    version     integer NOT NULL,              -- the configuration that planned it
    flow        text NOT NULL,
    step        text NOT NULL,
    account     text NOT NULL,
    action      text NOT NULL,
    contact     bytea REFERENCES contacts,     -- whose consent it needs; null: nobody's
    after       uuid,                          -- the effect it waits for
    dependents  uuid[] NOT NULL DEFAULT '{}',  -- the effects that wait for it
    base_due_at timestamptz NOT NULL,          -- as planned
    status      text NOT NULL,
    seq         integer NOT NULL,              -- of the newest journal row
    fence       integer NOT NULL DEFAULT 0,    -- raised by each claim
    generation  integer NOT NULL DEFAULT 1,    -- raised when a person has it sent again
    tries       integer NOT NULL DEFAULT 0,    -- that count against the limit, in this generation
    crashes     integer NOT NULL DEFAULT 0,    -- claims in a row that ended without a word from the worker
    looks       integer NOT NULL DEFAULT 0,    -- into the present unknown
    due_at      timestamptz NOT NULL,          -- when something should happen next ('infinity': see `after`, `held`)
    slot        double precision,              -- place reserved in the account's rate limit (throttle's clock)
    lease_until timestamptz,
    reason      text,
    updated_at  timestamptz NOT NULL DEFAULT drumbeat_now(),
    CHECK (status IN ('waiting', 'claimed', 'sending', 'unknown', 'held', 'accepted', 'refused', 'cancelled')),
    CHECK (status <> 'held' OR reason IS NOT NULL),
    CHECK ((status IN ('claimed', 'sending')) <= (lease_until IS NOT NULL))
) WITH (fillfactor = 70);
CREATE INDEX effects_event ON effects (event_id);
CREATE INDEX effects_open ON effects (due_at) WHERE status IN ('waiting', 'claimed', 'sending', 'unknown');
CREATE INDEX effects_attention ON effects (status, account, id) WHERE status IN ('held', 'refused', 'unknown');

-- Every status change, with its reason and actor. Folding it gives `effects`.
CREATE TABLE journal (
    effect_id   uuid NOT NULL,
    seq         integer NOT NULL,
    from_status text,
    to_status   text NOT NULL,
    fence       integer NOT NULL,
    reason      text,
    actor       text NOT NULL,
    at          timestamptz NOT NULL DEFAULT drumbeat_now(),
    PRIMARY KEY (effect_id, seq),
    CONSTRAINT journal_moves CHECK (coalesce(from_status, '') || '>' || to_status IN (
        '>waiting',
        'waiting>claimed', 'waiting>cancelled', 'waiting>accepted',
        'claimed>waiting', 'claimed>sending', 'claimed>cancelled', 'claimed>refused', 'claimed>held',
        'claimed>accepted',
        'sending>accepted', 'sending>refused', 'sending>waiting', 'sending>unknown',
        'unknown>accepted', 'unknown>refused', 'unknown>waiting', 'unknown>held', 'unknown>cancelled',
        'held>accepted', 'held>waiting', 'held>cancelled',
        'refused>waiting', 'cancelled>waiting'
    ))
);

-- The request whose bytes are frozen for one generation of an effect. Personal data; pruned when long final.
CREATE TABLE requests (
    effect_id  uuid NOT NULL REFERENCES effects,
    generation integer NOT NULL,
    hash       bytea NOT NULL,                 -- SHA-256 of `frozen` before compression
    frozen     bytea NOT NULL,                 -- zlib of the JSON head line and the body
    PRIMARY KEY (effect_id, generation)
);

-- One try: one HTTP request. Committed before the request leaves.
CREATE TABLE attempts (
    effect_id    uuid NOT NULL REFERENCES effects,
    n            integer NOT NULL,             -- equals the fence it was opened under
    generation   integer NOT NULL,
    identity     text NOT NULL,                -- provider, base URL, domain or team
    request_hash bytea NOT NULL,
    opened_at    timestamptz NOT NULL DEFAULT drumbeat_now(),
    PRIMARY KEY (effect_id, n)
);

-- What was learned about an attempt: its answer, a late answer, a look, feedback, a person's word.
CREATE TABLE outcomes (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    effect_id  uuid NOT NULL REFERENCES effects,
    n          integer NOT NULL,
    generation integer NOT NULL,
    identity   text NOT NULL,
    origin     text NOT NULL CHECK (origin IN ('answer', 'late', 'look', 'feedback', 'person')),
    kind       text NOT NULL CHECK (kind IN (
        'accepted', 'refused', 'not_sent', 'throttled', 'denied', 'unknown', 'found', 'absent', 'unclear')),
    reference  text,
    detail     text,
    at         timestamptz NOT NULL DEFAULT drumbeat_now()
);
CREATE INDEX outcomes_effect ON outcomes (effect_id);
CREATE INDEX outcomes_proof ON outcomes (identity, at) WHERE kind IN ('accepted', 'found');

-- ---------------------------------------------------------------- relay

-- Everything recorded before `planned_until` has a plan: where the search for forgotten events starts.
CREATE TABLE relay_state (
    id            boolean PRIMARY KEY DEFAULT true CHECK (id),
    planned_until timestamptz NOT NULL DEFAULT '-infinity'
);
INSERT INTO relay_state DEFAULT VALUES;

-- An effect that reached its end releases those that wait for it; they read its status when their turn comes.
CREATE FUNCTION release_dependents() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE effects
       SET due_at = greatest(base_due_at, drumbeat_now())
     WHERE id = ANY (NEW.dependents) AND status = 'waiting';
    RETURN NULL;
END $$;
CREATE TRIGGER release_dependents AFTER UPDATE OF status ON effects
    FOR EACH ROW
    WHEN (NEW.dependents <> '{}' AND NEW.status IN ('accepted', 'refused', 'cancelled') AND NEW.status <> OLD.status)
    EXECUTE FUNCTION release_dependents();

-- ---------------------------------------------------------------- rights of the application's role

GRANT USAGE ON SCHEMA public TO drumbeat_app;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO drumbeat_app;
GRANT INSERT ON configs, api_keys, events, payloads, conflicts, plans, replans, contacts, suppressions,
    effects, journal, requests, attempts, outcomes TO drumbeat_app;
GRANT UPDATE (revoked_at) ON api_keys TO drumbeat_app;
GRANT UPDATE (suppressed_at, suppression_reason) ON contacts TO drumbeat_app;
GRANT UPDATE (status, seq, fence, generation, tries, crashes, looks, due_at, slot, lease_until, reason, updated_at)
    ON effects TO drumbeat_app;
GRANT UPDATE ON relay_state TO drumbeat_app;
