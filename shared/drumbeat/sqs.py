"""A thin client for SQS: its JSON protocol over one keep-alive connection.

Every event costs a call, and boto3 takes eight times the processor time for it. One request is on its way at a time, so
reading a reply is: a head, then as many bytes as it says.
"""

import json
import os
import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from drumbeat.errors import DrumbeatError
from drumbeat.sigv4 import Credentials, sign

TIMEOUT = 5.0  # seconds for connecting and for each read, beyond the time of a long poll
CONTENT_TYPE = "application/x-amz-json-1.0"
STALE = (ConnectionResetError, ConnectionAbortedError, BrokenPipeError)
OK = 200
CHUNK = 1 << 16


@dataclass
class SqsError(DrumbeatError):
    """SQS refused a call or could not be reached; `code` is its own word, or `Unreachable`."""

    operation: str
    code: str
    message: str

    def __str__(self) -> str:
        return f"SQS {self.operation}: {self.code}: {self.message}"


class Sqs:
    """The SQS of one region (or the emulator at `endpoint`). For one thread at a time; connects when first used.

    A call whose connection turns out to have been closed while idle is sent again, so it may be carried out twice.
    """

    def __init__(self, region: str, endpoint: str | None = None, credentials: Credentials | None = None) -> None:
        self.endpoint = endpoint or f"https://sqs.{region}.amazonaws.com"
        self._region = region
        self._address = urlsplit(self.endpoint)
        self._credentials = credentials
        self._socket: socket.socket | None = None

    def call(self, operation: str, **parameters: object) -> dict[str, Any]:
        """Call an operation and return its result.

        Raises:
            SqsError: refused, or unreachable: then it may or may not have been carried out.
        """
        request = self._request(operation, json.dumps(parameters).encode())
        poll = parameters.get("WaitTimeSeconds", 0)
        timeout = TIMEOUT + (poll if isinstance(poll, int) else 0)
        try:
            status, reply = self._post(request, timeout)
        except (OSError, ValueError) as error:
            self.close()
            raise SqsError(operation, "Unreachable", str(error) or type(error).__name__) from error
        return _result(operation, status, reply)

    def close(self) -> None:
        """Close the connection; the next call opens another."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _post(self, request: bytes, timeout: float) -> tuple[int, bytes]:
        if self._socket is not None:
            try:
                return self._exchange(self._socket, request, timeout)
            except STALE:
                self.close()
        self._socket = self._connect()
        return self._exchange(self._socket, request, timeout)

    def _exchange(self, connection: socket.socket, request: bytes, timeout: float) -> tuple[int, bytes]:
        connection.settimeout(timeout)
        connection.sendall(request)
        reply = _more(connection)
        while (end := reply.find(b"\r\n\r\n")) < 0:
            reply += _more(connection)
        status, length, closes = _head(reply[:end])
        body = end + 4
        while len(reply) < body + length:
            reply += _more(connection)
        if closes:
            self.close()
        return status, reply[body : body + length]

    def _connect(self) -> socket.socket:
        address, tls = self._address, self._address.scheme == "https"
        assert address.hostname
        connection = socket.create_connection((address.hostname, address.port or (443 if tls else 80)), TIMEOUT)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            connection = ssl.create_default_context().wrap_socket(connection, server_hostname=address.hostname)
        return connection

    def _request(self, operation: str, body: bytes) -> bytes:
        self._credentials = self._credentials or _credentials()
        headers = sign(
            {"host": self._address.netloc, "content-type": CONTENT_TYPE, "x-amz-target": f"AmazonSQS.{operation}"},
            body,
            self._credentials,
            service="sqs",
            region=self._region,
            now=datetime.now(UTC),
        )
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"POST / HTTP/1.1\r\n{lines}content-length: {len(body)}\r\n\r\n".encode() + body


def _more(connection: socket.socket) -> bytes:
    data = connection.recv(CHUNK)
    if not data:
        raise ConnectionResetError("the connection was closed before the answer was whole")
    return data


def _head(head: bytes) -> tuple[int, int, bool]:
    """Return status, length of the body, and whether the server closes. Raises ValueError when that is not said."""
    line, *fields = head.decode("latin-1").lower().split("\r\n")
    named = dict(field.split(":", 1) for field in fields)
    if "content-length" not in named:
        raise ValueError("the answer does not say how long it is")
    return int(line.split(" ")[1]), int(named["content-length"]), named.get("connection", "").strip() == "close"


def _credentials() -> Credentials:
    """Read the credentials where Lambda puts them; elsewhere wherever botocore finds them."""
    if key := os.environ.get("AWS_ACCESS_KEY_ID"):
        return Credentials(key, os.environ.get("AWS_SECRET_ACCESS_KEY", ""), os.environ.get("AWS_SESSION_TOKEN"))
    from botocore.session import get_session

    found = get_session().get_credentials()
    if found is None:
        raise SqsError("sign", "NoCredentials", "neither the environment nor a profile has AWS credentials")
    return Credentials(found.access_key, found.secret_key, found.token)


def _result(operation: str, status: int, reply: bytes) -> dict[str, Any]:
    try:
        result: dict[str, Any] = json.loads(reply) if reply.strip() else {}
    except ValueError as error:
        raise SqsError(operation, f"HTTP {status}", "the answer is no JSON") from error
    if status != OK:
        code = str(result.get("__type", f"HTTP {status}")).rpartition("#")[2]
        raise SqsError(operation, code, str(result.get("message") or result.get("Message") or "no reason given"))
    return result
