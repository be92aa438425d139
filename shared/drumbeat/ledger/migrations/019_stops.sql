-- What people have stopped, and what broken invariants have: an account, or everything. Nothing here reads a table that
-- grows: an instant. The release before stops nothing.

-- One row, which each opening of an attempt locks as it reads it: a stop that committed before is seen, and one that comes
-- later waits for the opening's commit. So a stop holds for every attempt that is opened once it is answered.
CREATE TABLE gate (
    id    boolean PRIMARY KEY DEFAULT true CHECK (id),
    -- [{"account": name, or null for everything, "invariant": name, or null, "reason": words, "actor": who, "at": instant}]
    stops jsonb NOT NULL DEFAULT '[]'
);
INSERT INTO gate DEFAULT VALUES;
GRANT SELECT ON gate TO drumbeat_app;
GRANT UPDATE (stops) ON gate TO drumbeat_app;

-- Who stopped what and let it go on, and why. Also who ended the pause of an account that did not answer.
CREATE TABLE stop_journal (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account   text,               -- null: everything
    invariant text,               -- null: a person's own stop
    stopped   boolean NOT NULL,   -- false: it goes on
    reason    text,
    actor     text NOT NULL,
    at        timestamptz NOT NULL DEFAULT drumbeat_now()
);
GRANT SELECT, INSERT ON stop_journal TO drumbeat_app;

ALTER DOMAIN reason_code DROP CONSTRAINT reason_codes;
ALTER DOMAIN reason_code ADD CONSTRAINT reason_codes CHECK (VALUE IN (
    'proven', 'worker_crashed', 'not_configured', 'login_changed', 'erased', 'suppressed', 'predecessor_ended',
    'expired', 'not_rendered', 'secret_missing', 'secret_away', 'not_understood', 'no_consent', 'not_asked',
    'capped', 'missed', 'run_cancelled',
    'rate_limited', 'paused', 'credentials_refused', 'breaker_open', 'limiter_away', 'lease_ended',
    'lease_ended_sending', 'wishes_waiting', 'run_paused', 'quiet_hours', 'stopped',
    'refused_by_provider', 'not_sent', 'outcome_unknown', 'not_repeatable', 'tries_exhausted',
    'repeated_safely', 'refused_late', 'dropped', 'key_expired', 'expired_unknown', 'unknown_after_tries',
    'not_looked_up', 'unprovable',
    'not_found_yet', 'look_failed', 'control_not_found', 'found', 'found_many', 'proven_absent', 'no_look_succeeded',
    'past_retention', 'search_untrusted',
    'feedback', 'decided', 'reconciled',
    'legacy')) NOT VALID;
