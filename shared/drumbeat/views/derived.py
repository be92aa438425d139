"""The status of an event, derived from its plan and its effects: it is not stored, so it cannot be wrong."""

EVENT_STATUSES = ("recorded", "planned", "in_progress", "done", "attention")

# For one row of `effects` or `journal`: what the release before wrote has a reason without a code.
REASON = """
    coalesce(reason_code, CASE WHEN reason IS NOT NULL THEN 'legacy' END) AS reason_code,
    CASE WHEN reason_code IS NULL THEN reason ELSE reason_detail END AS reason_detail, reason, maybe_sent
"""

# Evidence that contradicts the status of a row of `effects`.
CONTRARY = """
    outcomes.effect_id = effects.id
    AND outcomes.generation = effects.generation
    AND outcomes.origin IN ('late', 'look', 'feedback')
    AND outcomes.kind IN ('refused', 'accepted', 'found')
    AND ((effects.status = 'accepted' AND outcomes.kind = 'refused')
         OR (effects.status IN ('refused', 'cancelled') AND outcomes.kind IN ('accepted', 'found')))
"""

# A run says where it stands itself: its effects, which may be a million, are not read for that, but for those that wait
# for a person.
_RUN = """
    SELECT runs.state, progress.matched * cardinality(runs.steps) AS effects,
           EXISTS (SELECT
                     FROM (SELECT event_id FROM effects WHERE status = 'held' OFFSET 0) AS held
                    WHERE held.event_id = runs.id) AS held
      FROM runs
      JOIN run_progress progress ON progress.run_id = runs.id
     WHERE runs.id = events.id
"""

# For one row of `events`. Feedback that contradicts a final status needs attention. What a dismissal covers does not.
DERIVED = f"""
    SELECT CASE
               WHEN conflicting.n > coalesce(dismissed.conflicts, 0) THEN 'attention'
               WHEN run.held THEN 'attention'
               WHEN plan.event_id IS NULL THEN 'recorded'
               WHEN run.state IN ('planned', 'awaiting_approval', 'missed') THEN 'planned'
               WHEN run.state IN ('expanding', 'running', 'paused') THEN 'in_progress'
               WHEN run.state IS NOT NULL THEN 'done'
               WHEN plan.failing OR tally.wrong > 0 OR tally.contradicted THEN 'attention'
               WHEN tally.open = 0 THEN 'done'
               WHEN tally.begun THEN 'in_progress'
               ELSE 'planned'
           END AS status,
           coalesce(run.effects, tally.effects) AS effects
      FROM (SELECT count(*) AS n FROM conflicts WHERE conflicts.event_id = events.id) AS conflicting
      LEFT JOIN LATERAL (
            SELECT dismissals.conflicts, dismissals.flows, dismissals.outcome
              FROM dismissals
             WHERE dismissals.event_id = events.id
             ORDER BY n DESC
             LIMIT 1) AS dismissed ON true
      LEFT JOIN LATERAL ({_RUN}) AS run ON true
     CROSS JOIN LATERAL (
            SELECT count(*) AS effects,
                   count(*) FILTER (WHERE status = 'held' OR (status = 'refused' AND NOT covered.found)) AS wrong,
                   count(*) FILTER (WHERE status IN ('waiting', 'claimed', 'sending', 'unknown')) AS open,
                   coalesce(bool_or(status <> 'waiting' OR fence > 0), false) AS begun,
                   coalesce(bool_or(contrary.found), false) AS contradicted
              FROM effects
             CROSS JOIN LATERAL (
                   SELECT EXISTS (SELECT
                                    FROM outcomes
                                   WHERE {CONTRARY}
                                     AND outcomes.id > coalesce(dismissed.outcome, 0)) AS found) AS contrary
             CROSS JOIN LATERAL (
                   SELECT EXISTS (SELECT
                                    FROM dismissed_effects
                                   WHERE dismissed_effects.effect_id = effects.id
                                     AND dismissed_effects.seq = effects.seq) AS found) AS covered
             WHERE effects.event_id = events.id AND run.state IS NULL) AS tally
      LEFT JOIN LATERAL (
            SELECT plans.event_id,
                   plans.failed <> '{{}}'
                   AND plans.failed - ARRAY(SELECT flow FROM replans WHERE replans.event_id = plans.event_id)
                                    - coalesce(dismissed.flows, '{{}}') <> '{{}}' AS failing
              FROM plans
             WHERE plans.event_id = events.id) AS plan ON true
"""  # noqa: S608 - put together from constants

# Every event that may need attention, found by indexes; `DERIVED` decides. OFFSET makes Postgres look each effect up,
# however many outcomes it takes there to be.
LASTING_CANDIDATES = """
    SELECT event_id FROM plans WHERE failed <> '{}'
     UNION
    SELECT event_id FROM conflicts
     UNION
    SELECT effects.event_id
      FROM outcomes
     CROSS JOIN LATERAL (SELECT event_id, status FROM effects WHERE effects.id = outcomes.effect_id OFFSET 0) AS effects
     WHERE outcomes.origin IN ('late', 'look', 'feedback')
       AND outcomes.kind IN ('refused', 'accepted', 'found')
       AND ((effects.status = 'accepted' AND outcomes.kind = 'refused')
            OR (effects.status = 'cancelled' AND outcomes.kind IN ('accepted', 'found')))
"""
CANDIDATES_FOR_ATTENTION = f"""
    SELECT event_id FROM effects WHERE status IN ('held', 'refused')
     UNION
    {LASTING_CANDIDATES}
"""  # noqa: S608 - put together from constants
