-- Runs: a campaign that has an audience, fired once. Who is meant, when, and how far it has come. Nothing here reads a
-- table but to make an index, over effects: seconds for a million, in which effects cannot be written.

-- ---------------------------------------------------------------- runs

-- A run is its CAMPAIGN_TRIGGER event. The row says where it stands: each opening locks it, so it changes only with its state.
CREATE TABLE runs (
    id             uuid PRIMARY KEY REFERENCES events,
    campaign       text NOT NULL,
    version        integer NOT NULL REFERENCES configs,
    semantics      smallint NOT NULL,
    steps          text[] NOT NULL,          -- in the order of the document
    content        bytea NOT NULL,           -- digest of what all its mails say
    state          text NOT NULL CHECK (state IN (
        'planned', 'awaiting_approval', 'expanding', 'running', 'paused', 'finished', 'cancelled', 'missed')),
    seq            integer NOT NULL,         -- of the newest row of its journal
    reason_code    text,
    reason_detail  text,
    resumes_at     timestamptz,              -- when a pause ends by itself; null: a person ends it
    starts         boolean NOT NULL,         -- once it is planned it goes on; false: a plan to look at
    needs_approval text,                     -- configured | proposed | unchanged; null: none
    reviews        boolean NOT NULL,         -- its plan is older than its start: the audience is read again then
    starts_at      timestamptz,              -- the instant that its schedule named; null: by hand
    missed_before  timestamptz,              -- what was due before and was not opened is not sent: it is too late
    created_at     timestamptz NOT NULL DEFAULT drumbeat_now(),
    created_by     text NOT NULL,
    started_by     text,                     -- who let it start; null: it was only planned so far
    updated_at     timestamptz NOT NULL DEFAULT drumbeat_now(),
    CHECK (state NOT IN ('paused', 'missed') OR reason_code IS NOT NULL)
);
CREATE INDEX runs_listed ON runs (created_at DESC, id DESC);
CREATE INDEX runs_of_campaign ON runs (campaign, created_at DESC, id DESC);
-- What the relay looks at: few.
CREATE INDEX runs_open ON runs (id) WHERE state IN ('planned', 'awaiting_approval', 'expanding', 'running', 'paused');

CREATE TABLE run_journal (
    run_id        uuid NOT NULL REFERENCES runs,
    seq           integer NOT NULL,
    from_state    text,
    to_state      text NOT NULL,
    reason_code   text,
    reason_detail text,
    actor         text NOT NULL,
    at            timestamptz NOT NULL DEFAULT drumbeat_now(),
    PRIMARY KEY (run_id, seq),
    CONSTRAINT run_moves CHECK (coalesce(from_state, '') || '>' || to_state IN (
        '>planned',
        'planned>awaiting_approval', 'planned>expanding', 'planned>cancelled', 'planned>missed',
        'awaiting_approval>expanding', 'awaiting_approval>cancelled',
        'expanding>running', 'expanding>paused', 'expanding>cancelled',
        'running>paused', 'running>finished', 'running>cancelled',
        'paused>expanding', 'paused>running', 'paused>paused', 'paused>cancelled',
        'missed>expanding', 'missed>cancelled',
        'finished>expanding', 'cancelled>expanding'
    ))
);

-- A person has said that this very plan may be sent. Never taken back: a run that must not go on is cancelled.
CREATE TABLE approvals (
    run_id uuid PRIMARY KEY REFERENCES runs,
    hash   bytea NOT NULL,
    actor  text NOT NULL,
    at     timestamptz NOT NULL DEFAULT drumbeat_now()
);

-- How far the chunks of a run have come. Its lock keeps two workers from the same chunk, and keeps no opening waiting.
CREATE TABLE run_progress (
    run_id      uuid PRIMARY KEY REFERENCES runs,
    as_of       timestamptz NOT NULL,        -- the instant by which its audience is read
    chunks      integer NOT NULL,            -- ranges of contact keys, equally wide
    counted     integer NOT NULL DEFAULT 0,  -- chunks whose people are counted by zone
    zones       jsonb NOT NULL DEFAULT '{}', -- zone as it is said -> people
    times       jsonb,                       -- zone -> when its people are mailed; null: not worked out yet
    gathered    integer NOT NULL DEFAULT 0,  -- chunks whose recipients are recorded
    hash        bytea NOT NULL DEFAULT '',   -- of the recipients so far
    expanded    integer NOT NULL DEFAULT 0,  -- chunks whose effects are there
    matched     bigint NOT NULL DEFAULT 0,
    odd_zones   bigint NOT NULL DEFAULT 0,   -- people whose zone is not known: they have the campaign's fallback
    came_later  bigint NOT NULL DEFAULT 0,   -- people of the audience as it was when it was expanded, who are in no plan
    expected_at timestamptz NOT NULL DEFAULT drumbeat_now()  -- when a worker is to look at it again
);

