-- A person's bytes can be erased. The application may delete nothing and change no history: the functions below do, and
-- only what a person has asked for. Nothing here reads a large table but to make an index: each change takes its lock for a
-- moment.

-- ---------------------------------------------------------------- what is erased

-- Everything that was received of the person until then is erased, also where a copy of it comes later: out of the
-- buffer, of the queue of wishes, of what was parked. Never set back.
ALTER TABLE contacts ADD COLUMN erased_at timestamptz;

-- By any update: the release before knows no kind of suppression and would lift this one. It is answered that
-- there was nothing to lift, so that it appends none.
CREATE FUNCTION keep_erased() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.suppressed_at IS NULL THEN
        RETURN NULL;
    END IF;
    NEW.suppressed_at := OLD.suppressed_at;
    NEW.suppression_reason := OLD.suppression_reason;
    NEW.suppression_kind := OLD.suppression_kind;
    RETURN NEW;
END $$;
CREATE TRIGGER keep_erased BEFORE UPDATE OF suppressed_at, suppression_reason, suppression_kind ON contacts
    FOR EACH ROW WHEN (OLD.suppression_kind = 'erased') EXECUTE FUNCTION keep_erased();

-- The key of an event may be an address, as its sender chose it. One that was erased has this instead, and its id
-- stays: a repeat is still known. Whether an event was erased is read from it.
CREATE FUNCTION erased_key(event uuid) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    RETURN 'erased:' || event::text;

-- As `core.masking`: what looks like an address, in a sentence that a person or a provider wrote, however its @ is written.

