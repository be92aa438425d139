"""The status of an event, derived from its plan and its effects: it is not stored, so it cannot be wrong."""

EVENT_STATUSES = ("recorded", "planned", "in_progress", "done", "attention")

# For one row of `effects` or `journal`: what the release before wrote has a reason without a code.
REASON = """
    coalesce(reason_code, CASE WHEN reason IS NOT NULL THEN 'legacy' END) AS reason_code,
    CASE WHEN reason_code IS NULL THEN reason ELSE reason_detail END AS reason_detail, reason, maybe_sent
"""

# For one row of `events`. Feedback that contradicts a final status needs attention.
DERIVED = """
    SELECT CASE
               WHEN EXISTS (SELECT FROM conflicts WHERE conflicts.event_id = events.id) THEN 'attention'
               WHEN plan.event_id IS NULL THEN 'recorded'
               WHEN plan.failing OR tally.wrong > 0 OR tally.contradicted THEN 'attention'
               WHEN tally.open = 0 THEN 'done'
               WHEN tally.begun THEN 'in_progress'
               ELSE 'planned'
           END AS status,
           tally.effects
      FROM (SELECT count(*) AS effects,
                   count(*) FILTER (WHERE status IN ('held', 'refused')) AS wrong,
                   count(*) FILTER (WHERE status IN ('waiting', 'claimed', 'sending', 'unknown')) AS open,
                   coalesce(bool_or(status <> 'waiting' OR fence > 0), false) AS begun,
                   coalesce(bool_or(contrary.found), false) AS contradicted
              FROM effects
             CROSS JOIN LATERAL (
                   SELECT EXISTS (
                       SELECT FROM outcomes
                        WHERE outcomes.effect_id = effects.id
                          AND outcomes.generation = effects.generation
                          AND outcomes.origin IN ('late', 'look', 'feedback')
                          AND ((effects.status = 'accepted' AND outcomes.kind = 'refused')
                               OR (effects.status IN ('refused', 'cancelled')
                                   AND outcomes.kind IN ('accepted', 'found')))) AS found) AS contrary
             WHERE effects.event_id = events.id) AS tally
      LEFT JOIN LATERAL (
            SELECT plans.event_id,
                   plans.failed <> '{}'
                   AND plans.failed - ARRAY(SELECT flow FROM replans WHERE replans.event_id = plans.event_id) <> '{}'
                       AS failing
              FROM plans
             WHERE plans.event_id = events.id) AS plan ON true
"""

# Every event that may need attention, found by indexes; `DERIVED` decides.
CANDIDATES_FOR_ATTENTION = """
    SELECT event_id FROM effects WHERE status IN ('held', 'refused')
     UNION ALL
    SELECT event_id FROM plans WHERE failed <> '{}'
     UNION ALL
    SELECT event_id FROM conflicts
     UNION ALL
    SELECT effects.event_id
      FROM outcomes
      JOIN effects ON effects.id = outcomes.effect_id
     WHERE outcomes.origin IN ('late', 'look', 'feedback')
       AND effects.status IN ('accepted', 'cancelled')
"""
