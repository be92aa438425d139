"""Events without a plan: those recorded since the search for them last went on, and those that it has passed."""

# Whether an event has no plan is looked up for each that is searched: OFFSET keeps Postgres from reading all the plans
# there are, to compare them with what it takes to be many events.
# A run that was cancelled before its people were recorded never has one.
NO_PLAN = """
    NOT EXISTS (SELECT FROM plans WHERE plans.event_id = events.id OFFSET 0)
    AND NOT EXISTS (SELECT FROM runs WHERE runs.id = events.id AND runs.state = 'cancelled' OFFSET 0)
"""

# An event without a plan is one of these. How few there are Postgres cannot know: for this order, and with OFFSET, it
# takes the index. With a condition from outside joined to this one it would read all events that there are.
SEARCHED = """
    (SELECT id, type, received_at, recorded_at
       FROM events
      WHERE recorded_at >= (SELECT searched_until FROM relay_state)
      ORDER BY recorded_at
     OFFSET 0)
     UNION
    SELECT id, type, received_at, events.recorded_at
      FROM unplanned
      JOIN events ON events.id = unplanned.event_id
"""
