"""One connection to Postgres, fit for a Lambda environment and for PgBouncer in transaction mode."""

import select
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, LiteralString, override

import psycopg
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row
from psycopg.sql import Composed

from drumbeat.core.errors import SettingsError
from drumbeat.infrastructure.plain_text import may_be_plain

CONNECT_TIMEOUT_SECONDS = 5
# A server that vanished without closing the connection (a failover, a cut network) is given up after this: ingest then
# buffers, well before its function's time is over. Otherwise a worker would wait until its function is ended, and lose
# the answers that it holds.
KEEPALIVE: dict[str, Any] = {
    "keepalives_idle": 4,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
# A prepared statement keeps the plan of its first runs: made while a table is small, that plan would read all of it,
# and still do so when it has grown.
STABLE_PLANS: dict[str, Any] = {"options": "-c enable_seqscan=off"}
ENCRYPTED = ("require", "verify-ca", "verify-full")  # what `sslmode` has to be for another machine
HANG_RETRY_SECONDS = 10.0  # after a time-out a `Database` with `patience` does not connect again for this long

type Row = dict[str, Any]


class SessionLost(psycopg.OperationalError):
    """The connection over which a statement had to go is no more; the statement was not sent."""


type Parameters = Mapping[str, Any] | Sequence[Any]


class Database:
    """A connection that is opened when first used, replaced when found dead, and commits each statement.

    A statement is sent once: when the answer is lost, psycopg.OperationalError is raised, and whether it
    was carried out is not known.
    """

    def __init__(self, url: str, *, direct: bool = False, patience: float | None = None) -> None:
        """`direct`: no pooler in between, so statements may be prepared, which saves the server planning them.

        `patience`: seconds after which a server that does not answer counts as unreachable; for a while every statement
        then fails at once.
        """
        self.url = url
        self._patience = patience
        self._retry_at = 0.0
        self._prepare_after = 1 if direct else None
        self._connection: psycopg.Connection[Row] | None = None
        self.round_trips = 0  # statements sent so far
        self.session = 0  # the number of the connection in use: another one may come after an outage
        self._only: int | None = None

    def run(self, sql: LiteralString | Composed, parameters: Parameters | None = None) -> list[Row]:
        """Run one statement and return its rows; outside `transaction` it is its own commit.

        Raises psycopg.Error; the connection is dropped when it is no longer usable.
        """
        started = time.monotonic()
        try:
            return self._run(sql, parameters)
        except psycopg.OperationalError:
            if self._patience is not None and time.monotonic() - started >= self._patience:
                self._retry_at = time.monotonic() + HANG_RETRY_SECONDS
            raise

    def _run(self, sql: LiteralString | Composed, parameters: Parameters | None) -> list[Row]:
        connection = self._usable()
        self.round_trips += 1
        try:
            # What is put together for one question is planned for its values, and kept for no other.
            cursor = connection.execute(sql, parameters, prepare=False if isinstance(sql, Composed) else None)
            return cursor.fetchall() if cursor.description is not None else []
        finally:
            if connection.closed:
                self._connection = None

    @contextmanager
    def patient(self, seconds: float) -> Iterator[None]:
        """Wait for each answer inside for at least so long, where there is a limit: for what reads much by design."""
        before = self._patience
        self._patience = before and max(before, seconds)
        try:
            yield
        finally:
            self._patience = before

    @contextmanager
    def over(self, session: int) -> Iterator[None]:
        """Send what is run inside over that connection, or not at all: where it is no more, SessionLost is raised."""
        self._only = session
        try:
            yield
        finally:
            self._only = None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what is run inside together, or nothing of it."""
        with self._usable().transaction():
            yield

    def close(self) -> None:
        """Close the connection; the next use opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _usable(self) -> psycopg.Connection[Row]:
        if self._connection is not None and _hung_up(self._connection):
            self.close()
        if self._only is not None and (self._connection is None or self._only != self.session):
            raise SessionLost("the connection was lost meanwhile")
        if self._connection is None:
            if time.monotonic() < self._retry_at:
                raise psycopg.OperationalError("the server did not answer a moment ago")
            self._connection = self._connect()
            self.session += 1
        if isinstance(self._connection, _Connection):
            self._connection.patience = self._patience
        return self._connection

    def _connect(self) -> psycopg.Connection[Row]:
        try:
            return _Connection.connect(
                verified(self.url),
                autocommit=True,
                row_factory=dict_row,
                # A pooler in transaction mode hands the next statement to another server connection.
                prepare_threshold=self._prepare_after,
                connect_timeout=CONNECT_TIMEOUT_SECONDS,
                application_name="drumbeat",
                **(STABLE_PLANS if self._prepare_after else {}),
                **KEEPALIVE,
            )
        except psycopg.ProgrammingError:  # its message quotes the URL, password and all
            raise SettingsError("DATABASE_URL is not a connection string. Nothing was lost.") from None


class _Connection(psycopg.Connection[Row]):
    """A connection that is given up when an answer does not come within its patience."""

    patience: float | None = None

    @override
    def wait[T](self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        try:
            return super().wait(gen, interval, self.patience if timeout is None else timeout)
        except psycopg.OperationalError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                self.close()  # the late answer would be read as that of the next statement
            raise


def address(url: str) -> str:
    """Return which database a URL leads to: its host, port and name, without who logs in, and how."""
    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError:  # it leads nowhere
        return ""
    return f"{parts.get('host') or parts.get('hostaddr')}:{parts.get('port') or 5432}/{parts.get('dbname')}"


def encrypted(url: str, *, local: bool) -> str:
    """Return the URL, which asks for TLS where it leads to another machine: without it libpq may do without.

    `local`: under `drumbeat dev` a server beside this machine may be without.
    """
    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError:  # it leads nowhere, and connecting says so
        return url
    hosts = f"{parts.get('host') or ''},{parts.get('hostaddr') or ''}".split(",")
    if parts.get("sslmode") in ENCRYPTED or all(may_be_plain(host, local=local) for host in hosts):
        return url
    return make_conninfo(url, sslmode="require")


def verified(url: str) -> str:
    """Return the URL with the public certificate authorities added, where it asks for verification and names none.

    libpq would look for a file in a home folder, which a function does not have.
    """
    parts = conninfo_to_dict(url)
    if not str(parts.get("sslmode", "")).startswith("verify-") or "sslrootcert" in parts:
        return url
    import certifi

    return make_conninfo(url, sslrootcert=certifi.where())


def _hung_up(connection: psycopg.Connection[Row]) -> bool:
    """Return whether the server has closed the connection meanwhile (a frozen function, a restart).

    Between statements the server says nothing, so anything to read is an end of file or a fatal error.
    """
    if connection.closed:
        return True
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN | select.POLLHUP | select.POLLERR)
    return bool(poll.poll(0))