-- Who was in the audience, frozen. Left out says a reason, or null, for each step. Written by one statement of rows that it
-- has just read: a reference, looked up for each of a million, would double their time; `verify` looks for strays.
CREATE TABLE recipients (
    run_id     uuid NOT NULL,
    contact    bytea NOT NULL,
    due_at     timestamptz NOT NULL,
    zone       text,                         -- null: the campaign's own, or its fallback
    left_out   text[],                       -- when it was planned; null: no step leaves them out
    left_since text[],                       -- when it was expanded, where that is another
    PRIMARY KEY (run_id, contact)
);
CREATE INDEX recipients_contact ON recipients (contact, run_id);
CREATE INDEX recipients_left_out ON recipients (run_id) WHERE left_out IS NOT NULL OR left_since IS NOT NULL;

GRANT SELECT, INSERT ON runs, run_journal, approvals, run_progress, recipients TO drumbeat_app;
GRANT UPDATE (state, seq, reason_code, reason_detail, resumes_at, starts, started_by, needs_approval, reviews, missed_before,
              updated_at)
    ON runs TO drumbeat_app;
GRANT UPDATE (counted, zones, times, gathered, hash, expanded, matched, odd_zones, came_later, expected_at)
    ON run_progress TO drumbeat_app;
GRANT UPDATE (left_since) ON recipients TO drumbeat_app;

-- ---------------------------------------------------------------- effects of runs

-- No list of what is due by account holds them: a run of a million would be all that is in it. Workers take them by their run.
ALTER TABLE effects ADD COLUMN of_run boolean NOT NULL DEFAULT false;
DROP INDEX effects_due;
CREATE INDEX effects_due ON effects (account, campaign, due_at, id) INCLUDE (expires_at)
    WHERE lease_until IS NULL AND status IN ('waiting', 'unknown') AND NOT of_run;

-- Over expressions, as `ledger.effects_of_runs` says why.
CREATE INDEX effects_of_run ON effects ((CASE WHEN of_run THEN event_id END), due_at, id)
    WHERE of_run AND lease_until IS NULL AND due_at < 'infinity';
-- Those that have a place in the queue of a rate limit: few, and taken before the others.
CREATE INDEX effects_of_run_placed ON effects ((CASE WHEN of_run AND slot IS NOT NULL THEN event_id END), due_at, id)
    WHERE of_run AND slot IS NOT NULL AND lease_until IS NULL AND due_at < 'infinity';
-- What may end its worker is taken alone.
CREATE INDEX effects_of_run_suspect ON effects (due_at)
    WHERE of_run AND crashes > 0 AND lease_until IS NULL AND status IN ('waiting', 'unknown');

-- That each names a contact that there is was asked for every effect by itself, and wrote into that contact's row: a
-- quarter of the time in which a chunk of a run is recorded. Now it is asked once for all of a statement. Contacts are
-- never deleted, so no row has to be held for it.
CREATE FUNCTION effects_have_contacts() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    IF EXISTS (SELECT
                 FROM added
                WHERE contact IS NOT NULL
                  AND NOT EXISTS (SELECT FROM contacts WHERE contacts.key = added.contact)) THEN
        RAISE foreign_key_violation USING MESSAGE = 'an effect is for a contact that there is not';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER effects_have_contacts AFTER INSERT ON effects
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION effects_have_contacts();
ALTER TABLE effects DROP CONSTRAINT effects_contact_fkey;

-- ---------------------------------------------------------------- how often a person is mailed

-- The newest openings of marketing mails of runs: [[microseconds since 1970, effect], ...], of the last 31 days.
ALTER TABLE contacts ADD COLUMN mailed jsonb NOT NULL DEFAULT '[]';
GRANT UPDATE (mailed) ON contacts TO drumbeat_app;

ALTER DOMAIN reason_code DROP CONSTRAINT reason_codes;
ALTER DOMAIN reason_code ADD CONSTRAINT reason_codes CHECK (VALUE IN (
    'proven', 'worker_crashed', 'not_configured', 'login_changed', 'erased', 'suppressed', 'predecessor_ended',
    'expired', 'not_rendered', 'secret_missing', 'secret_away', 'not_understood', 'no_consent', 'not_asked',
    'capped', 'missed', 'run_cancelled',
    'rate_limited', 'paused', 'credentials_refused', 'breaker_open', 'limiter_away', 'lease_ended',
    'lease_ended_sending', 'wishes_waiting', 'run_paused', 'quiet_hours',
    'refused_by_provider', 'not_sent', 'outcome_unknown', 'not_repeatable', 'tries_exhausted',
    'repeated_safely', 'refused_late', 'dropped', 'key_expired', 'expired_unknown', 'unknown_after_tries',
    'not_looked_up', 'unprovable',
    'not_found_yet', 'look_failed', 'control_not_found', 'found', 'found_many', 'proven_absent', 'no_look_succeeded',
    'past_retention', 'search_untrusted',
    'feedback', 'decided', 'reconciled',
    'legacy')) NOT VALID;
