-- Erasing knows runs: what they send a person is found by their recipients, and a run's own event is about no one. Functions
-- alone, and nothing is read: an instant.

-- ---------------------------------------------------------------- what a person was sent by runs

-- The effects that a person has in all runs, whether they are there yet or not. As `core.ids.effect_id`.
CREATE FUNCTION run_effects_of(whose bytea) RETURNS SETOF uuid LANGUAGE sql STABLE PARALLEL SAFE STRICT
BEGIN ATOMIC
    SELECT drumbeat_id(runs.id::text, 'campaign:' || runs.campaign, step, encode(recipients.contact, 'hex'))
      FROM recipients
      JOIN runs ON runs.id = recipients.run_id
     CROSS JOIN LATERAL unnest(runs.steps) AS step
     WHERE recipients.contact = whose;
END;

-- Ends and empties effects, whose rows the caller has locked in the order of ids. What is on its way, or unknown, is left to
-- its worker: it learns how the call ended, and finds nothing to send again then.
CREATE FUNCTION erase_effects(ended uuid[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
BEGIN
    DELETE FROM requests WHERE effect_id = ANY (ended);

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
    UPDATE feedback SET said = '' WHERE effect_id = ANY (ended) AND said <> '';
END $$;
REVOKE ALL ON FUNCTION erase_effects(uuid[]) FROM PUBLIC;

-- A lead under the key by the first reading is the person's where an event gave it that was planned by that reading.
CREATE FUNCTION erase_run_mails(today bytea, previous bytea) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    until timestamptz := (SELECT erased_at FROM contacts WHERE key = today);
    theirs boolean := until IS NOT NULL AND EXISTS (
        SELECT FROM leads
          JOIN event_contacts n ON n.contact = previous AND n.event_id = (leads.address ->> 'e')::uuid
          JOIN plans ON plans.event_id = n.event_id
         WHERE leads.contact = previous AND n.received_at <= until AND plans.semantics = 1);
BEGIN
    PERFORM erase_effects(ARRAY(
        SELECT id
          FROM effects
         WHERE id = ANY (ARRAY(SELECT run_effects_of(today) UNION SELECT run_effects_of(previous) WHERE theirs))
         ORDER BY id
           FOR UPDATE))
      WHERE until IS NOT NULL;
END $$;
REVOKE ALL ON FUNCTION erase_run_mails(bytea, bytea) FROM PUBLIC;

-- ---------------------------------------------------------------- the event of a run

-- A document whose texts are without addresses; names of fields are ours.
CREATE FUNCTION json_without_addresses(value jsonb) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
    RETURN CASE jsonb_typeof(value)
        WHEN 'string' THEN to_jsonb(without_addresses(value #>> '{}'))
        WHEN 'array' THEN (SELECT coalesce(jsonb_agg(json_without_addresses(each)), '[]')
                             FROM jsonb_array_elements(value) AS each)
        WHEN 'object' THEN (SELECT coalesce(jsonb_object_agg(each.key, json_without_addresses(each.value)), '{}')
                              FROM jsonb_each(value) AS each)
        ELSE value END;
END $$;

-- As before, but for runs: the event of one is about no one, and may say who fired it. What others are sent because of it
-- goes on; what this person is sent is found by `run_effects_of`.
CREATE OR REPLACE FUNCTION erase_events(ids uuid[], people bytea[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    fired    uuid[];
    whole    uuid[];
    carriers uuid[];
BEGIN
    PERFORM FROM plans WHERE event_id = ANY (ids) ORDER BY event_id FOR UPDATE;
    fired := ARRAY(SELECT id FROM runs WHERE id = ANY (ids));
    whole := ARRAY(SELECT id FROM events
                    WHERE id = ANY (ids) AND door <> 'schedule' AND id <> ALL (fired)
                    ORDER BY id
                      FOR NO KEY UPDATE);
    carriers := ARRAY(SELECT event_id FROM deliveries WHERE pruned_at IS NULL AND facts && whole);
    UPDATE events SET key = erased_key(id) WHERE id = ANY (whole || carriers) AND key <> erased_key(id);
    UPDATE events SET key = erased_key(id) WHERE id = ANY (fired) AND key <> without_addresses(key);
    UPDATE payloads
       SET body = convert_to(json_without_addresses(convert_from(body, 'UTF8')::jsonb)::text, 'UTF8')
     WHERE event_id = ANY (fired) AND may_hold_address(convert_from(body, 'UTF8'));

    DELETE FROM payloads WHERE event_id = ANY (whole || carriers);
    DELETE FROM conflicts WHERE event_id = ANY (whole || carriers || fired);
    DELETE FROM parked WHERE event_id = ANY (whole || carriers || fired);
    UPDATE deliveries SET pruned_at = drumbeat_now() WHERE event_id = ANY (carriers);
    PERFORM erase_effects(ARRAY(
        SELECT id
          FROM effects
         WHERE event_id = ANY (ids) AND event_id <> ALL (fired)
           AND (event_id = ANY (whole) OR contact = ANY (people))
         ORDER BY id
           FOR UPDATE));

    UPDATE feedback SET said = '' WHERE event_id = ANY (whole) AND said <> '';
    UPDATE dismissals
       SET reason = without_addresses(reason)
     WHERE event_id = ANY (whole) AND may_hold_address(reason);
    UPDATE plans
       SET failed = (SELECT jsonb_object_agg(key, without_addresses(value)) FROM jsonb_each_text(failed))
     WHERE event_id = ANY (whole) AND may_hold_address(failed::text);
END $$;

-- ---------------------------------------------------------------- a person asks for it

-- As before, and what people wrote about runs.
CREATE OR REPLACE FUNCTION bar_person(today bytea, previous bytea, by text) RETURNS uuid
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
    UPDATE runs SET reason_detail = without_addresses(reason_detail) WHERE may_hold_address(reason_detail);
    UPDATE run_journal SET reason_detail = without_addresses(reason_detail) WHERE may_hold_address(reason_detail);
    INSERT INTO suppressions (contact, seq, reason, actor)
    SELECT k.key, 1 + coalesce((SELECT max(seq) FROM suppressions s WHERE s.contact = k.key), 0), 'erased', by
      FROM unnest(asked) AS k (key);
    RETURN (SELECT person FROM contacts WHERE key = today);
END $$;

-- As before, and first what runs sent: of the key by the first reading the lead says whose it is, which goes next.
CREATE OR REPLACE FUNCTION erase_person(
    today bytea, previous bytea, following uuid, last uuid, most integer, OUT events integer, OUT next uuid)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    until timestamptz := (SELECT erased_at FROM contacts WHERE key = today);
    ids   uuid[];
BEGIN
    PERFORM erase_run_mails(today, previous);
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
