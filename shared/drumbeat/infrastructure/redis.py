"""Redis over one kept connection, for a process that does one thing at a time.

redis-py's client runs each command through a pool, retries and telemetry, and a pipeline through more of them. A
handler process has one connection and wants no retries, so it uses redis-py's connection itself: pack, send, read.

Every key begins with the prefix of the installation that owns it, so that many can use one server: it is added here,
where every command passes, and a command is sent only if it is known where it names its keys.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Self

from redis import ConnectionPool, SSLConnection, UnixDomainSocketConnection
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as NoConnection
from redis.exceptions import RedisError, ResponseError
from redis.retry import Retry

from drumbeat.core.clock import SystemClock
from drumbeat.infrastructure.plain_text import may_be_plain

REDIS_TIMEOUT_SECONDS = 0.25  # short: work goes on without Redis, so waiting for it only costs time
REDIS_RETRY_SECONDS = 1.0  # after a failure Redis is not called again for this long
IDLE_CHECK_SECONDS = 1.0  # after this the server may have hung up, or the process may have been frozen

type Argument = str | bytes | int | float

# Where each command that Drumbeat uses names its keys.
_NOWHERE, _FIRST, _ALL = slice(1, 1), slice(1, 2), slice(1, None)
_KEYS: Mapping[str, slice] = {
    "PING": _NOWHERE,
    "DEL": _ALL,
    **dict.fromkeys(("GET", "SET", "INCR", "EXPIRE", "PTTL", "HSET"), _FIRST),
    **dict.fromkeys(("ZADD", "ZREM", "ZRANGE", "ZSCORE", "ZMSCORE", "ZREMRANGEBYSCORE"), _FIRST),
}
_SCRIPTS = ("EVAL", "EVALSHA")  # these say themselves how many keys they name, from the third place on


class SharedKey(str):
    """A key without a prefix: every installation on a server knows it by the same name."""

    __slots__ = ()


class PlainText(NoConnection):
    """The URL asks for a connection without TLS to another machine: none is made."""

    def __init__(self) -> None:
        super().__init__(
            "redis:// to another host is refused: passwords and ids would travel unencrypted; use rediss://"
        )


def accepted(replies: list[Any], *, but: int | None = None) -> list[Any]:
    """Return the replies of `run_all`; raises the first that is an error, but for that at one place."""
    for place, reply in enumerate(replies):
        if place != but and isinstance(reply, RedisError):
            raise reply
    return replies


class LeanRedis:
    """A client for one thread; it connects when first used. All of it raises RedisError; nothing is ever sent twice.

    Answers are as they come in Redis' protocol 2: text as bytes, scores as text.
    """

    def __init__(self, connection: Any, prefix: str, *, refused: bool = False) -> None:  # noqa: ANN401 - redis.connection has no types
        """`refused`: the connection is never made; each command raises PlainText."""
        self.refused = refused
        self._connection = connection
        self._prefix = prefix  # of every key; without braces, which keep what belongs together on one node of a cluster
        self._unread = 0  # answers of posted commands that are still to come
        self._elapsed = SystemClock().elapsed
        self._used_at = 0.0

    @classmethod
    def at(cls, url: str, prefix: str, *, local: bool = False) -> Self:
        """Return a client of the server at a URL; `local`: it may be beside this machine, without TLS.

        Raises ValueError for a URL of another form.
        """
        limits = {
            "socket_timeout": REDIS_TIMEOUT_SECONDS,
            "socket_connect_timeout": REDIS_TIMEOUT_SECONDS,
            "retry": Retry(NoBackoff(), 0),
        }
        # Without a driver's name: sending it costs two round trips at every start.
        pool = ConnectionPool.from_url(url, protocol=2, driver_info=None, **limits)
        return cls(pool.make_connection(), prefix, refused=is_plain(pool, local=local))

    def key(self, name: Argument) -> str:
        """Return a key as the server knows it. Raises TypeError for one that is not text."""
        if not isinstance(name, str):
            raise TypeError(f"a key is text, and this is none: {name!r}")
        return name if isinstance(name, SharedKey) else self._prefix + name

    def run(self, *command: Argument) -> Any:  # noqa: ANN401 - as many kinds as commands
        """Send one command and return its answer."""
        self._send([command])
        return self._connection.read_response()

    def run_all(self, commands: Sequence[Sequence[Argument]]) -> list[Any]:
        """Send commands together and return their answers in order; one that was refused is a ResponseError there."""
        self._send(commands)
        return [self._answer() for _ in commands]

    def post(self, *command: Argument) -> None:
        """Send one command and do not wait: whether it was carried out is not known.

        Its answer is read, and dropped, before the next command.
        """
        self._send([command])
        self._unread += 1

    def get(self, name: Argument) -> bytes | None:
        """Return a value, or None when it does not exist."""
        value: bytes | None = self.run("GET", name)
        return value

    def set(self, name: str, value: Argument, *, ex: int | None = None, nx: bool = False) -> bool:
        """Write a value, for `ex` seconds. With `nx`, only where none exists: returns whether it was written.

        Without `nx` it is posted: such a value is a copy, and losing it costs its reader one query of the original.
        """
        command = ("SET", name, value, *(("EX", ex) if ex is not None else ()))
        if nx:
            return self.run(*command, "NX") is not None
        self.post(*command)
        return True

    def delete(self, name: str) -> None:
        """Remove a value."""
        self.run("DEL", name)

    def close(self) -> None:
        """Close the connection; the next command opens another."""
        self._unread = 0
        self._connection.disconnect()

    def _send(self, commands: Sequence[Sequence[Argument]]) -> None:
        """Send commands over a connection that has no unread answers and was not closed by the server."""
        if self.refused:
            raise PlainText
        while self._unread:
            self._unread -= 1
            try:
                self._answer()
            except RedisError:
                self._unread = 0  # the connection is closed: the other answers are lost with it
        before, self._used_at = self._used_at, self._elapsed()
        if self._used_at - before > IDLE_CHECK_SECONDS and self._connection.is_connected and self._ended():
            self._connection.disconnect()
        named = [self._named(command) for command in commands]
        self._connection.send_packed_command(self._connection.pack_commands(named), check_health=False)

    def _named(self, command: Sequence[Argument]) -> list[Argument]:
        """Return a command with its keys as the server knows them."""
        verb = str(command[0]).upper()
        if verb in _SCRIPTS:
            keys = slice(3, 3 + int(command[2]))
        elif verb in _KEYS:
            keys = _KEYS[verb]
        else:
            raise RuntimeError(f"{verb}: where it names its keys is not known in {__name__}")
        names = command[keys]
        rest = command[keys.start + len(names) :]
        return [*command[: keys.start], *(self.key(name) for name in names), *rest]

    def _answer(self) -> Any:  # noqa: ANN401
        try:
            return self._connection.read_response()
        except ResponseError as refusal:
            return refusal

    def _ended(self) -> bool:
        """Return whether the server has closed the connection: no answer is due, so anything to read means that."""
        try:
            return bool(self._connection.can_read())
        except RedisError:
            return True


def is_plain(pool: ConnectionPool, *, local: bool) -> bool:
    """Return whether a pool's connections would go to another machine without TLS."""
    if issubclass(pool.connection_class, SSLConnection | UnixDomainSocketConnection):
        return False
    return not may_be_plain(str(pool.connection_kwargs.get("host", "")), local=local)
