"""The clock that every statement reads."""

from datetime import datetime

from drumbeat.ledger.database import Database

NOW = "SELECT drumbeat_now() AS now"


def now(db: Database) -> datetime:
    """Return the ledger's time. Raises psycopg.Error, also when the schema has no clock yet."""
    instant: datetime = db.run(NOW)[0]["now"]
    return instant
