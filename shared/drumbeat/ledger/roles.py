"""The application's role in Postgres: may append and read, never rewrite. Migrations grant, this creates the login."""

from contextlib import suppress

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from drumbeat.ledger.database import verified
from drumbeat.ledger.steps import MigrationFailed

GROUP = "drumbeat_app"
# No statement of the application waits longer for a lock: ingest then buffers, well within its DATABASE_PATIENCE, and a
# worker leaves out what is locked, well within a lease. Ours hold locks for milliseconds.
LOCK_TIMEOUT_SECONDS = 2
LOCK_TIMEOUT = """
    SELECT setting::int / 1000.0, current_database(), current_user FROM pg_settings WHERE name = 'lock_timeout'
"""  # the names are the server's: a pooler may have its own
LIMIT_LOCKS = "ALTER ROLE CURRENT_USER IN DATABASE {} SET lock_timeout = '{}s'"
# Statements over a ledger of some size look dear enough to Postgres to be compiled each time, which takes longer than
# to run them.
NO_COMPILING = "ALTER ROLE CURRENT_USER IN DATABASE {} SET jit = off"
KEPT = "Nothing was changed in the ledger and the version deployed before goes on working."


def prepare(owner: psycopg.Connection, application_url: str | None) -> None:
    """Create the group role `drumbeat_app` and, when a URL is given, its user as a member who can log in.

    A user that is missing is created with the URL's password; one that exists keeps its own, because another stage on
    the same server may be using it. `owner` is in autocommit mode. Safe to repeat.

    Raises:
        MigrationFailed: the owner may not create roles, the URL is not a connection string, or its user is the owner.
    """
    try:
        given = conninfo_to_dict(application_url) if application_url else {}
    except psycopg.ProgrammingError:  # its message quotes the URL, password and all
        raise MigrationFailed(
            f"DATABASE_URL is not a connection string. {KEPT} Write it as postgresql://user:password@host/database; "
            "then deploy again."
        ) from None
    user = str(given.get("user", GROUP))
    if user == owner.info.user:
        raise MigrationFailed(
            f"DATABASE_URL and ADMIN_DATABASE_URL both log in as {user!r}, so nothing would keep the application from "
            f"rewriting the ledger. {KEPT} Give DATABASE_URL another user, for example {GROUP}: it is created for you."
        )
    _create(owner, GROUP, None if user != GROUP else given.get("password"), login=user == GROUP)
    if user != GROUP:
        _create(owner, user, given.get("password"), login=True)
        _join(owner, user)


def check(application_url: str) -> str | None:
    """Log in as the application would and read; what fails here would fail in every function.

    Each later connection of this role to this database waits for locks for at most LOCK_TIMEOUT_SECONDS, also behind a
    pooler: a role may set that for itself. Returns what to do where it may not; nothing else fails then.

    Raises:
        MigrationFailed: says why the URL cannot be used.
    """
    try:
        with psycopg.connect(
            verified(application_url), autocommit=True, prepare_threshold=None, connect_timeout=10
        ) as ours:
            row = ours.execute("SELECT has_table_privilege('journal', 'DELETE, UPDATE, TRUNCATE')").fetchone()
            _compile_nothing(ours)
            unlimited = _limit_locks(ours)
    except psycopg.OperationalError as error:
        user = conninfo_to_dict(application_url).get("user", "")
        raise MigrationFailed(
            f"The schema is up to date, but the application cannot log in with DATABASE_URL as {user!r} "
            f"({type(error).__name__}). Nothing was lost. If the role has another password, either correct the URL or, "
            f"as owner, run ALTER ROLE {user} PASSWORD '...'; then deploy again."
        ) from None  # the original message quotes the host
    except psycopg.Error as error:
        raise MigrationFailed(
            f"The application logs in, but cannot read the ledger: {error.diag.message_primary}. {KEPT}"
        ) from error
    if row is None or row[0]:
        raise MigrationFailed(
            f"The user of DATABASE_URL may rewrite the journal, so it proves nothing. {KEPT} Give DATABASE_URL a user "
            f"that is neither owner nor superuser."
        )
    return unlimited


def _limit_locks(ours: psycopg.Connection) -> str | None:
    """Limit how long this role waits for locks here, unless its limit is as short already."""
    row = ours.execute(LOCK_TIMEOUT).fetchone()
    assert row is not None
    seconds, database, user = row
    if 0 < seconds <= LOCK_TIMEOUT_SECONDS:
        return None
    statement = sql.SQL(LIMIT_LOCKS).format(sql.Identifier(database), sql.SQL(str(LOCK_TIMEOUT_SECONDS)))
    try:
        ours.execute(statement)
    except psycopg.Error:
        return (
            "The application's role may not limit how long it waits for a lock, so a statement of another session can "
            "hold workers up. Let an administrator run: "
            f"{statement.as_string().replace('CURRENT_USER', user)}"
        )
    return None


def _compile_nothing(ours: psycopg.Connection) -> None:
    with suppress(psycopg.Error):  # where it may not, some answers are slower
        database = sql.Identifier(ours.info.dbname)
        ours.execute(sql.SQL(NO_COMPILING).format(database))


def _create(owner: psycopg.Connection, role: str, password: object, *, login: bool) -> None:
    if owner.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).rowcount:
        return
    statement = sql.SQL("CREATE ROLE {}{}").format(sql.Identifier(role), sql.SQL(" LOGIN" if login else ""))
    if password:
        statement += sql.SQL(" PASSWORD {}").format(sql.Literal(str(password)))
    try:
        owner.execute(statement)
    except psycopg.errors.DuplicateObject:
        pass  # another run was faster
    except psycopg.errors.InsufficientPrivilege:
        raise MigrationFailed(
            f"The user of ADMIN_DATABASE_URL may not create the role {role!r}. {KEPT} Either give it CREATEROLE, or "
            f"let an administrator run: CREATE ROLE {role}{' LOGIN PASSWORD ...' if login else ''}; then deploy again."
        ) from None
    except psycopg.Error as error:  # without its query: that holds the password
        raise MigrationFailed(f"The role {role!r} could not be created: {error.diag.message_primary}. {KEPT}") from None


def _join(owner: psycopg.Connection, user: str) -> None:
    if owner.execute("SELECT WHERE pg_has_role(%s, %s, 'USAGE')", [user, GROUP]).rowcount:
        return
    try:
        owner.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(GROUP), sql.Identifier(user)))
    except psycopg.errors.InsufficientPrivilege:
        raise MigrationFailed(
            f"The user of ADMIN_DATABASE_URL may not make {user!r} a member of {GROUP}. {KEPT} Let an administrator "
            f"run: GRANT {GROUP} TO {user}; then deploy again."
        ) from None
