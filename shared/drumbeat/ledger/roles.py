"""The application's role in Postgres: may append and read, never rewrite. Migrations grant, this creates the login."""

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from drumbeat.ledger.database import verified
from drumbeat.ledger.steps import MigrationFailed

GROUP = "drumbeat_app"
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


def check(application_url: str) -> None:
    """Log in as the application would and read; what fails here would fail in every function.

    Raises:
        MigrationFailed: says why the URL cannot be used.
    """
    try:
        with psycopg.connect(
            verified(application_url), autocommit=True, prepare_threshold=None, connect_timeout=10
        ) as ours:
            row = ours.execute("SELECT has_table_privilege('journal', 'DELETE, UPDATE, TRUNCATE')").fetchone()
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
