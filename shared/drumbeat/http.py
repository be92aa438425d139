"""One HTTP call: exactly one request on the wire, inside one budget of time, and certainty about what left.

The only module that knows an HTTP library. It takes the library's HTTP/1.1 state machine and nothing else: sockets,
the pool and the clock are ours, so that nothing can redirect, retry or send a second time behind our back.
"""

import os
import select
import socket
import ssl
import threading
from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

import certifi
import httpcore

from drumbeat import __version__
from drumbeat.addresses import Resolver, connect, resolve
from drumbeat.clock import Clock, SystemClock
from drumbeat.outcomes import NotSent, Unknown
from drumbeat.providers.base import Reply, Request
from drumbeat.term import Fault, Term

REPLY_LIMIT = 64 * 1024  # bytes of body
# Seconds an idle connection is trusted: below the five after which common servers hang up without a word.
KEEP_ALIVE = 4.0
USER_AGENT = f"drumbeat/{__version__}"
_PORTS = {"http": 80, "https": 443}
_MALFORMED = "the request is malformed"
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})

type Failure = NotSent | Unknown


class Caller:
    """Makes calls over kept-alive connections. Threads may share it; each call has a connection to itself."""

    def __init__(
        self,
        clock: Clock,
        *,
        allow_private: bool = False,
        reply_limit: int = REPLY_LIMIT,
        resolver: Resolver = resolve,
    ) -> None:
        self._clock = clock
        self._allow_private = allow_private
        self._reply_limit = reply_limit
        self._resolve = resolver
        self._lock = threading.Lock()
        self._idle: dict[_Origin, list[_Connection]] = defaultdict(list)
        self._tls: ssl.SSLContext | None = None

    def call(self, request: Request, *, deadline: float, budget: float) -> Reply | Failure:
        """Send the request once and return its complete reply, or what is certain about it if there is none.

        `deadline` is an instant of `clock.elapsed()`: at or after it no first byte is written. `budget` is in seconds
        and covers everything from here on, whatever the peer does. NotSent means that not one byte of the request
        left; Unknown, that some did. Redirects are replies like any other. Unless private addresses are allowed, only
        addresses of the open internet are connected to, and the address that was checked is the one that is used.
        """
        term = Term(self._clock, deadline, self._clock.elapsed() + budget)
        connection = None
        try:
            origin, message = _message(request)
            connection = self._take(origin) or self._connect(origin, term)
            connection.wire.lend(term)
            reply = connection.exchange(message, self._reply_limit)
        except (OSError, httpcore.ProtocolError) as error:
            if connection is None:
                return NotSent(_why(error, started=False))
            connection.close()
            return (
                Unknown(_why(error, started=True)) if connection.wire.started else NotSent(_why(error, started=False))
            )
        self._give_back(origin, connection)
        return reply

    def close(self) -> None:
        """Close the idle connections. The caller stays usable."""
        with self._lock:
            idle = [connection for connections in self._idle.values() for connection in connections]
            self._idle.clear()
        for connection in idle:
            connection.close()

    def _take(self, origin: "_Origin") -> "_Connection | None":
        """Lend an idle connection that the peer has not closed, if there is one."""
        while True:
            with self._lock:
                idle = self._idle[origin]
                connection = idle.pop() if idle else None
            if connection is None or self._fresh(connection):
                return connection
            connection.close()

    def _give_back(self, origin: "_Origin", connection: "_Connection") -> None:
        if not connection.http.is_idle():
            return connection.close()
        connection.idle_since = self._clock.elapsed()
        with self._lock:
            self._idle[origin].append(connection)
        return None

    def _fresh(self, connection: "_Connection") -> bool:
        return self._clock.elapsed() - connection.idle_since < KEEP_ALIVE and connection.wire.is_quiet()

    def _connect(self, origin: "_Origin", term: Term) -> "_Connection":
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
        return _Connection(origin, _Wire(sock, term))

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


def fetch(
    method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes = b"", timeout: float = 30.0
) -> Reply:
    """Make one call for a person at a terminal: any address, replies up to 64 MiB, `timeout` seconds for it all.

    Raises ConnectionError, with a reason fit to print, when there is no complete reply.
    """
    clock = SystemClock()
    caller = Caller(clock, allow_private=True, reply_limit=64 * 1024 * 1024)
    try:
        answer = caller.call(
            Request(method, url, headers or {}, body), deadline=clock.elapsed() + timeout, budget=timeout
        )
    finally:
        caller.close()
    if isinstance(answer, Reply):
        return answer
    raise ConnectionError(answer.reason)


