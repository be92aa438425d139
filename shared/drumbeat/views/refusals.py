"""What was refused lately, by account."""

from collections.abc import Mapping
from datetime import timedelta

from drumbeat.ledger.database import Database
from drumbeat.views.totals import WINDOW

REFUSED = """
    SELECT account, count(*) AS effects
      FROM effects
     WHERE status = 'refused' AND updated_at >= drumbeat_now() - %(window)s::interval
     GROUP BY account
"""


def refused_lately(db: Database, window: timedelta = WINDOW) -> Mapping[str, int]:
    """Count the effects that were refused within the window, and are still."""
    return {row["account"]: row["effects"] for row in db.run(REFUSED, {"window": window})}
