"""The connections that are kept for the next call."""

import threading
from collections import defaultdict

from drumbeat.core.clock import Clock
from drumbeat.infrastructure.http.connection import Connection
from drumbeat.infrastructure.http.message import Origin

# How long an idle connection is used again: below the five seconds after which common servers close it.
KEEP_ALIVE_SECONDS = 4.0


class Pool:
    """Idle connections by origin. Threads may share it; a connection that is taken belongs to the one who took it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._idle: dict[Origin, list[Connection]] = defaultdict(list)

    def take(self, origin: Origin) -> Connection | None:
        """Take out an idle connection that the peer has not closed, or return None."""
        while True:
            with self._lock:
                idle = self._idle[origin]
                connection = idle.pop() if idle else None
            if connection is None or self._is_fresh(connection):
                return connection
            connection.close()

    def give_back(self, connection: Connection) -> None:
        """Keep the connection if another call can be made over it, else close it."""
        if not connection.is_idle:
            return connection.close()
        connection.idle_since = self._clock.elapsed()
        with self._lock:
            self._idle[connection.origin].append(connection)
        return None

    def close(self) -> None:
        """Close the idle connections. The pool stays usable."""
        with self._lock:
            idle = [connection for connections in self._idle.values() for connection in connections]
            self._idle.clear()
        for connection in idle:
            connection.close()

    def _is_fresh(self, connection: Connection) -> bool:
        return self._clock.elapsed() - connection.idle_since < KEEP_ALIVE_SECONDS and connection.wire.is_quiet()
