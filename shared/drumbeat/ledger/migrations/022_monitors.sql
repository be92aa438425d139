-- What the monitors of the invariants have found, and how far they have looked. Nothing here reads a table: an instant.

-- One row for each broken promise, for ever: the same is found once. What it concerns stands still until a person resumes.
CREATE TABLE violations (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    invariant     text NOT NULL CHECK (invariant IN (
        'duplicates', 'unaccounted_recipients', 'journal_gaps', 'unknown_overdue', 'plan_deviation')),
    kind          text NOT NULL,             -- as `verify` names it
    subject       uuid NOT NULL,             -- the effect or run
    mark          text NOT NULL,             -- tells one violation of a subject from another of the same kind
    facts         jsonb NOT NULL,            -- of the sentence that a person reads; never an address
    n             bigint NOT NULL DEFAULT 1, -- how many: people, where it is about people
    account       text,                      -- that it stops
    run_id        uuid,                      -- that it stops; neither: everything
    found_at      timestamptz NOT NULL DEFAULT drumbeat_now(),
    stopped_at    timestamptz,               -- when that stood still; null: it is stopped next
    told_at       timestamptz,               -- when its owner was told
    resumed_at    timestamptz,
    resumed_by    text,
    resume_reason text,
    UNIQUE (invariant, subject, kind, mark),
    CHECK ((resumed_at IS NULL) = (resumed_by IS NULL))
);
CREATE INDEX violations_open ON violations (id) WHERE resumed_at IS NULL;

-- Who resumed, and why, is kept as it was written first.
CREATE FUNCTION keep_resumption() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE 'a violation that a person has resumed from is not changed any more';
END $$;
CREATE TRIGGER keep_resumption BEFORE UPDATE ON violations
    FOR EACH ROW
    WHEN (OLD.resumed_at IS NOT NULL
          AND (NEW.resumed_at, NEW.resumed_by, NEW.resume_reason)
              IS DISTINCT FROM (OLD.resumed_at, OLD.resumed_by, OLD.resume_reason))
    EXECUTE FUNCTION keep_resumption();

-- How far the monitors have read what was added; no row: they begin with the last minute.
CREATE TABLE monitor_state (
    id            boolean PRIMARY KEY DEFAULT true CHECK (id),
    outcomes      bigint NOT NULL,      -- all up to this one
    journal       timestamptz NOT NULL, -- all that was written by then
    looked_at     timestamptz NOT NULL,
    looking_since timestamptz NOT NULL  -- when the present row of looks, a minute apart or two, began
);

GRANT SELECT, INSERT ON violations, monitor_state TO drumbeat_app;
GRANT UPDATE (stopped_at, told_at, resumed_at, resumed_by, resume_reason) ON violations TO drumbeat_app;
GRANT UPDATE (outcomes, journal, looked_at, looking_since) ON monitor_state TO drumbeat_app;
