-- What became of effects, hour by hour and account by account. The row that is added to `uncounted` when an effect ends says
-- the rest as well, and what adds those up fills the hours: a statement writes nothing more. Nothing here reads a table: an
-- instant. Hours are counted from this step on.

ALTER TABLE uncounted
    ADD COLUMN campaign boolean NOT NULL DEFAULT false,
    ADD COLUMN run      uuid,                           -- whose effect it was; null: of none
    ADD COLUMN held     smallint NOT NULL DEFAULT 0,    -- how many came to be held
    ADD COLUMN unknown  smallint NOT NULL DEFAULT 0,
    ADD COLUMN attempts smallint NOT NULL DEFAULT 0;    -- that ended with it, however

-- What came to stand so within an hour, by the clock of UTC, and how many attempts ended in it; of some thirteen months. No
-- row of an hour that is over is ever made less: not by a later move of the effect, nor by erasing or pruning.
CREATE TABLE hourly_counts (
    hour      timestamptz NOT NULL,
    account   text NOT NULL,
    campaign  boolean NOT NULL,          -- what campaigns send, and not what people caused themselves
    run       uuid,
    accepted  integer NOT NULL,
    refused   integer NOT NULL,
    cancelled integer NOT NULL,
    held      integer NOT NULL,
    unknown   integer NOT NULL,
    attempts  integer NOT NULL,
    UNIQUE NULLS NOT DISTINCT (hour, account, campaign, run)
);
GRANT SELECT ON hourly_counts TO drumbeat_app;

CREATE FUNCTION hour_of(at timestamptz) RETURNS timestamptz LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN date_bin('1 hour', at, '2000-01-01 00:00:00+00');

-- As before, and the hours.
CREATE OR REPLACE FUNCTION add_up() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
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
    ), by_hour AS (
        INSERT INTO hourly_counts AS h
               (hour, account, campaign, run, accepted, refused, cancelled, held, unknown, attempts)
        SELECT hour_of(first_at), account, campaign, run,
               coalesce(sum(n) FILTER (WHERE became = 'accepted'), 0),
               coalesce(sum(n) FILTER (WHERE became = 'refused'), 0),
               coalesce(sum(n) FILTER (WHERE became = 'cancelled'), 0),
               sum(held), sum(unknown), sum(attempts)
          FROM taken
         WHERE became IN ('accepted', 'refused', 'cancelled') OR held > 0 OR unknown > 0 OR attempts > 0
         GROUP BY 1, account, campaign, run
            ON CONFLICT (hour, account, campaign, run)
            DO UPDATE SET accepted = h.accepted + excluded.accepted,
                          refused = h.refused + excluded.refused,
                          cancelled = h.cancelled + excluded.cancelled,
                          held = h.held + excluded.held,
                          unknown = h.unknown + excluded.unknown,
                          attempts = h.attempts + excluded.attempts
    )
    INSERT INTO effect_counts AS c (account, status, n)
    SELECT account, status, sum(n)
      FROM (SELECT account, became AS status, n FROM taken UNION ALL SELECT account, was, -n FROM taken) AS moves
     WHERE status IS NOT NULL
     GROUP BY account, status
        ON CONFLICT (account, status) DO UPDATE SET n = c.n + excluded.n;
    DELETE FROM minutes WHERE minute < drumbeat_now() - interval '40 days';
    DELETE FROM hourly_counts WHERE hour < drumbeat_now() - interval '400 days';
    RETURN NULL;
END $$;

-- As before; and what is rare where all goes well: an attempt that ended without the effect, and what is held or unknown.
CREATE OR REPLACE FUNCTION count_end() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    ends boolean := counted_as(OLD.status) <> counted_as(NEW.status);
BEGIN
    INSERT INTO uncounted (first_at, last_at, account, campaign, run, was, became, n, held, unknown, attempts)
    VALUES (NEW.updated_at, NEW.updated_at, NEW.account, coalesce(NEW.campaign, false),
            CASE WHEN NEW.of_run THEN NEW.event_id END,
            CASE WHEN ends THEN counted_as(OLD.status) END, CASE WHEN ends THEN counted_as(NEW.status) END, ends::int,
            (NEW.status = 'held')::int, (NEW.status = 'unknown')::int, (OLD.status = 'sending')::int);
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER count_end AFTER UPDATE OF status ON effects
    FOR EACH ROW
    WHEN (OLD.status <> NEW.status
          AND (counted_as(OLD.status) <> counted_as(NEW.status)
               OR NEW.status IN ('held', 'unknown') OR OLD.status = 'sending'))
    EXECUTE FUNCTION count_end();

-- As before; the hours stay, and get what is not in them yet.
CREATE OR REPLACE FUNCTION count_anew() RETURNS void LANGUAGE sql AS $$
    LOCK TABLE events, effects IN SHARE ROW EXCLUSIVE MODE;
    INSERT INTO hourly_counts AS h
           (hour, account, campaign, run, accepted, refused, cancelled, held, unknown, attempts)
    SELECT hour_of(first_at), account, campaign, run,
           coalesce(sum(n) FILTER (WHERE became = 'accepted'), 0),
           coalesce(sum(n) FILTER (WHERE became = 'refused'), 0),
           coalesce(sum(n) FILTER (WHERE became = 'cancelled'), 0),
           sum(held), sum(unknown), sum(attempts)
      FROM uncounted
     WHERE became IN ('accepted', 'refused', 'cancelled') OR held > 0 OR unknown > 0 OR attempts > 0
     GROUP BY 1, account, campaign, run
        ON CONFLICT (hour, account, campaign, run)
        DO UPDATE SET accepted = h.accepted + excluded.accepted,
                      refused = h.refused + excluded.refused,
                      cancelled = h.cancelled + excluded.cancelled,
                      held = h.held + excluded.held,
                      unknown = h.unknown + excluded.unknown,
                      attempts = h.attempts + excluded.attempts;
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
