"""A connection to a peer, and how one is made."""

import socket
import ssl
import threading

import certifi
import httpcore

from drumbeat.addresses import Resolver, connect
from drumbeat.http.message import Origin
from drumbeat.http.wire import Wire
from drumbeat.term import Fault, Term


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
        """Whether the last reply was read to its end and the connection may serve another call."""
        return self._http.is_idle()

    def exchange(self, request: httpcore.Request) -> httpcore.Response:
        """Send the request and read the head of its reply."""
        response = self._http.handle_request(request)
        if not self.wire.started:
            raise Fault("the peer answered before it was asked")
        return response

    def close(self) -> None:
        """Close the socket, whatever the connection is in the middle of."""
        self._http.close()


class Connector:
    """Makes connections, by default to addresses of the open internet only. Threads may share it."""

    def __init__(self, resolver: Resolver, *, allow_private: bool) -> None:
        self._resolve = resolver
        self._allow_private = allow_private
        self._lock = threading.Lock()
        self._tls: ssl.SSLContext | None = None

    def connect(self, origin: Origin, term: Term) -> Connection:
        """Connect to an address that was checked, shaking hands where the scheme asks for it. Raises OSError."""
        addresses = self._resolve(origin.host, origin.port, term.left_to_start())
        sock = connect(addresses, origin.port, term, allow_private=self._allow_private)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if origin.scheme == "https":
                sock.settimeout(term.left_to_start())
                sock = self._tls_context().wrap_socket(sock, server_hostname=origin.host)
        except BaseException:
            sock.close()
            raise
        return Connection(origin, Wire(sock, term))

    def _tls_context(self) -> ssl.SSLContext:
        """Return the one TLS context, made at the first handshake: reading the trust store takes 20 ms.

        The machine's own store comes first, so that an operator's private authority counts.
        """
        with self._lock:
            if self._tls is None:
                context = ssl.create_default_context()
                if not context.cert_store_stats()["x509_ca"]:
                    context.load_verify_locations(certifi.where())
                context.set_alpn_protocols(["http/1.1"])
                self._tls = context
            return self._tls
