-- Traces: what was written by which transaction, so that what ended is exported in an order in which nothing is passed over,
-- however late its transaction commits. Rows of before have no number, and are not exported. Nothing here reads a table but
-- to make its index, which is empty then: a second for some millions of rows, in which they cannot be written.

ALTER TABLE plans    ADD COLUMN tx xid8;
ALTER TABLE journal  ADD COLUMN tx xid8;
ALTER TABLE outcomes ADD COLUMN tx xid8;
ALTER TABLE feedback ADD COLUMN tx xid8;
ALTER TABLE plans    ALTER COLUMN tx SET DEFAULT pg_current_xact_id();
ALTER TABLE journal  ALTER COLUMN tx SET DEFAULT pg_current_xact_id();
ALTER TABLE outcomes ALTER COLUMN tx SET DEFAULT pg_current_xact_id();
ALTER TABLE feedback ALTER COLUMN tx SET DEFAULT pg_current_xact_id();

CREATE INDEX plans_traced ON plans (tx, event_id) WHERE tx IS NOT NULL;
CREATE INDEX journal_traced ON journal (tx, effect_id, seq)
    WHERE tx IS NOT NULL AND to_status IN ('accepted', 'refused', 'cancelled');
CREATE INDEX outcomes_traced ON outcomes (tx, effect_id, id) WHERE tx IS NOT NULL AND origin IN ('look', 'late');
CREATE INDEX feedback_traced ON feedback (tx, event_id) WHERE tx IS NOT NULL AND effect_id IS NOT NULL;

-- The trace that an event's sender says it belongs to (W3C Trace Context): trace id, span id, flags.
ALTER TABLE events ADD COLUMN trace bytea CHECK (octet_length(trace) = 25);

-- How far each kind of row was exported: the last one that a collector took.
CREATE TABLE trace_exports (
    stream   text PRIMARY KEY CHECK (stream IN ('plans', 'ends', 'outcomes', 'feedback')),
    tx       xid8 NOT NULL DEFAULT '0',
    id       uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    n        bigint NOT NULL DEFAULT 0,
    failures integer NOT NULL DEFAULT 0,                        -- in a row
    retry_at timestamptz NOT NULL DEFAULT '-infinity'           -- after failures: the collector is left alone until then
);
INSERT INTO trace_exports (stream) VALUES ('plans'), ('ends'), ('outcomes'), ('feedback');
GRANT SELECT, UPDATE (tx, id, n, failures, retry_at) ON trace_exports TO drumbeat_app;
