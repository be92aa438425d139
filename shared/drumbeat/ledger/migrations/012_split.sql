-- One delivery of many facts becomes one event each. Nothing here reads a table.

-- The delivery that an event is one fact of. Null: it came by itself.
ALTER TABLE events ADD COLUMN delivery uuid;

-- What was split, and into which events. A delivery is recorded as an event first, whatever it holds; its plan splits it,
-- in the commit of both. Its bytes are about many people: they are kept for 30 days.
CREATE TABLE deliveries (
    event_id    uuid PRIMARY KEY REFERENCES events,
    facts       uuid[] NOT NULL,         -- in their order
    received_at timestamptz NOT NULL,    -- of the event
    pruned_at   timestamptz              -- when its bytes were deleted
);
CREATE INDEX deliveries_received ON deliveries (received_at);
CREATE INDEX deliveries_kept ON deliveries (received_at) WHERE pruned_at IS NULL;
GRANT SELECT, INSERT ON deliveries TO drumbeat_app;

-- The application may delete nothing: this deletes what is old, a few at a time, and returns how many deliveries that were.
CREATE FUNCTION prune_deliveries(most integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    pruned integer;
BEGIN
    WITH old AS MATERIALIZED (
        SELECT event_id
          FROM deliveries
         WHERE pruned_at IS NULL AND received_at < drumbeat_now() - interval '30 days'
         ORDER BY received_at
         LIMIT most
           FOR UPDATE SKIP LOCKED
    ), bodies AS (
        DELETE FROM payloads USING old WHERE payloads.event_id = old.event_id
    ), others AS (
        DELETE FROM conflicts USING old WHERE conflicts.event_id = old.event_id
    ), marked AS (
        UPDATE deliveries SET pruned_at = drumbeat_now() FROM old WHERE deliveries.event_id = old.event_id
        RETURNING deliveries.event_id
    )
    SELECT count(*) INTO pruned FROM marked;
    RETURN pruned;
END $$;
REVOKE ALL ON FUNCTION prune_deliveries(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION prune_deliveries(integer) TO drumbeat_app;

-- A fact has no other name in any release, so its insert asks for none and takes no lock for it.
CREATE OR REPLACE TRIGGER skip_known_event BEFORE INSERT ON events
    FOR EACH ROW
    WHEN (NEW.door = 'webhook' AND NEW.delivery IS NULL)
    EXECUTE FUNCTION skip_known_event();
