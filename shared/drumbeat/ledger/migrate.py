"""Bring a database to the schema of this package, with a login for the application that cannot rewrite the ledger."""

from dataclasses import dataclass

import psycopg

from drumbeat.ledger import roles, steps
from drumbeat.ledger.database import verified
from drumbeat.ledger.steps import MigrationFailed

WAKING_CONNECT_TIMEOUT_SECONDS = 20  # a suspended database needs a few seconds to start

NEWEST = "SELECT max(step) FROM migrations"


@dataclass(frozen=True)
class Migrated:
    """What a run did."""

    version: int  # number of the newest step in the database
    applied: tuple[str, ...]  # names of the steps that this run applied
    advice: str | None = None  # what an administrator should do; everything works without it


def migrate(owner_url: str, application_url: str | None = None) -> Migrated:
    """Apply what is missing and prove that the application can log in (when its URL is given).

    Safe to repeat, to run twice at once and to cut at any point. `owner_url` must reach the server itself, not a pool.

    Raises:
        MigrationFailed: says what failed, what still works and what to do.
    """
    try:
        owner = psycopg.connect(
            verified(owner_url), autocommit=True, prepare_threshold=None, connect_timeout=WAKING_CONNECT_TIMEOUT_SECONDS
        )
    except psycopg.OperationalError as error:
        raise MigrationFailed(
            f"The database cannot be reached with ADMIN_DATABASE_URL ({type(error).__name__}). Nothing was changed and "
            f"the version deployed before goes on working. Check host, user, password and firewall; then deploy again."
        ) from None  # the original message quotes host and user
    except psycopg.ProgrammingError:  # its message quotes the URL, password and all
        raise MigrationFailed(
            "ADMIN_DATABASE_URL is not a connection string. Nothing was changed and the version deployed before goes "
            "on working. Write it as postgresql://user:password@host/database; then deploy again."
        ) from None
    with owner:
        roles.prepare(owner, application_url)
        applied = steps.apply(owner, steps.packaged())
        newest = owner.execute(NEWEST).fetchone()
    assert newest is not None
    advice = roles.check(application_url) if application_url else None
    return Migrated(newest[0], tuple(applied), advice)
