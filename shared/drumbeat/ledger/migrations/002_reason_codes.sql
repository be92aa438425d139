-- Reasons get a code to select by. `reason` stays, with the same sentence as before, for the release that is still
-- running while this step is applied. Nothing is rewritten: a reason without a code is one of that release, too.

-- The domain gets its list after the columns exist, because a column of a constrained domain rewrites its table. A
-- later step adds a code by replacing the constraint with a longer list, NOT VALID: no row is read for it.
CREATE DOMAIN reason_code AS text;

ALTER TABLE effects
    ADD COLUMN reason_code   reason_code,
    ADD COLUMN reason_detail text,       -- what varies of the reason
    ADD COLUMN maybe_sent    boolean,    -- it ends here, although an earlier attempt may have been carried out
    ADD CONSTRAINT effects_reason_code CHECK (reason IS NULL OR reason_code IS NOT NULL) NOT VALID;

ALTER TABLE journal
    ADD COLUMN reason_code   reason_code,
    ADD COLUMN reason_detail text,
    ADD COLUMN maybe_sent    boolean,
    ADD CONSTRAINT journal_reason_code CHECK (reason IS NULL OR reason_code IS NOT NULL) NOT VALID;

ALTER TABLE outcomes
    ADD COLUMN reason_code   reason_code,  -- of `detail`
    ADD CONSTRAINT outcomes_reason_code CHECK (detail IS NULL OR reason_code IS NOT NULL) NOT VALID;

ALTER DOMAIN reason_code ADD CONSTRAINT reason_codes CHECK (VALUE IN (
    'proven', 'worker_crashed', 'not_configured', 'login_changed', 'erased', 'suppressed', 'predecessor_ended',
    'expired', 'not_rendered', 'secret_missing', 'secret_away',
    'rate_limited', 'paused', 'credentials_refused', 'breaker_open', 'limiter_away', 'lease_ended',
    'lease_ended_sending',
    'refused_by_provider', 'not_sent', 'outcome_unknown', 'tries_exhausted',
    'repeated_safely', 'refused_late', 'dropped', 'key_expired', 'unknown_after_tries', 'not_looked_up', 'unprovable',
    'not_found_yet', 'look_failed', 'control_not_found', 'found', 'found_many', 'proven_absent', 'no_look_succeeded',
    'past_retention', 'search_untrusted',
    'feedback', 'decided', 'reconciled',
    'legacy')) NOT VALID;

GRANT UPDATE (reason_code, reason_detail, maybe_sent) ON effects TO drumbeat_app;

-- ---------------------------------------------------------------- what the release before writes

-- It writes `reason` alone. Its rows get the code `legacy`, and never keep the code of an earlier reason. The WHEN clauses
-- skip a row that names its code itself: a sentence never changes while code, detail and `maybe_sent` stay.
CREATE FUNCTION reason_is_legacy() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.reason_code := CASE WHEN NEW.reason IS NOT NULL THEN 'legacy' END;
    NEW.reason_detail := NEW.reason;
    NEW.maybe_sent := NULL;
    RETURN NEW;
END $$;

CREATE TRIGGER reason_is_legacy BEFORE UPDATE ON effects
    FOR EACH ROW
    WHEN ((NEW.reason IS NOT NULL AND NEW.reason_code IS NULL)
          OR (NEW.reason IS DISTINCT FROM OLD.reason
              AND NEW.reason_code IS NOT DISTINCT FROM OLD.reason_code
              AND NEW.reason_detail IS NOT DISTINCT FROM OLD.reason_detail
              AND NEW.maybe_sent IS NOT DISTINCT FROM OLD.maybe_sent))
    EXECUTE FUNCTION reason_is_legacy();
CREATE TRIGGER reason_is_legacy BEFORE INSERT ON journal
    FOR EACH ROW
    WHEN (NEW.reason IS NOT NULL AND NEW.reason_code IS NULL)
    EXECUTE FUNCTION reason_is_legacy();

CREATE FUNCTION detail_is_legacy() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.reason_code := 'legacy';
    RETURN NEW;
END $$;
CREATE TRIGGER detail_is_legacy BEFORE INSERT ON outcomes
    FOR EACH ROW
    WHEN (NEW.detail IS NOT NULL AND NEW.reason_code IS NULL)
    EXECUTE FUNCTION detail_is_legacy();
