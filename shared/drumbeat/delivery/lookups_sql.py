"""The control of a search: something that it must be able to see."""

from datetime import timedelta

from drumbeat.delivery.effects import Control
from drumbeat.ledger.database import Database

# The control of a search: the newest acceptance under the same identity that is older than the provider's lag.
CONTROL = """
    SELECT o.effect_id, o.generation, a.opened_at
      FROM outcomes o
      JOIN attempts a ON a.effect_id = o.effect_id AND a.n = o.n
     WHERE o.identity = %(identity)s
       AND o.kind IN ('accepted', 'found')
       AND o.at <= drumbeat_now() - %(lag)s
     ORDER BY o.at DESC
     LIMIT 1
"""


def control(db: Database, identity: str, lag: timedelta) -> Control | None:
    """Find what a search under this identity must be able to see; None when nothing is old enough."""
    rows = db.run(CONTROL, {"identity": identity, "lag": lag})
    return Control(**rows[0]) if rows else None
