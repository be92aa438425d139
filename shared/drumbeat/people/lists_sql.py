"""Which lists there are, and which there were."""

from drumbeat.ledger.database import Database

NAMES = """
    SELECT jsonb_object_keys(compiled -> 'lists') AS name
      FROM (SELECT compiled FROM configs ORDER BY version DESC LIMIT 1) AS newest
     ORDER BY name
"""

EVER = "SELECT EXISTS (SELECT FROM configs WHERE compiled -> 'lists' ? %(name)s) AS known"


def names(db: Database) -> list[str]:
    """Name the lists of the configuration in force."""
    return [row["name"] for row in db.run(NAMES)]


def ever(db: Database, name: str) -> bool:
    """Return whether any version of the configuration had this list."""
    return bool(db.run(EVER, {"name": name})[0]["known"])
