-- Who made and who revoked an API key. Null: done by the release before, which does not say.
ALTER TABLE api_keys
    ADD COLUMN created_by text,
    ADD COLUMN revoked_by text;
GRANT UPDATE (revoked_by) ON api_keys TO drumbeat_app;

-- A revocation is for good, also for the application: it may not lift it, nor say that it was at another time.
CREATE FUNCTION keep_revocation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'API key % was revoked, and that is for good', OLD.id USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER keep_revocation BEFORE UPDATE ON api_keys FOR EACH ROW
    WHEN (OLD.revoked_at IS NOT NULL
          AND (NEW.revoked_at, NEW.revoked_by) IS DISTINCT FROM (OLD.revoked_at, OLD.revoked_by))
    EXECUTE FUNCTION keep_revocation();

-- What was buffered for a caller whose key was revoked before the buffer was drained: neither lost nor an event, until a
-- person decides. Personal bytes lie here as they do in `payloads`; the owner can delete them.
CREATE TABLE parked (
    event_id     uuid NOT NULL,          -- of the event that it becomes when it is released
    source       text NOT NULL,
    key          text NOT NULL,
    type         text NOT NULL,
    door         text NOT NULL,
    fingerprint  bytea NOT NULL,
    scheduled_at timestamptz,
    received_at  timestamptz NOT NULL,
    body         bytea NOT NULL,
    caller       text NOT NULL,          -- id of the API key
    parked_at    timestamptz NOT NULL DEFAULT drumbeat_now(),
    decision     text CHECK (decision IN ('released', 'discarded')),
    decided_at   timestamptz,
    decided_by   text,
    reason       text,
    PRIMARY KEY (event_id, fingerprint),
    CHECK (num_nulls(decision, decided_at, decided_by, reason) IN (0, 4))
);
CREATE INDEX parked_undecided ON parked (parked_at, event_id) WHERE decision IS NULL;
GRANT SELECT, INSERT, UPDATE (decision, decided_at, decided_by, reason) ON parked TO drumbeat_app;

CREATE FUNCTION keep_decision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a decision about what was parked is for good' USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER keep_decision BEFORE UPDATE ON parked FOR EACH ROW
    WHEN (OLD.decision IS NOT NULL) EXECUTE FUNCTION keep_decision();