class _Origin(NamedTuple):
    scheme: str
    host: str  # ASCII
    port: int


class _Wire(httpcore.NetworkStream):
    """A connected socket on loan to one call at a time, which pays for every operation from its own time.

    What the library writes is kept back until it begins to read: the request leaves in one piece, there is one place
    where its first byte leaves, and a failure to write is reported there (the library would swallow it).
    """

    def __init__(self, sock: socket.socket, term: Term) -> None:
        self._sock = sock
        self.lend(term)

    def lend(self, term: Term) -> None:
        """Begin a call: no byte of it has been written."""
        self._term = term
        self._kept: list[bytes] = []
        self.started = False

    def is_quiet(self) -> bool:
        """Tell whether the peer has neither hung up nor spoken unasked."""
        if isinstance(self._sock, ssl.SSLSocket) and self._sock.pending():
            return False
        poll = select.poll()
        poll.register(self._sock, select.POLLIN)
        return not poll.poll(0)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - the term rules
        """Keep the bytes until the library wants to read."""
        self._kept.append(buffer)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        """Send what was kept, then read."""
        if self._kept:
            self._send(b"".join(self._kept))
            self._kept.clear()
        self._sock.settimeout(self._term.left())
        return self._sock.recv(max_bytes)

    def close(self) -> None:
        """Close the socket."""
        self._sock.close()

    def _send(self, request: bytes) -> None:
        self._sock.settimeout(self._term.left_to_start())
        self.started = True
        rest = memoryview(request)[self._sock.send(request) :]
        while rest:
            self._sock.settimeout(self._term.left())
            rest = rest[self._sock.send(rest) :]


class _Connection:
    """One HTTP/1.1 connection and the wire below it."""

    def __init__(self, origin: _Origin, wire: _Wire) -> None:
        self.wire = wire
        self.http = httpcore.HTTP11Connection(
            httpcore.Origin(origin.scheme.encode(), origin.host.encode(), origin.port), wire
        )
        self.idle_since = 0.0

    def exchange(self, message: httpcore.Request, limit: int) -> Reply:
        """Send the message and read its reply to the end."""
        response = self.http.handle_request(message)
        try:
            if not self.wire.started:
                raise Fault("the peer answered before it was asked")
            body = bytearray()
            for chunk in response.iter_stream():
                body += chunk
                if len(body) > limit:
                    raise Fault(f"reply over {limit // 1024} KiB")
        finally:
            response.close()
        return Reply(response.status, _joined(response.headers), bytes(body))

    def close(self) -> None:
        self.http.close()


def _message(request: Request) -> tuple[_Origin, httpcore.Request]:
    """Take the URL apart and complete the headers. Raises Fault when no such request can be made."""
    try:
        url = urlsplit(request.url)
        host = url.hostname.encode("idna").decode() if url.hostname else ""
        origin = _Origin(url.scheme, host, url.port or _PORTS[url.scheme])
        target = f"{url.path or '/'}?{url.query}" if url.query else url.path or "/"
        headers = {
            "user-agent": USER_AGENT,
            **{name.lower(): value for name, value in request.headers.items()},
            "host": url.netloc.rpartition("@")[2].encode("idna").decode(),
            "accept-encoding": "identity",
        }
        if request.body or request.method in _WITH_BODY:
            headers["content-length"] = str(len(request.body))
        message = httpcore.Request(
            request.method.encode("ascii"),
            httpcore.URL(scheme=url.scheme, host=host, port=origin.port, target=target),
            headers=[(name.encode("ascii"), value.encode()) for name, value in headers.items()],
            content=request.body,
        )
    except (ValueError, KeyError, TypeError):
        raise Fault(_MALFORMED) from None
    if not host:
        raise Fault(_MALFORMED)
    return origin, message


def _joined(headers: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return the headers by lower-case name; several of one name become one list, as HTTP has it."""
    joined: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined


def _why(error: Exception, *, started: bool) -> str:
    """Say what happened in words of our own: a library's text may quote the peer, and the peer may quote anything."""
    match error:
        case Fault():
            return str(error)
        case TimeoutError():
            return "no complete reply in time" if started else "no connection in time"
        case socket.gaierror():
            return "host not found"
        case ssl.SSLCertVerificationError():
            return "certificate not trusted"
        case ssl.SSLError():
            return "TLS failed"
        case OSError():
            return os.strerror(error.errno).lower() if error.errno else "connection failed"
        case _:
            return "the reply was cut off or is not HTTP" if started else _MALFORMED
