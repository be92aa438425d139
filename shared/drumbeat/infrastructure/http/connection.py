"""A connection to a peer, and how one is made."""

import socket

import httpcore

from drumbeat.infrastructure import tls
from drumbeat.infrastructure.addresses import Resolver, connect
from drumbeat.infrastructure.deadline import CallError, Deadline
from drumbeat.infrastructure.http.message import Origin
from drumbeat.infrastructure.http.wire import Wire

MAX_HEAD_BYTES = 128 * 1024  # of a reply, with all interim ones before it


class Connection:
    """One HTTP/1.1 connection and the wire below it. It serves one call at a time."""

    def __init__(self, origin: Origin, wire: Wire) -> None:
        self.origin = origin
        self.wire = wire
        self.idle_since = 0.0
        self._http = httpcore.HTTP11Connection(
            httpcore.Origin(origin.scheme.encode(), origin.host.encode(), origin.port), wire
        )

    @property
    def is_idle(self) -> bool:
        """Whether the last reply was read to its end, nothing came after it, and another call may be made."""
        return self._http.is_idle() and not self._has_more()

    def exchange(self, request: httpcore.Request) -> httpcore.Response:
        """Send the request and read the head of its reply."""
        self.wire.limit(MAX_HEAD_BYTES)
        response = self._http.handle_request(request)
        self.wire.limit(None)
        if not self.wire.started:
            raise CallError("the peer answered before the request was sent")
        return response

    def close(self) -> None:
        """Close the socket, whatever the connection is in the middle of."""
        self._http.close()

    def _has_more(self) -> bool:
        """Return whether the peer said more than its reply, which would be taken for the reply to the next request.

        What was read with the reply is in the parser alone; httpcore has no public way to it.
        """
        unread, _ = self._http._h11_state.trailing_data
        return bool(unread)


class Connector:
    """Makes connections, by default to addresses of the open internet only. Threads may share it."""

    def __init__(self, resolver: Resolver, *, allow_private: bool) -> None:
        self._resolve = resolver
        self._allow_private = allow_private

    def connect(self, origin: Origin, deadline: Deadline) -> Connection:
        """Connect to an address that was checked, with TLS for https. Raises OSError."""
        addresses = self._resolve(origin.host, origin.port, deadline.remaining_to_start())
        sock = connect(addresses, origin.port, deadline, allow_private=self._allow_private)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if origin.scheme == "https":
                sock.settimeout(deadline.remaining_to_start())
                sock = tls.context().wrap_socket(sock, server_hostname=origin.host)
        except BaseException:
            sock.close()
            raise
        return Connection(origin, Wire(sock, deadline))