-- What a run of `%40` and the like stands for. One that is no UTF-8 is read byte by byte.
CREATE FUNCTION percent_decoded(run text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
    RETURN convert_from(decode(replace(run, '%', ''), 'hex'), 'UTF8');
EXCEPTION WHEN character_not_in_repertoire THEN
    RETURN convert_from(decode(replace(replace(run, '%00', ''), '%', ''), 'hex'), 'LATIN1');
END $$;

-- Three layers, as there: one way of writing an @ may be wrapped in another.
CREATE FUNCTION plain_text(words text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
    FOR layer IN 1..3 LOOP
        words := coalesce((SELECT string_agg(coalesce(percent_decoded(part[1]), part[2]), '' ORDER BY place)
                             FROM regexp_matches(normalize(words, NFKC), '((?:%[0-9A-Fa-f]{2})+)|(%|[^%]+)', 'g')
                                  WITH ORDINALITY AS parts (part, place)), words);
    END LOOP;
    RETURN words;
END $$;

-- Without it there is none: the characters that become an @ or a % are all there are.
CREATE FUNCTION may_hold_address(words text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN words ~ '[@%\uFF20\uFE6B\uFF05\uFE6A]';

CREATE FUNCTION without_addresses(words text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    address  CONSTANT text := '("[^"@]*"|[^\s@"''<>(),:;]+)@[^\s@"''<>(),:;]+';
    readable text;
BEGIN
    IF may_hold_address(words) THEN
        readable := plain_text(words);
        IF readable ~ address THEN
            RETURN regexp_replace(readable, address, '[address]', 'g');
        END IF;
    END IF;
    RETURN words;
END $$;

-- Which deliveries of many facts still hold the bytes of one of them.
CREATE INDEX deliveries_of_fact ON deliveries USING gin (facts) WHERE pruned_at IS NULL;

-- Whether an event names a person: an erasure looks into each body of those that do not.
CREATE INDEX event_contacts_event ON event_contacts (event_id);

-- Erases what these events hold, and what was made of it. Each statement sees what was committed while the one before
-- waited for a lock, so the order counts: who adds to an event holds its row, that of its plan, or an effect's.
-- What a schedule fired holds no person: of that only the effects for these people end.
CREATE FUNCTION erase_events(ids uuid[], people bytea[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    whole    uuid[];
    carriers uuid[];
    ended    uuid[];
BEGIN
    PERFORM FROM plans WHERE event_id = ANY (ids) ORDER BY event_id FOR UPDATE;
    whole := ARRAY(SELECT id FROM events WHERE id = ANY (ids) AND door <> 'schedule' ORDER BY id FOR NO KEY UPDATE);
    carriers := ARRAY(SELECT event_id FROM deliveries WHERE pruned_at IS NULL AND facts && whole);
    UPDATE events SET key = erased_key(id) WHERE id = ANY (whole || carriers) AND key <> erased_key(id);
    ended := ARRAY(SELECT id
                     FROM effects
                    WHERE event_id = ANY (ids) AND (event_id = ANY (whole) OR contact = ANY (people))
                    ORDER BY id
                      FOR UPDATE);

    DELETE FROM payloads WHERE event_id = ANY (whole || carriers);
    DELETE FROM conflicts WHERE event_id = ANY (whole || carriers);
    DELETE FROM parked WHERE event_id = ANY (whole || carriers);
    UPDATE deliveries SET pruned_at = drumbeat_now() WHERE event_id = ANY (carriers);
    DELETE FROM requests WHERE effect_id = ANY (ended);

    -- What is on its way, or unknown, is left to its worker: it learns how the call ended, and finds no body then.
    WITH open AS MATERIALIZED (
        SELECT e.id, e.status,
               EXISTS (SELECT FROM attempts a
                        WHERE a.effect_id = e.id AND a.generation = e.generation
                          AND NOT EXISTS (SELECT FROM outcomes o
                                           WHERE o.effect_id = a.effect_id AND o.n = a.n
                                             AND o.kind IN ('not_sent', 'throttled', 'denied', 'refused'))) AS maybe
          FROM effects e
         WHERE e.id = ANY (ended) AND e.status IN ('waiting', 'claimed', 'held')
    ), moved AS (
        UPDATE effects e
           SET status = 'cancelled',
               seq = e.seq + 1,
               reason = CASE WHEN open.maybe THEN 'erased; may have been sent once' ELSE 'erased' END,
               reason_code = 'erased',
               reason_detail = NULL,
               maybe_sent = open.maybe,
               slot = NULL,
               due_at = 'infinity',
               lease_until = NULL,
               updated_at = drumbeat_now()
          FROM open
         WHERE e.id = open.id
     RETURNING e.id, e.seq, e.fence, e.reason, e.maybe_sent, open.status AS before
    )
    INSERT INTO journal (effect_id, seq, from_status, to_status, fence, reason, reason_code, maybe_sent, actor)
    SELECT id, seq, before, 'cancelled', fence, reason, 'erased', maybe_sent, 'erasure' FROM moved;

    -- What people wrote when they decided, and what releases before took from providers, may quote the address.
    UPDATE effects
       SET reason = without_addresses(reason), reason_detail = without_addresses(reason_detail)
     WHERE id = ANY (ended) AND (may_hold_address(reason) OR may_hold_address(reason_detail));
    UPDATE journal
       SET reason = without_addresses(reason), reason_detail = without_addresses(reason_detail)
     WHERE effect_id = ANY (ended) AND (may_hold_address(reason) OR may_hold_address(reason_detail));
    UPDATE outcomes
       SET detail = without_addresses(detail), reference = without_addresses(reference)
     WHERE effect_id = ANY (ended)
       AND (may_hold_address(detail)
            OR (may_hold_address(reference)
                AND NOT starts_with(ltrim(reference, '<'), effect_id::text)));  -- not our own name
    UPDATE feedback SET said = '' WHERE (event_id = ANY (whole) OR effect_id = ANY (ended)) AND said <> '';
    UPDATE dismissals
       SET reason = without_addresses(reason)
     WHERE event_id = ANY (whole) AND may_hold_address(reason);
    UPDATE plans
       SET failed = (SELECT jsonb_object_agg(key, without_addresses(value)) FROM jsonb_each_text(failed))
     WHERE event_id = ANY (whole) AND may_hold_address(failed::text);
END $$;
REVOKE ALL ON FUNCTION erase_events(uuid[], bytea[]) FROM PUBLIC;

-- Takes out of a lead what was received before its person was erased; of what came later it is still one.
CREATE FUNCTION forget_lead(whose bytea) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    until timestamptz := (SELECT erased_at FROM contacts WHERE key = whose);
BEGIN
    DELETE FROM leads WHERE contact = whose AND changed <= until;
    UPDATE leads
       SET attributes = (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(attributes)
                          WHERE (value ->> 't')::bigint > microseconds(until)),
           refused = (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(refused)
                       WHERE (value ->> 't')::bigint > microseconds(until)),
           since = (SELECT timestamptz 'epoch' + min((entry.value ->> 't')::bigint) * interval '1 microsecond'
                      FROM (SELECT address AS value
                             UNION ALL SELECT value FROM jsonb_each(attributes)
                             UNION ALL SELECT value FROM jsonb_each(refused)) AS entry
                     WHERE (entry.value ->> 't')::bigint > microseconds(until))
     WHERE contact = whose AND since <= until;
END $$;
REVOKE ALL ON FUNCTION forget_lead(bytea) FROM PUBLIC;

-- ---------------------------------------------------------------- a person asks for it

-- First the bar: from its commit on nothing is mailed to the person, and what comes late is erased as it comes. The
-- lock is the one that a reference to the contact waits for: who names the person at this moment is either before it, and
-- found by `erase_person`, or sees it. The key by the first reading of addresses is another person's today, so it is
-- suppressed as by `suppress`, and no more. Returns the id of the person, which says nothing.
CREATE FUNCTION bar_person(today bytea, previous bytea, by text) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    at    timestamptz;
    asked bytea[];
BEGIN
    PERFORM FROM contacts WHERE key IN (today, previous) ORDER BY key FOR UPDATE;
    at := drumbeat_now();
    asked := ARRAY(
        SELECT k.key
          FROM (VALUES (today), (previous)) AS k (key)
          LEFT JOIN contacts c ON c.key = k.key
         WHERE k.key IS NOT NULL
           AND (c.suppression_kind IS DISTINCT FROM 'erased'
                OR EXISTS (SELECT FROM event_contacts n WHERE n.contact = c.key AND n.received_at > c.erased_at))
         ORDER BY k.key);
    INSERT INTO contacts AS c (key, former, suppressed_at, suppression_reason, suppression_kind, erased_at)
    SELECT k.key, k.former, at, 'erased', 'erased', CASE WHEN k.key = today THEN at END
      FROM (VALUES (today, previous), (previous, NULL)) AS k (key, former)
     WHERE k.key IS NOT NULL
     ORDER BY k.key
        ON CONFLICT (key) DO UPDATE
       SET former = coalesce(c.former, excluded.former),
           suppressed_at = coalesce(c.suppressed_at, excluded.suppressed_at),
           suppression_reason = excluded.suppression_reason,
           suppression_kind = excluded.suppression_kind,
           erased_at = coalesce(excluded.erased_at, c.erased_at);
    UPDATE suppressions
       SET reason = without_addresses(reason)
     WHERE contact IN (today, previous) AND may_hold_address(reason);
    UPDATE account_states
       SET reason_detail = without_addresses(reason_detail)
     WHERE may_hold_address(reason_detail);
    INSERT INTO suppressions (contact, seq, reason, actor)
    SELECT k.key, 1 + coalesce((SELECT max(seq) FROM suppressions s WHERE s.contact = k.key), 0), 'erased', by
      FROM unnest(asked) AS k (key);
    RETURN (SELECT person FROM contacts WHERE key = today);
END $$;
REVOKE ALL ON FUNCTION bar_person(bytea, bytea, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION bar_person(bytea, bytea, text) TO drumbeat_app;

-- Then the bytes: the next events that name a barred person, in the order of ids up to the last one to look at; returns
-- the last that was erased, null: those were all. Under the key by the first reading only what was planned by it: the
-- rest is another person's.
CREATE FUNCTION erase_person(
    today bytea, previous bytea, following uuid, last uuid, most integer, OUT events integer, OUT next uuid)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    until timestamptz := (SELECT erased_at FROM contacts WHERE key = today);
    ids   uuid[];
BEGIN
    ids := ARRAY(
        SELECT event_id
          FROM ((SELECT event_id
                   FROM event_contacts
                  WHERE contact = today AND event_id > following AND event_id <= last AND received_at <= until
                  ORDER BY event_id
                  LIMIT most)
                 UNION
                (SELECT n.event_id
                   FROM event_contacts n
                   JOIN plans USING (event_id)
                  WHERE n.contact = previous AND n.event_id > following AND n.event_id <= last
                    AND n.received_at <= until AND plans.semantics = 1
                  ORDER BY n.event_id
                  LIMIT most)) AS named
         ORDER BY event_id
         LIMIT most);
    PERFORM forget_lead(today);
    IF ids = '{}' THEN
        events := 0;
        RETURN;
    END IF;
    PERFORM erase_events(ids, ARRAY[today, previous]);
    DELETE FROM leads WHERE contact = previous AND (address ->> 'e')::uuid = ANY (ids);
    UPDATE leads
       SET attributes = (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(attributes)
                          WHERE (value ->> 'e')::uuid <> ALL (ids)),
           refused = (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(refused)
                       WHERE (value ->> 'e')::uuid <> ALL (ids))
     WHERE contact = previous;
    events := cardinality(ids);
    next := CASE WHEN events = most THEN ids[most] END;
END $$;
REVOKE ALL ON FUNCTION erase_person(bytea, bytea, uuid, uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION erase_person(bytea, bytea, uuid, uuid, integer) TO drumbeat_app;

-- Copies that no event leads to from the person: bodies that were parked, or came too late for a key of another's.
CREATE FUNCTION erase_copies(today bytea, ids uuid[], hashes bytea[]) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    until  timestamptz := (SELECT erased_at FROM contacts WHERE key = today);
    erased integer;
BEGIN
    WITH named AS (
        SELECT * FROM unnest(ids, hashes) AS n (id, hash)
    ), apart AS (
        DELETE FROM parked USING named
         WHERE parked.event_id = named.id AND parked.fingerprint = named.hash AND parked.received_at <= until
     RETURNING 1
    ), others AS (
        DELETE FROM conflicts USING named
         WHERE conflicts.event_id = named.id AND conflicts.fingerprint = named.hash AND conflicts.received_at <= until
     RETURNING 1
    )
    SELECT (SELECT count(*) FROM apart) + (SELECT count(*) FROM others) INTO erased;
    RETURN erased;
END $$;
REVOKE ALL ON FUNCTION erase_copies(bytea, uuid[], bytea[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION erase_copies(bytea, uuid[], bytea[]) TO drumbeat_app;

-- ---------------------------------------------------------------- what comes later

-- Each of these runs at the end of its statement, after the reference to the contact or the plan was checked, which
-- waits for an erasure that has begun; so it sees one that the statement itself did not see. When an event was received
-- is its own word, which never changes. No one but the owner may make a trigger of these functions, as on a table of
-- their own whose rows are made up.

-- An event that was received before its person was erased is found to name them: planned now, or named by a wish. What a
-- provider reports of their mails is about what was sent before, whenever it comes: nothing is sent to them any more.
CREATE FUNCTION erase_late_events() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    ids    uuid[];
    people bytea[];
BEGIN
    SELECT array_agg(added.event_id), array_agg(added.contact) INTO ids, people
      FROM added
      JOIN contacts c ON c.key = added.contact
      JOIN events e ON e.id = added.event_id
     WHERE c.erased_at >= e.received_at OR (c.erased_at IS NOT NULL AND e.type = 'FEEDBACK');
    IF ids IS NOT NULL THEN
        PERFORM erase_events(ids, people);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER erase_late_events AFTER INSERT ON event_contacts
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION erase_late_events();

-- A flow that failed is planned again by a worker that read the body before it was erased.
CREATE FUNCTION erase_late_effects() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    ids uuid[];
BEGIN
    SELECT array_agg(DISTINCT e.id) INTO ids
      FROM added
      JOIN events e ON e.id = added.event_id
     WHERE e.key = erased_key(e.id) AND added.status <> 'cancelled';
    IF ids IS NOT NULL THEN
        PERFORM erase_events(ids, '{}');
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER erase_late_effects AFTER INSERT ON effects
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION erase_late_effects();

-- A delivery is split of which one fact was erased already: its bytes are a copy of that. The others have their own.
CREATE FUNCTION erase_late_deliveries() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    ids uuid[];
BEGIN
    SELECT array_agg(DISTINCT added.event_id) INTO ids
      FROM added
     CROSS JOIN LATERAL unnest(added.facts) AS fact (id)
      JOIN events e ON e.id = fact.id AND e.key = erased_key(e.id);
    IF ids IS NOT NULL THEN
        UPDATE events SET key = erased_key(id) WHERE id = ANY (ids);
        DELETE FROM payloads WHERE event_id = ANY (ids);
        DELETE FROM conflicts WHERE event_id = ANY (ids);
        UPDATE deliveries SET pruned_at = drumbeat_now() WHERE event_id = ANY (ids);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER erase_late_deliveries AFTER INSERT ON deliveries
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION erase_late_deliveries();

-- A rebuild that read bodies before they were erased writes what they said.
CREATE FUNCTION erase_late_leads() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
BEGIN
    PERFORM forget_lead(added.contact)
       FROM added
       JOIN contacts c ON c.key = added.contact
      WHERE c.erased_at >= added.since;
    RETURN NULL;
END $$;
CREATE TRIGGER erase_late_leads AFTER INSERT ON leads
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION erase_late_leads();
CREATE TRIGGER erase_late_changes AFTER UPDATE ON leads
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION erase_late_leads();

-- Another body for the key of an event that was erased. The event's row is held: an erasure is before or after it.
CREATE FUNCTION skip_erased_conflict() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    found_key text;
BEGIN
    SELECT key INTO found_key FROM events WHERE id = NEW.event_id FOR SHARE;
    IF found_key = erased_key(NEW.event_id) THEN
        RETURN NULL;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER skip_erased_conflict BEFORE INSERT ON conflicts
    FOR EACH ROW EXECUTE FUNCTION skip_erased_conflict();

-- What a revoked caller had buffered of it: the event is there, so there is nothing to decide.
CREATE FUNCTION skip_erased_parked() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
BEGIN
    IF EXISTS (SELECT FROM events WHERE id = NEW.event_id AND key = erased_key(NEW.event_id)) THEN
        RETURN NULL;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER skip_erased_parked BEFORE INSERT ON parked
    FOR EACH ROW EXECUTE FUNCTION skip_erased_parked();

-- ---------------------------------------------------------------- whose these are

REVOKE ALL ON FUNCTION erase_late_events(), erase_late_effects(), erase_late_deliveries(), erase_late_leads(),
    skip_erased_conflict(), skip_erased_parked() FROM PUBLIC;
-- Those of step 008 write counts.
REVOKE ALL ON FUNCTION add_up(), count_events(), count_effects(), count_end() FROM PUBLIC;
