-- Answers that cost what they show, not what ever was: indexes, and counts that are kept. Events and effects can be read
-- while this step runs, and cannot be written: some seconds for a million events. Meanwhile ingest buffers.
LOCK TABLE events, effects IN SHARE ROW EXCLUSIVE MODE;

-- ---------------------------------------------------------------- indexes

UPDATE effects
   SET campaign = events.type = 'CAMPAIGN_TRIGGER'
  FROM events
 WHERE events.id = effects.event_id
   AND effects.status IN ('waiting', 'claimed', 'sending', 'unknown')
   AND effects.campaign IS NULL;

-- What no worker has taken, account by account, as it is due. An effect that is planned and claimed at once is never in it.
CREATE INDEX effects_due ON effects (account, campaign, due_at, id) INCLUDE (expires_at)
    WHERE lease_until IS NULL AND status IN ('waiting', 'unknown');
CREATE INDEX effects_leased ON effects (lease_until) WHERE lease_until IS NOT NULL;
-- With `effects_attention`: a page of any status and account.
CREATE INDEX effects_listed ON effects (status, account, id) WHERE status IN ('waiting', 'accepted', 'cancelled');
CREATE INDEX events_kinds ON events (source, type, received_at DESC, id DESC);
-- Which events have effects that are not final, and how far those are, without reading the effects.
CREATE INDEX effects_under_way ON effects (event_id) INCLUDE (status, fence)
    WHERE status IN ('waiting', 'claimed', 'sending', 'unknown');
-- What may contradict the status of an effect.
CREATE INDEX outcomes_contrary ON outcomes (at, effect_id, kind)
    WHERE origin IN ('late', 'look', 'feedback') AND kind IN ('refused', 'accepted', 'found');

-- ---------------------------------------------------------------- counts

-- What was recorded and is not in the counts yet: they are the sum of both. A statement adds a row and waits for no other;
-- each five hundredth row adds up those before it.
CREATE TABLE uncounted (
    id       bigint GENERATED ALWAYS AS IDENTITY,
    first_at timestamptz NOT NULL,
    last_at  timestamptz NOT NULL,       -- in the same minute
    events   integer NOT NULL DEFAULT 0, -- received
    effects  integer NOT NULL DEFAULT 0, -- planned
    account  text,
    was      text,                       -- `open`, `accepted`, `refused` or `cancelled`: effects left it
    became   text,
    n        integer NOT NULL DEFAULT 0  -- how many
);

-- When anything was received, planned or ended; of some weeks.
CREATE TABLE minutes (
    minute   timestamptz PRIMARY KEY,
    first_at timestamptz NOT NULL,
    last_at  timestamptz NOT NULL,
    events   integer NOT NULL,
    effects  integer NOT NULL
);

-- All effects there are. How many of those that are `open` wait, are under way or are held, is read from them.
CREATE TABLE effect_counts (
    account text NOT NULL,
    status  text NOT NULL CHECK (status IN ('open', 'accepted', 'refused', 'cancelled')),
    n       bigint NOT NULL,
    PRIMARY KEY (account, status)
);

GRANT SELECT ON uncounted, minutes, effect_counts TO drumbeat_app;

CREATE FUNCTION minute_of(at timestamptz) RETURNS timestamptz LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN date_bin('1 minute', at, '2000-01-01 00:00:00+00');

CREATE FUNCTION counted_as(status text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN status IN ('accepted', 'refused', 'cancelled') THEN status ELSE 'open' END;

-- The functions run as the owner: the application's role cannot change a count.
CREATE FUNCTION add_up() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended('uncounted', 0)) THEN
        RETURN NULL;  -- another adds up
    END IF;
    WITH taken AS (
        DELETE FROM uncounted RETURNING *
    ), by_minute AS (
        INSERT INTO minutes AS m (minute, first_at, last_at, events, effects)
        SELECT minute_of(first_at), min(first_at), max(last_at), sum(events), sum(effects) FROM taken GROUP BY 1
            ON CONFLICT (minute) DO UPDATE SET first_at = least(m.first_at, excluded.first_at),
                                               last_at = greatest(m.last_at, excluded.last_at),
                                               events = m.events + excluded.events,
                                               effects = m.effects + excluded.effects
    )
    INSERT INTO effect_counts AS c (account, status, n)
    SELECT account, status, sum(n)
      FROM (SELECT account, became AS status, n FROM taken UNION ALL SELECT account, was, -n FROM taken) AS moves
     WHERE status IS NOT NULL
     GROUP BY account, status
        ON CONFLICT (account, status) DO UPDATE SET n = c.n + excluded.n;
    DELETE FROM minutes WHERE minute < drumbeat_now() - interval '40 days';
    RETURN NULL;
END $$;
CREATE TRIGGER add_up AFTER INSERT ON uncounted
    FOR EACH ROW
    WHEN (NEW.id % 500 = 0)
    EXECUTE FUNCTION add_up();

CREATE FUNCTION count_events() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO uncounted (first_at, last_at, events)
    SELECT min(received_at), max(received_at), count(*) FROM added GROUP BY minute_of(received_at);
    RETURN NULL;
END $$;
CREATE TRIGGER count_events AFTER INSERT ON events
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION count_events();

CREATE FUNCTION count_effects() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO uncounted (first_at, last_at, effects, account, became, n)
    SELECT now.at, now.at, count(*), account, counted_as(status), count(*)
      FROM added, (SELECT drumbeat_now() AS at) AS now
     GROUP BY now.at, account, counted_as(status);
    RETURN NULL;
END $$;
CREATE TRIGGER count_effects AFTER INSERT ON effects
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION count_effects();

CREATE FUNCTION count_end() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO uncounted (first_at, last_at, account, was, became, n)
    VALUES (NEW.updated_at, NEW.updated_at, NEW.account, counted_as(OLD.status), counted_as(NEW.status), 1);
    RETURN NULL;
END $$;
CREATE TRIGGER count_end AFTER UPDATE OF status ON effects
    FOR EACH ROW
    WHEN (counted_as(OLD.status) <> counted_as(NEW.status))
    EXECUTE FUNCTION count_end();

-- Counts everything anew; nothing that changes it may run beside it. Effects of the time before are counted in the minute
-- of their last change.
CREATE FUNCTION count_anew() RETURNS void LANGUAGE sql AS $$
    LOCK TABLE events, effects IN SHARE ROW EXCLUSIVE MODE;
    DELETE FROM uncounted;
    DELETE FROM minutes;
    DELETE FROM effect_counts;
    INSERT INTO minutes (minute, first_at, last_at, events, effects)
    SELECT minute_of(at), min(at), max(at), sum(events), sum(effects)
      FROM (SELECT received_at AS at, 1 AS events, 0 AS effects FROM events
             UNION ALL
            SELECT updated_at, 0, 1 FROM effects) AS moments
     WHERE at >= drumbeat_now() - interval '40 days'
     GROUP BY 1
     ORDER BY 1;
    INSERT INTO effect_counts (account, status, n)
    SELECT account, counted_as(status), count(*) FROM effects GROUP BY 1, 2;
$$;
REVOKE ALL ON FUNCTION count_anew() FROM PUBLIC;
SELECT count_anew();

-- ---------------------------------------------------------------- where the search for events without a plan begins

INSERT INTO unplanned (event_id, recorded_at)
SELECT id, recorded_at
  FROM events
 WHERE recorded_at < drumbeat_now() - interval '5 minutes'
   AND NOT EXISTS (SELECT FROM plans WHERE plans.event_id = events.id);
UPDATE relay_state SET searched_until = drumbeat_now() - interval '5 minutes';
