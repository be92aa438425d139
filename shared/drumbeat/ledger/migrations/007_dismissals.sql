-- Events that were dismissed from attention, events that still have no plan, and which effects are of campaigns. Nothing
-- here reads a table: each change takes its lock for a moment.

-- ---------------------------------------------------------------- attention can be dismissed

-- A person has looked at an event that needs attention, and nothing is left to do about it. What it covers is what there
-- was to see then; anything that comes later needs attention again. Effects that are held are never covered.
CREATE TABLE dismissals (
    event_id  uuid NOT NULL REFERENCES events,
    n         integer NOT NULL,
    actor     text NOT NULL,
    reason    text NOT NULL CHECK (trim(reason) <> ''),
    at        timestamptz NOT NULL DEFAULT drumbeat_now(),
    conflicts integer NOT NULL,          -- how many other bodies there were
    flows     text[] NOT NULL,           -- that could not be planned
    outcome   bigint NOT NULL,           -- the newest that was known; 0: none
    PRIMARY KEY (event_id, n)
);

-- The refused effects that a dismissal covers, each as it was refused then.
CREATE TABLE dismissed_effects (
    effect_id uuid NOT NULL REFERENCES effects,
    seq       integer NOT NULL,
    PRIMARY KEY (effect_id, seq)
);

GRANT SELECT, INSERT ON dismissals, dismissed_effects TO drumbeat_app;

-- ---------------------------------------------------------------- events without a plan

-- The search for events without a plan begins at `searched_until`; those it has passed are listed. `planned_until` goes on
-- meaning what the release before reads in it: everything recorded before has a plan.
CREATE TABLE unplanned (
    event_id    uuid PRIMARY KEY REFERENCES events,
    recorded_at timestamptz NOT NULL
);
ALTER TABLE relay_state ADD COLUMN searched_until timestamptz NOT NULL DEFAULT '-infinity';

GRANT SELECT, INSERT, DELETE ON unplanned TO drumbeat_app;

-- ---------------------------------------------------------------- effects of campaigns

-- What people caused themselves is due before what campaigns send, so an index of what is due begins with it. Null: it
-- ended before this step.
ALTER TABLE effects ADD COLUMN campaign boolean;

-- The release before does not write it.
CREATE FUNCTION effect_is_of_campaign() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    NEW.campaign := (SELECT type = 'CAMPAIGN_TRIGGER' FROM events WHERE id = NEW.event_id);
    RETURN NEW;
END $$;
CREATE TRIGGER effect_is_of_campaign BEFORE INSERT OR UPDATE ON effects
    FOR EACH ROW
    WHEN (NEW.campaign IS NULL)
    EXECUTE FUNCTION effect_is_of_campaign();
