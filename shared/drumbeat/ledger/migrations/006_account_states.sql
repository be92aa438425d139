-- What is known of accounts that do not answer, so that their effects wait where they are: no claim, no journal row.

-- No row: the account answers, as far as is known. A view of the attempts; forgetting it costs a few needless calls.
CREATE TABLE account_states (
    account       text PRIMARY KEY,
    failed        uuid[] NOT NULL,                 -- effects whose calls failed since it last answered; a few are enough
    since         timestamptz NOT NULL DEFAULT drumbeat_now(),  -- of the first of them
    pauses        integer NOT NULL DEFAULT 0,      -- in a row: each is twice as long as the one before
    paused_until  timestamptz,                     -- null: not paused; in the past: one effect may probe
    reason_code   reason_code,
    reason_detail text
);
GRANT SELECT, INSERT, UPDATE, DELETE ON account_states TO drumbeat_app;

-- When an effect that was never sent is cancelled, and how long that is after its time began. Null, as the release before
-- leaves both: seven days after it is due.
ALTER TABLE effects
    ADD COLUMN expires_at timestamptz,
    ADD COLUMN lasts      interval;
GRANT UPDATE (expires_at) ON effects TO drumbeat_app;

-- The time of a step that waited for another begins when that one ended, however long a person took to decide.
CREATE OR REPLACE FUNCTION release_dependents() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE effects
       SET due_at = greatest(base_due_at, drumbeat_now()),
           expires_at = greatest(base_due_at, drumbeat_now()) + coalesce(lasts, interval '7 days')
     WHERE id = ANY (NEW.dependents) AND status = 'waiting';
    RETURN NULL;
END $$;

ALTER DOMAIN reason_code DROP CONSTRAINT reason_codes;
ALTER DOMAIN reason_code ADD CONSTRAINT reason_codes CHECK (VALUE IN (
    'proven', 'worker_crashed', 'not_configured', 'login_changed', 'erased', 'suppressed', 'predecessor_ended',
    'expired', 'not_rendered', 'secret_missing', 'secret_away', 'not_understood',
    'rate_limited', 'paused', 'credentials_refused', 'breaker_open', 'limiter_away', 'lease_ended',
    'lease_ended_sending',
    'refused_by_provider', 'not_sent', 'outcome_unknown', 'not_repeatable', 'tries_exhausted',
    'repeated_safely', 'refused_late', 'dropped', 'key_expired', 'expired_unknown', 'unknown_after_tries',
    'not_looked_up', 'unprovable',
    'not_found_yet', 'look_failed', 'control_not_found', 'found', 'found_many', 'proven_absent', 'no_look_succeeded',
    'past_retention', 'search_untrusted',
    'feedback', 'decided', 'reconciled',
    'legacy')) NOT VALID;
