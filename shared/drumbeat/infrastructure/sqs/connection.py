"""One kept-alive HTTP connection: a request leaves in one piece, its answer is read by `http.client`."""

import re
import select
import socket
import ssl
from functools import lru_cache
from http.client import HTTPResponse
from typing import NamedTuple, cast
from urllib.parse import urlsplit

from drumbeat.infrastructure import tls
from drumbeat.infrastructure.addresses import connect, resolve
from drumbeat.infrastructure.deadline import Deadline
from drumbeat.infrastructure.incoming import Incoming

# sqs.eu-central-1.amazonaws.com (or .com.cn, .eu), vpce-1a2b.sqs.eu-central-1.vpce.amazonaws.com, and the older
# eu-central-1.queue.amazonaws.com
_REGION = re.compile(r"(?:^|\.)(?:sqs(?:-fips)?\.([a-z]+(?:-[a-z]+)+-\d+)\.|([a-z]+(?:-[a-z]+)+-\d+)\.queue\.)")


class Address(NamedTuple):
    """Where a queue is called."""

    tls: bool
    host: str
    port: int
    netloc: str  # as the Host header says it
    region: str | None  # that the host names


class Reply(NamedTuple):
    """An answer that was read to its end."""

    status: int
    query_error: str  # `code;Sender`, as SQS's older protocol had it
    body: bytes
    closes: bool  # no other request may use the connection


@lru_cache(maxsize=8)
def address_of(url: str) -> Address | None:
    """Return where a URL leads, or None when it is not an HTTP URL."""
    try:
        parts = urlsplit(url)
        secure = {"https": True, "http": False}[parts.scheme]
        port = parts.port or (443 if secure else 80)
    except (KeyError, ValueError):
        return None
    if not parts.hostname:
        return None
    named = _REGION.search(parts.hostname)
    return Address(secure, parts.hostname, port, parts.netloc, named and (named[1] or named[2]))


class Connection:
    """One connection, for one request at a time. Raises OSError when it cannot be made in time."""

    def __init__(self, address: Address, deadline: Deadline) -> None:
        self.address = address
        found = resolve(address.host, address.port, deadline.remaining())
        self._socket = connect(found, address.port, deadline, allow_private=True)
        try:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if address.tls:
                self._socket.settimeout(deadline.remaining())
                self._socket = tls.context().wrap_socket(self._socket, server_hostname=address.host)
        except BaseException:
            self._socket.close()
            raise
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)

    def is_quiet(self) -> bool:
        """Return whether the peer has neither closed the connection nor sent anything unasked."""
        pending = self._socket.pending() if isinstance(self._socket, ssl.SSLSocket) else 0
        return not pending and not self._poll.poll(0)

    def exchange(self, request: bytes, deadline: Deadline) -> Reply:
        """Send a request and read its answer to the end; afterwards the connection is idle, or closed.

        Raises OSError, HTTPException or ValueError when no complete answer comes in time.
        """
        try:
            self._socket.settimeout(deadline.remaining())
            self._socket.sendall(request)
            reply = self._answer(deadline)
        except BaseException:
            self.close()
            raise
        if reply.closes:
            self.close()
        return reply

    def _answer(self, deadline: Deadline) -> Reply:
        with HTTPResponse(cast(socket.socket, Incoming(self._socket, deadline)), method="POST") as response:
            response.begin()
            if response.length is None and not response.chunked:
                raise ValueError("an answer without a length could be cut off unnoticed")
            body = response.read()
            return Reply(response.status, response.getheader("x-amzn-query-error", ""), body, response.will_close)

    def close(self) -> None:
        """Close it, for good."""
        self._socket.close()
