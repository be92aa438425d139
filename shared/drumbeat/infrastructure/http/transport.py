"""httpx's way to the network, as we want it: one request, one connection, one time limit."""

import logging
from collections.abc import Iterator
from functools import lru_cache

import httpcore
import httpx

from drumbeat.core.clock import Clock
from drumbeat.infrastructure.addresses import Resolver
from drumbeat.infrastructure.deadline import Deadline
from drumbeat.infrastructure.http.connection import Connection, Connector
from drumbeat.infrastructure.http.failures import certainty
from drumbeat.infrastructure.http.message import Message, Origin
from drumbeat.infrastructure.http.pool import Pool

# At INFO httpx logs URLs and the peer's text, at DEBUG httpcore logs whole headers: personal data.
for _library in ("httpx", "httpcore"):
    logging.getLogger(_library).setLevel(logging.WARNING)


class Transport(httpx.BaseTransport):
    """Carries out what `outgoing` packs, over kept-alive connections. Threads may share it.

    Nothing is repeated and no redirect is prepared. Every failure is a NoReply, with what is certain about the request.
    """

    def __init__(self, clock: Clock, resolver: Resolver, *, allow_private: bool) -> None:
        self._connector = Connector(resolver, allow_private=allow_private)
        self._pool = Pool(clock)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request and return its reply, of which only the head has been read."""
        origin: Origin = request.extensions["origin"]
        deadline: Deadline = request.extensions["deadline"]
        with certainty():
            connection = self._pool.take(origin) or self._connector.connect(origin, deadline)
        try:
            connection.wire.begin(deadline)
            with certainty(connection.wire):
                response = connection.exchange(_core_request(request))
        except BaseException:
            connection.close()
            raise
        return _Response(response.status, headers=response.headers, stream=_Body(response, connection, self._pool))

    def close(self) -> None:
        """Close the idle connections. The transport stays usable."""
        self._pool.close()


def outgoing(message: Message, deadline: Deadline) -> httpx.Request:
    """Pack a message for httpx: headers and body, which it does not change; what it would rewrite is in the extensions.

    Raises httpx.InvalidURL for a host that httpx does not take for one.
    """
    return httpx.Request(
        message.method.decode(),
        _url(message.origin),
        headers=message.headers,
        stream=httpx.ByteStream(message.body),  # with `content=` httpx would add headers of its own
        extensions={
            "origin": message.origin,
            "method": message.method,
            "target": message.target,
            "deadline": deadline,
            "timeout": {},  # the deadline limits the time
        },
    )


@lru_cache(maxsize=256)
def _url(origin: Origin) -> httpx.URL:
    """Return all that httpx gets to know about where a request goes: path and query are personal data."""
    return httpx.URL(scheme=origin.scheme, host=origin.host, port=origin.port)


def _core_request(request: httpx.Request) -> httpcore.Request:
    origin: Origin = request.extensions["origin"]
    target: bytes = request.extensions["target"]
    assert isinstance(request.stream, httpx.SyncByteStream)
    return httpcore.Request(
        request.extensions["method"],
        httpcore.URL(scheme=origin.scheme, host=origin.host, port=origin.port, target=target),
        headers=request.headers.raw,
        content=request.stream,
    )


class _Response(httpx.Response):
    """A reply like any other, also when it is a redirect."""

    @property
    def has_redirect_location(self) -> bool:
        """False: otherwise httpx would parse the redirect's target, which it never follows, and fail on a bad one."""
        return False


class _Body(httpx.SyncByteStream):
    """The bytes of a reply's body as the peer sent them; closing it returns the connection."""

    def __init__(self, response: httpcore.Response, connection: Connection, pool: Pool) -> None:
        self._response = response
        self._connection = connection
        self._pool = pool

    def __iter__(self) -> Iterator[bytes]:
        with certainty(self._connection.wire):
            yield from self._response.iter_stream()

    def close(self) -> None:
        self._response.close()
        self._pool.give_back(self._connection)
