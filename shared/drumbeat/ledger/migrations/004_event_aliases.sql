-- A webhook's key is made of signed bytes. The release before made it of the sender's id for the delivery, which not every
-- sender signs, and it may be running beside this one or again after a rollback. A delivery that one of the two has
-- recorded is no new event for the other.

-- What the release before would call an event of a webhook: left with the event, not with each of its repeats.
CREATE TABLE event_aliases (
    id       uuid NOT NULL,
    event_id uuid NOT NULL REFERENCES events,
    PRIMARY KEY (id, event_id)
);

GRANT SELECT, INSERT ON event_aliases TO drumbeat_app;

-- The event that has this id, or has it as an alias, and holds the same body; null: there is none, and until this
-- transaction ends no other gets there first. (Each statement of a volatile function sees what was committed before it.
-- A function keeps its plans, too: none that was made while the tables were small may read them whole.)
CREATE FUNCTION event_known_as(asked uuid, content bytea) RETURNS uuid
    LANGUAGE plpgsql STRICT SET enable_seqscan = off AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(asked::text, 0));
    RETURN (SELECT events.id FROM events WHERE events.id = asked AND events.fingerprint = content
             UNION ALL
            SELECT events.id
              FROM event_aliases JOIN events ON events.id = event_aliases.event_id
             WHERE event_aliases.id = asked AND events.fingerprint = content
             LIMIT 1);
END $$;

-- ---------------------------------------------------------------- what the release before writes

-- It inserts a delivery under the id that it knows. One that is an event already is skipped: it is found to be taken.
CREATE FUNCTION skip_known_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF event_known_as(NEW.id, NEW.fingerprint) IS NOT NULL THEN
        RETURN NULL;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER skip_known_event BEFORE INSERT ON events
    FOR EACH ROW
    WHEN (NEW.door = 'webhook')
    EXECUTE FUNCTION skip_known_event();

-- Not finding its own event under that id, it keeps the body as a conflict, of an event that does not exist. The event
-- that the id is an alias of has the very same body: there is nothing to keep.
CREATE FUNCTION skip_known_conflict() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    IF EXISTS (SELECT FROM event_aliases JOIN events ON events.id = event_aliases.event_id
                WHERE event_aliases.id = NEW.event_id AND events.fingerprint = NEW.fingerprint) THEN
        RETURN NULL;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER skip_known_conflict BEFORE INSERT ON conflicts
    FOR EACH ROW EXECUTE FUNCTION skip_known_conflict();
