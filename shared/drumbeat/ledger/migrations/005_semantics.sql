-- Which rules made a plan. The release before plans by rules 1 whatever a configuration says, and writes no number.
ALTER TABLE plans   ADD COLUMN semantics smallint NOT NULL DEFAULT 1;
ALTER TABLE replans ADD COLUMN semantics smallint NOT NULL DEFAULT 1;

-- The key of the same person by rules 1, where that is another: consent is read under both.
ALTER TABLE contacts ADD COLUMN former bytea;
GRANT UPDATE (former) ON contacts TO drumbeat_app;

ALTER DOMAIN reason_code DROP CONSTRAINT reason_codes;
ALTER DOMAIN reason_code ADD CONSTRAINT reason_codes CHECK (VALUE IN (
    'proven', 'worker_crashed', 'not_configured', 'login_changed', 'erased', 'suppressed', 'predecessor_ended',
    'expired', 'not_rendered', 'secret_missing', 'secret_away',
    'not_understood',
    'rate_limited', 'paused', 'credentials_refused', 'breaker_open', 'limiter_away', 'lease_ended',
    'lease_ended_sending',
    'refused_by_provider', 'not_sent', 'outcome_unknown', 'tries_exhausted',
    'repeated_safely', 'refused_late', 'dropped', 'key_expired', 'unknown_after_tries', 'not_looked_up', 'unprovable',
    'not_found_yet', 'look_failed', 'control_not_found', 'found', 'found_many', 'proven_absent', 'no_look_succeeded',
    'past_retention', 'search_untrusted',
    'feedback', 'decided', 'reconciled',
    'legacy')) NOT VALID;
