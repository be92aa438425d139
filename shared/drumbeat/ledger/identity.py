"""Which database the ledger is, by its own word: its address may lead elsewhere tomorrow."""

from psycopg.errors import InsufficientPrivilege, UndefinedFunction

from drumbeat.ledger.database import Database

# A copy made file by file (a restored snapshot, a branch) has the same identity; one made by dump and restore has not.
IDENTITY = """
    SELECT system_identifier || '/' || oid AS identity
      FROM pg_control_system(), pg_database
     WHERE datname = current_database()
"""


def identity(db: Database) -> str:
    """Return the server's own number and the database's; empty where the server does not say.

    Raises psycopg.OperationalError.
    """
    try:
        found: str = db.run(IDENTITY)[0]["identity"]
    except (InsufficientPrivilege, UndefinedFunction):  # not every host offers the function
        return ""
    return found
