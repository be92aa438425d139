"""Which attributes leads have."""

from drumbeat.ledger.database import Database

NEWEST = 2_000  # leads that are looked at
ATTRIBUTES = """
    SELECT DISTINCT name
      FROM (SELECT attributes FROM leads ORDER BY since DESC, contact LIMIT %(newest)s) AS newest
     CROSS JOIN LATERAL jsonb_object_keys(newest.attributes) AS name
"""


def attributes(db: Database) -> set[str]:
    """Name the attributes of the newest leads; none where there are no leads."""
    return {row["name"] for row in db.run(ATTRIBUTES, {"newest": NEWEST})}
