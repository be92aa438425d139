"""What is certain about a request that has no complete reply, and why it has none."""

import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import httpcore
import httpx

from drumbeat.core.outcomes import NotSent, Unknown
from drumbeat.infrastructure.deadline import CallError
from drumbeat.infrastructure.http.wire import Wire

MALFORMED = "the request is malformed"

type Failure = NotSent | Unknown


class NoReply(httpx.TransportError):
    """There is no complete reply; `outcome` says whether a byte of the request may have left."""

    def __init__(self, outcome: Failure) -> None:
        super().__init__(outcome.reason)
        self.outcome = outcome


@contextmanager
def certainty(wire: Wire | None = None) -> Iterator[None]:
    """Turn every failure of the network and of the protocol into NoReply: Unknown once the wire wrote a first byte."""
    try:
        yield
    except (OSError, httpcore.ProtocolError) as error:
        if wire is not None and wire.started:
            outcome: Failure = Unknown(_reason(error, started=True))
        else:
            outcome = NotSent(_reason(error, started=False))
        raise NoReply(outcome) from None  # the library's text is not kept: it may quote the peer


def _reason(error: Exception, *, started: bool) -> str:
    """Say what happened in a text of our own: a library's text may quote the peer, and the peer may quote anything."""
    match error:
        case CallError():
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
            return "the reply was cut off or is not HTTP" if started else MALFORMED
