"""What a stack's ledger needs before the first request: a database, its schema, the clock's shift, a first key."""

from datetime import timedelta

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from drumbeat.access import sql as access_sql
from drumbeat.access.keys import SCOPES, mint
from drumbeat.ledger.migrate import migrate
from drumbeat.ledger.roles import GROUP
from drumbeat.local.servers import Postgres
from drumbeat.services import Services

DATABASE = "drumbeat"
FIRST_KEY = "local"

# The shift is the owner's to set: the application may only read the clock.
SHIFT = "UPDATE clock SET shift = %s"
SHIFTED = "SELECT shift FROM clock"


def urls(postgres: Postgres) -> dict[str, str]:
    """Return the two URLs of an embedded server: the application's and the owner's."""
    return {
        "DATABASE_URL": postgres.url(DATABASE, user=GROUP),
        "ADMIN_DATABASE_URL": postgres.url(DATABASE),
        "DATABASE_DIRECT": "1",
    }


def prepare(owner_url: str, application_url: str, shift: timedelta | None) -> timedelta:
    """Bring the ledger up to date and set its clock; returns the shift in force (None given: as it was left).

    Raises MigrationFailed when the database cannot be used.
    """
    _create_database(owner_url)
    migrate(owner_url, application_url if application_url != owner_url else None)
    with psycopg.connect(owner_url, autocommit=True) as owner:
        if shift is not None:
            owner.execute(SHIFT, [shift])
        row = owner.execute(SHIFTED).fetchone()
    assert row is not None
    kept: timedelta = row[0]
    return kept


def first_key(services: Services) -> str:
    """Make the key that a local stack starts with; it may do everything, and is the same after each restart."""
    name = f"the local stack's own, with {', '.join(SCOPES)}"  # its token does not say `people`
    access_sql.add(services.db, FIRST_KEY, name, SCOPES, actor="drumbeat dev")
    services.db.close()
    return mint(services.key_secret, FIRST_KEY, SCOPES)


def _create_database(url: str) -> None:
    """Create the database of a URL where the server is there and the database is not."""
    name = conninfo_to_dict(url).get("dbname")
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError:
        with psycopg.connect(make_conninfo(url, dbname="postgres"), autocommit=True, connect_timeout=5) as owner:
            if not owner.execute("SELECT FROM pg_database WHERE datname = %s", [name]).rowcount:
                owner.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(str(name))))
