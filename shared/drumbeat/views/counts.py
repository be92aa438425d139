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
