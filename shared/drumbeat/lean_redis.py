"""Redis over one kept connection, for a process that does one thing at a time.

redis-py's own way of a command leads through a pool, retries and telemetry: two hundred calls of Python, a quarter of
what ingest spends on an event. A handler process has one connection and wants no retries, so it sends and reads.
"""

from typing import Any, Self, override

from redis import ConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError
from redis.retry import Retry

from drumbeat.clock import SystemClock

TIMEOUT = 0.25  # seconds; Redis only ever slows us, so it gets little time to do so
IDLE = 1.0  # seconds after which the server may have hung up, or we may have been frozen


class LeanRedis(Redis):
    """A client for one thread. Its commands raise RedisError; none is ever sent twice."""

    def __init__(self, pool: ConnectionPool) -> None:
        super().__init__(connection_pool=pool)
        self._link: Any = None  # a redis.connection.AbstractConnection, whose methods have no types
        self._unread = 0  # answers of posted commands that are still to come
        self._elapsed = SystemClock().elapsed
        self._used_at = 0.0

    @classmethod
    def at(cls, url: str) -> Self:
        """Return a client of the server at a URL; it connects when first used."""
        limits = {"socket_timeout": TIMEOUT, "socket_connect_timeout": TIMEOUT, "retry": Retry(NoBackoff(), 0)}
        return cls(ConnectionPool.from_url(url, protocol=2, **limits))

    @override
    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Send one command and return its answer."""
        link = self._ready()
        link.send_packed_command(link.pack_command(*args), check_health=False)
        return self.parse_response(link, args[0], **options)  # type: ignore[no-untyped-call]

    def post(self, *args: str | int) -> None:
        """Send one command and wait for nothing: whether it was carried out is not known.

        Its answer is read, and dropped, before the next command.
        """
        link = self._ready()
        link.send_packed_command(link.pack_command(*args), check_health=False)
        self._unread += 1

    @override
    def close(self) -> None:
        """Close the connection; the next command opens another."""
        self._unread = 0
        if self._link is not None:
            self._link.disconnect()
        super().close()

    def _ready(self) -> Any:  # noqa: ANN401
        """Return the connection with nothing left to read on it."""
        if self._link is None:
            self._link = self.connection_pool.get_connection()
        link = self._link
        while self._unread:
            self._unread -= 1
            try:
                link.read_response()
            except ResponseError:
                continue
            except RedisError:
                self._unread = 0  # it is closed, and with it all that was still to come
        before, self._used_at = self._used_at, self._elapsed()
        if self._used_at - before > IDLE and link.is_connected and _ended(link):
            link.disconnect()
        return link


def _ended(link: Any) -> bool:  # noqa: ANN401
    """Tell whether the server has hung up. Nobody has been asked, so whatever can be read is the end as well."""
    try:
        return bool(link.can_read())
    except RedisError:
        return True
