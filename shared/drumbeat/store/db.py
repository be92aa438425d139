"""One connection to Postgres, fit for a Lambda environment and for PgBouncer in transaction mode."""

import select
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, LiteralString

import psycopg
from psycopg.rows import dict_row

from drumbeat.errors import SettingsError

CONNECT_TIMEOUT = 5  # seconds
# A server that vanished without a word (a failover, a cut network) is given up after this: the door then buffers, well
# before its function's time is over. Any other would be waited for until the function ends with answers in hand.
SILENCE: dict[str, Any] = {
    "keepalives_idle": 4,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}

type Row = dict[str, Any]
type Parameters = Mapping[str, Any] | Sequence[Any]


class Database:
    """A connection that is opened when first used, replaced when found dead, and commits each statement.

    A statement is sent once: when the answer is lost, psycopg.OperationalError is raised and nobody here guesses
    whether it was carried out.
    """

    def __init__(self, url: str, *, direct: bool = False) -> None:
        """`direct`: no pooler in between, so statements may be prepared, which saves the server planning them."""
        self.url = url
        self._prepare_after = 1 if direct else None
        self._connection: psycopg.Connection[Row] | None = None
        self.round_trips = 0  # statements sent so far

    def run(self, sql: LiteralString, parameters: Parameters | None = None) -> list[Row]:
        """Run one statement and return its rows; outside `transaction` it is its own commit.

        Raises psycopg.Error; the connection is dropped when it is no longer usable.
        """
        connection = self._usable()
        self.round_trips += 1
        try:
            cursor = connection.execute(sql, parameters)
            return cursor.fetchall() if cursor.description else []
        finally:
            if connection.closed:
                self._connection = None

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
        if self._connection is None:
            try:
                self._connection = psycopg.connect(
                    self.url,
                    autocommit=True,
                    row_factory=dict_row,
                    # A pooler in transaction mode hands the next statement to another server connection.
                    prepare_threshold=self._prepare_after,
                    connect_timeout=CONNECT_TIMEOUT,
                    application_name="drumbeat",
                    **SILENCE,
                )
            except psycopg.ProgrammingError:  # its message quotes the URL, password and all
                raise SettingsError("DATABASE_URL is not a connection string. Nothing was lost.") from None
        return self._connection


def _hung_up(connection: psycopg.Connection[Row]) -> bool:
    """Tell whether the server has closed the connection while we were away (a frozen function, a restart).

    Between statements the server says nothing, so anything to read is an end of file or a fatal error.
    """
    if connection.closed:
        return True
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN | select.POLLHUP | select.POLLERR)
    return bool(poll.poll(0))
