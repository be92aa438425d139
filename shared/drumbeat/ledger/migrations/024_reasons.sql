-- Why a person approved a plan; and what people write as a reason is rid of addresses wherever it is when one is erased.
-- Nothing here reads a table but what was parked, to make its index: an instant.

ALTER TABLE approvals ADD COLUMN reason text; -- null: the plan speaks for itself

-- ---------------------------------------------------------------- what is for good, but for addresses in it

DROP TRIGGER keep_decision ON parked;
CREATE TRIGGER keep_decision BEFORE UPDATE ON parked FOR EACH ROW
    WHEN (OLD.decision IS NOT NULL
          AND ((NEW.event_id, NEW.fingerprint, NEW.body, NEW.decision, NEW.decided_at, NEW.decided_by)
               IS DISTINCT FROM (OLD.event_id, OLD.fingerprint, OLD.body, OLD.decision, OLD.decided_at, OLD.decided_by)
               OR (NEW.reason IS DISTINCT FROM OLD.reason
                   AND NEW.reason IS DISTINCT FROM without_addresses(OLD.reason))))
    EXECUTE FUNCTION keep_decision();

DROP TRIGGER keep_resumption ON violations;
CREATE TRIGGER keep_resumption BEFORE UPDATE ON violations FOR EACH ROW
    WHEN (OLD.resumed_at IS NOT NULL
          AND ((NEW.resumed_at, NEW.resumed_by) IS DISTINCT FROM (OLD.resumed_at, OLD.resumed_by)
               OR (NEW.resume_reason IS DISTINCT FROM OLD.resume_reason
                   AND NEW.resume_reason IS DISTINCT FROM without_addresses(OLD.resume_reason))))
    EXECUTE FUNCTION keep_resumption();

-- ---------------------------------------------------------------- a person asks for it

CREATE FUNCTION holds_address(words text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN may_hold_address(words) AND without_addresses(words) <> words;

-- Of what was parked there may be much; of the others there is little, and no index leads to a text.
CREATE INDEX parked_reasons ON parked (event_id) WHERE may_hold_address(reason);

-- What people wrote about accounts, runs and everything. A stop's row is locked by each opening, whose place in the queue is
-- taken first, as who stops does.
CREATE FUNCTION erase_in_reasons() RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
BEGIN
    UPDATE account_states SET reason_detail = without_addresses(reason_detail) WHERE holds_address(reason_detail);
    UPDATE runs SET reason_detail = without_addresses(reason_detail) WHERE holds_address(reason_detail);
    UPDATE run_journal SET reason_detail = without_addresses(reason_detail) WHERE holds_address(reason_detail);
    UPDATE approvals SET reason = without_addresses(reason) WHERE holds_address(reason);
    UPDATE parked
       SET reason = without_addresses(reason)
     WHERE may_hold_address(reason) AND holds_address(reason);
    UPDATE violations SET resume_reason = without_addresses(resume_reason) WHERE holds_address(resume_reason);
    UPDATE stop_journal SET reason = without_addresses(reason) WHERE holds_address(reason);
    IF EXISTS (SELECT FROM gate CROSS JOIN jsonb_array_elements(stops) AS stop WHERE holds_address(stop ->> 'reason')) THEN
        PERFORM pg_advisory_xact_lock(hashtext('drumbeat gate'));
        UPDATE gate
           SET stops = (SELECT jsonb_agg(stop || jsonb_build_object('reason', without_addresses(stop ->> 'reason'))
                                         ORDER BY place)
                          FROM jsonb_array_elements(gate.stops) WITH ORDINALITY AS each (stop, place))
         WHERE may_hold_address(stops::text);
    END IF;
END $$;

-- As before, and in all that people wrote.
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
    PERFORM erase_in_reasons();
    INSERT INTO suppressions (contact, seq, reason, actor)
    SELECT k.key, 1 + coalesce((SELECT max(seq) FROM suppressions s WHERE s.contact = k.key), 0), 'erased', by
      FROM unnest(asked) AS k (key);
    RETURN (SELECT person FROM contacts WHERE key = today);
END $$;

REVOKE ALL ON FUNCTION erase_in_reasons() FROM PUBLIC;
