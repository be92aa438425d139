"""The counts that the ledger keeps: what was added up, and what is not yet."""

COUNTED_MINUTES = """
    SELECT minute, first_at, last_at, events, effects FROM minutes
     UNION ALL
    SELECT minute_of(first_at), first_at, last_at, events, effects FROM uncounted
"""

# Of effects that were planned, by `open` and the statuses in which they end.
COUNTED_EFFECTS = """
    SELECT account, status, n FROM effect_counts
     UNION ALL
    SELECT account, became, n FROM uncounted WHERE became IS NOT NULL
     UNION ALL
    SELECT account, was, -n FROM uncounted WHERE was IS NOT NULL
"""

# What came to stand so within each hour, and how many attempts ended in it.
COUNTED_HOURS = """
    SELECT hour, account, campaign, run, accepted, refused, cancelled, held, unknown, attempts FROM hourly_counts
     UNION ALL
    SELECT hour_of(first_at), account, campaign, run,
           CASE became WHEN 'accepted' THEN n ELSE 0 END, CASE became WHEN 'refused' THEN n ELSE 0 END,
           CASE became WHEN 'cancelled' THEN n ELSE 0 END, held, unknown, attempts
      FROM uncounted
     WHERE became IN ('accepted', 'refused', 'cancelled') OR held > 0 OR unknown > 0 OR attempts > 0
"""
