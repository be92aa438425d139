-- What providers report of the mails that they took, and what follows for their people. Nothing here reads a table.

-- ---------------------------------------------------------------- reports

-- Each report once, whatever delivery brings it again. It is recorded with its event, and never changes.
CREATE TABLE feedback (
    account    text NOT NULL,
    name       text NOT NULL,            -- the provider's own id of the report, or its content's
    event_id   uuid NOT NULL REFERENCES events,
    kind       text NOT NULL CHECK (kind IN (
        'accepted', 'delayed', 'delivered', 'bounced', 'soft_bounced', 'blocked', 'refused', 'complained',
        'unsubscribed', 'opened', 'clicked', 'other')),
    word       text NOT NULL,            -- the provider's own
    said       text NOT NULL,            -- why, in its words; '' once its person was erased
    at         timestamptz NOT NULL,     -- by the provider's clock, and no later than it was received
    effect_id  uuid,                     -- whose mail it is about; null: no mail of ours by this account
    generation integer,
    reference  text,
    link       bytea,                    -- digest of the address that was clicked
    machine    boolean NOT NULL,         -- it says itself that a program did it
    PRIMARY KEY (account, name),
    CHECK ((effect_id IS NULL) = (generation IS NULL))
);
CREATE UNIQUE INDEX feedback_event ON feedback (event_id);
CREATE INDEX feedback_effect ON feedback (effect_id, at, name) WHERE effect_id IS NOT NULL;
CREATE INDEX feedback_recent ON feedback (at, account, kind);
GRANT SELECT, INSERT ON feedback TO drumbeat_app;

-- ---------------------------------------------------------------- what a person's row keeps of them

-- Microseconds since 1970: `h` of the newest hard bounce, `d` of the newest delivery, `c` of the newest complaint, `l` of the
-- newest lifting of a suppression; `s`: of the five mails that were newest when they bounced softly, each with its newest.
ALTER TABLE contacts ADD COLUMN reported jsonb NOT NULL DEFAULT '{}';
GRANT UPDATE (reported) ON contacts TO drumbeat_app;

-- One report as `reported_merged` takes it.
CREATE FUNCTION reported_fact(kind text, at timestamptz, effect uuid) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    RETURN CASE kind WHEN 'bounced' THEN jsonb_build_object('h', microseconds(at))
                     WHEN 'soft_bounced' THEN jsonb_build_object('s', jsonb_build_object(effect, microseconds(at)))
                     WHEN 'delivered' THEN jsonb_build_object('d', microseconds(at))
                     WHEN 'complained' THEN jsonb_build_object('c', microseconds(at))
                     ELSE '{}' END;

-- In any order and however often, the same.
CREATE FUNCTION reported_merged(one jsonb, other jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    RETURN jsonb_strip_nulls(jsonb_build_object(
        'h', greatest((one ->> 'h')::bigint, (other ->> 'h')::bigint),
        'd', greatest((one ->> 'd')::bigint, (other ->> 'd')::bigint),
        'c', greatest((one ->> 'c')::bigint, (other ->> 'c')::bigint),
        'l', greatest((one ->> 'l')::bigint, (other ->> 'l')::bigint),
        's', (SELECT jsonb_object_agg(mail, at)
                FROM (SELECT mails.key AS mail, max(mails.value::bigint) AS at
                        FROM (SELECT * FROM jsonb_each_text(one -> 's')
                               UNION ALL
                              SELECT * FROM jsonb_each_text(other -> 's')) AS mails
                       GROUP BY mails.key
                       ORDER BY at DESC, mails.key COLLATE "C" DESC
                       LIMIT 5) AS newest)));
CREATE AGGREGATE reported_merge(jsonb) (SFUNC = reported_merged, STYPE = jsonb, INITCOND = '{}', PARALLEL = SAFE);

-- Why mail to a person stops by itself: a hard bounce, or five mails in a row that bounced softly without a delivery between.
-- What was before a person lifted the suppression counts no more. Null: it does not.
CREATE FUNCTION bounce_reason(reported jsonb) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    RETURN CASE
        WHEN (reported ->> 'h')::bigint > coalesce((reported ->> 'l')::bigint, 0) THEN 'hard bounce'
        WHEN (SELECT count(*)
                FROM jsonb_each_text(reported -> 's') AS mails
               WHERE mails.value::bigint
                     > greatest((reported ->> 'd')::bigint, (reported ->> 'l')::bigint, 0)) >= 5
        THEN 'five soft bounces in a row' END;

-- Of the newest report that the reason rests on.
CREATE FUNCTION bounced_at(reported jsonb) RETURNS timestamptz LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    RETURN timestamptz 'epoch' + interval '1 microsecond' * CASE bounce_reason(reported)
        WHEN 'hard bounce' THEN (reported ->> 'h')::bigint
        WHEN 'five soft bounces in a row' THEN (SELECT max(mails.value::bigint) FROM jsonb_each_text(reported -> 's') AS mails)
        END;

-- No marketing since; null: they did not complain, or a person lifted what followed.
CREATE FUNCTION complained_at(reported jsonb) RETURNS timestamptz LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    RETURN CASE WHEN (reported ->> 'c')::bigint > coalesce((reported ->> 'l')::bigint, 0)
                THEN timestamptz 'epoch' + interval '1 microsecond' * (reported ->> 'c')::bigint END;

-- ---------------------------------------------------------------- the release before

-- It lifts a suppression and says nothing of reports: with the next one, even of a delivery, the old bounce would end mail
-- again. So its lift is what one of today is.
CREATE FUNCTION lift_reports() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.reported := reported_merged(NEW.reported, jsonb_build_object('l', microseconds(drumbeat_now())));
    NEW.suppression_kind := NULL;
    NEW.complained_at := complained_at(NEW.reported);
    RETURN NEW;
END $$;
CREATE TRIGGER lift_reports BEFORE UPDATE OF suppressed_at ON contacts
    FOR EACH ROW WHEN (OLD.suppressed_at IS NOT NULL AND NEW.suppressed_at IS NULL AND OLD.reported = NEW.reported)
    EXECUTE FUNCTION lift_reports();
