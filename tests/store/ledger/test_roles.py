"""The application's login, against a Postgres that asks for passwords."""

import secrets
import shutil
import traceback
import uuid
from collections.abc import Iterator

import psycopg
import pytest

from drumbeat.core.errors import SettingsError
from drumbeat.ledger.database import Database
from drumbeat.ledger.migrate import migrate
from drumbeat.ledger.roles import LOCK_TIMEOUT_SECONDS
from drumbeat.ledger.steps import MigrationFailed
from drumbeat.local.servers import Postgres


@pytest.fixture
def guarded(postgres: Postgres) -> Iterator[Postgres]:
    """The same server, asking everybody but the superuser for a password."""
    rules = postgres.home / "data" / "pg_hba.conf"
    before = rules.with_suffix(".before")
    shutil.copy2(rules, before)
    rules.write_text("host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n")
    _reload(postgres)
    yield postgres
    shutil.copy2(before, rules)
    _reload(postgres)


@pytest.fixture
def server(guarded: Postgres) -> Iterator["Server"]:
    with psycopg.connect(guarded.url(), autocommit=True) as admin:
        server = Server(guarded, admin)
        yield server
        admin.execute(f"DROP DATABASE {server.database} WITH (FORCE)".encode())
        for role in reversed(server.roles):
            admin.execute(f"DROP ROLE IF EXISTS {role}".encode())


class Server:
    """A database of its own and names that no other test uses."""

    def __init__(self, postgres: Postgres, admin: psycopg.Connection) -> None:
        self.admin = admin
        self.roles: list[str] = []
        self.database = f"r{uuid.uuid4().hex}"
        self._port = postgres.port
        self.owner = postgres.url(self.database)
        admin.execute(f"CREATE DATABASE {self.database}".encode())

    def login(self, password: str) -> str:
        """Return the URL of a role that may or may not exist yet."""
        role = f"app_{secrets.token_hex(4)}"
        self.roles.append(role)
        return self.url(role, password)

    def url(self, role: str, password: str) -> str:
        return f"postgresql://{role}:{password}@127.0.0.1:{self._port}/{self.database}"


def _reload(postgres: Postgres) -> None:
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        admin.execute("SELECT pg_reload_conf()")


def test_a_missing_login_is_made_with_the_password_of_its_url(server: Server) -> None:
    url = server.login("s3cret-of-the-app")

    migrate(server.owner, url)

    with psycopg.connect(url) as application:
        assert application.execute("SELECT count(*) FROM events").fetchone() == (0,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            application.execute("DELETE FROM journal")


def test_no_statement_of_the_application_waits_long_for_a_lock(server: Server) -> None:
    url = server.login("s3cret-of-the-app")

    for _ in range(2):
        assert migrate(server.owner, url).advice is None

    assert lock_timeout(url) == f"{LOCK_TIMEOUT_SECONDS}s"
    assert lock_timeout(server.owner) == "0"  # a migration has its own


def test_a_shorter_limit_of_the_users_own_stays_and_a_longer_one_does_not(server: Server) -> None:
    url = server.login("s3cret-of-the-app")
    migrate(server.owner, url)
    for theirs, then in (("500ms", "500ms"), ("1h", f"{LOCK_TIMEOUT_SECONDS}s")):
        server.admin.execute(
            f"ALTER ROLE {server.roles[0]} IN DATABASE {server.database} SET lock_timeout = '{theirs}'".encode()
        )

        migrate(server.owner, url)

        assert lock_timeout(url) == then


def test_a_role_that_may_not_limit_itself_is_reported_and_nothing_fails(server: Server) -> None:
    url = server.login("s3cret-of-the-app")
    migrate(server.owner, url)
    server.admin.execute(f"ALTER ROLE {server.roles[0]} IN DATABASE {server.database} RESET ALL".encode())
    server.admin.execute(f"ALTER ROLE {server.roles[0]} SET default_transaction_read_only = on".encode())

    done = migrate(server.owner, url)

    assert done.advice is not None
    assert f"ALTER ROLE {server.roles[0]} IN DATABASE" in done.advice.replace('"', "")


def lock_timeout(url: str) -> str:
    with psycopg.connect(url) as connection:
        row = connection.execute("SHOW lock_timeout").fetchone()
    assert row is not None
    return str(row[0])


def test_a_second_run_with_the_same_url_is_harmless(server: Server) -> None:
    url = server.login("s3cret-of-the-app")
    migrate(server.owner, url)

    assert migrate(server.owner, url).applied == ()


def test_an_existing_login_keeps_its_password_and_the_difference_is_reported(server: Server) -> None:
    url = server.login("first-password")
    migrate(server.owner, url)

    with pytest.raises(MigrationFailed, match=r"cannot log in with DATABASE_URL.*ALTER ROLE") as failure:
        migrate(server.owner, url.replace("first-password", "another-password"))

    assert "another-password" not in str(failure.value)
    migrate(server.owner, url)


def test_the_owner_may_not_be_the_application_too(server: Server) -> None:
    with pytest.raises(MigrationFailed, match="both log in as 'postgres'"):
        migrate(server.owner, server.owner)


def test_an_owner_without_the_right_to_make_roles_is_shown_what_to_run(server: Server) -> None:
    owner = server.login("owners-password")
    role = server.roles[0]
    server.admin.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'owners-password'".encode())
    server.admin.execute(f"ALTER DATABASE {server.database} OWNER TO {role}".encode())

    with pytest.raises(MigrationFailed, match=r"may not create the role 'app_\w+'.*CREATE ROLE app_\w+ LOGIN PASSWORD"):
        migrate(owner, server.login("never-used"))


def test_an_owner_with_createrole_needs_no_superuser(server: Server) -> None:
    owner = server.login("owners-password")
    role = server.roles[0]
    server.admin.execute(f"CREATE ROLE {role} LOGIN CREATEROLE PASSWORD 'owners-password'".encode())
    server.admin.execute(f"GRANT drumbeat_app TO {role} WITH ADMIN OPTION".encode())
    server.admin.execute(f"ALTER DATABASE {server.database} OWNER TO {role}".encode())
    application = server.login("s3cret-of-the-app")

    migrate(owner, application)

    with psycopg.connect(application) as connection:
        assert connection.execute("SELECT count(*) FROM journal").fetchone() == (0,)


@pytest.mark.parametrize("url", ['"postgresql://u:s3cret@host/db"', " postgresql://u:s3cret@host/db", "u:s3cret@host"])
def test_a_url_that_is_none_is_named_and_not_quoted(server: Server, url: str) -> None:
    with pytest.raises(SettingsError) as in_a_function:
        Database(url).run("SELECT 1")
    with pytest.raises(MigrationFailed) as as_application:
        migrate(server.owner, url)
    with pytest.raises(MigrationFailed) as as_owner:
        migrate(url)

    for failure, name in (
        (in_a_function, "DATABASE_URL"),
        (as_application, "DATABASE_URL"),
        (as_owner, "ADMIN_DATABASE_URL"),
    ):
        logged = "".join(traceback.format_exception(failure.value))
        assert "s3cret" not in logged
        assert f"{name} is not a connection string" in logged
