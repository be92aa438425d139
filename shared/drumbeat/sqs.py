"""A thin client for SQS: its JSON protocol over one keep-alive connection, signed by botocore.

boto3 takes four times the processor time for each call, and the queue is only a doorbell.
"""

import http.client
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from drumbeat.errors import DrumbeatError

if TYPE_CHECKING:
    from botocore.credentials import Credentials, ReadOnlyCredentials

TIMEOUT = 5.0  # seconds for connecting and for each read, beyond the time of a long poll
CONTENT_TYPE = "application/x-amz-json-1.0"
STALE = (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError)


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

    def __init__(
        self, region: str, endpoint: str | None = None, credentials: "Credentials | ReadOnlyCredentials | None" = None
    ) -> None:
        self._region = region
        self._endpoint = (endpoint or f"https://sqs.{region}.amazonaws.com").rstrip("/") + "/"
        self._credentials = credentials
        self._signer: Any = None
        self._connection: http.client.HTTPConnection | None = None

    def call(self, operation: str, **parameters: object) -> dict[str, Any]:
        """Call an operation and return its result.

        Raises:
            SqsError: refused, or unreachable: then it may or may not have been carried out.
        """
        body = json.dumps(parameters).encode()
        headers = self._signed(operation, body)
        poll = parameters.get("WaitTimeSeconds", 0)
        timeout = TIMEOUT + (poll if isinstance(poll, int) else 0)
        try:
            status, reply = self._post(body, headers, timeout)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise SqsError(operation, "Unreachable", str(error) or type(error).__name__) from error
        return _result(operation, status, reply)

    def close(self) -> None:
        """Close the connection; the next call opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _post(self, body: bytes, headers: Mapping[str, str], timeout: float) -> tuple[int, bytes]:
        if self._connection is not None:
            try:
                return self._exchange(self._connection, body, headers, timeout)
            except STALE:
                self.close()
        self._connection = self._connect()
        return self._exchange(self._connection, body, headers, timeout)

    @staticmethod
    def _exchange(
        connection: http.client.HTTPConnection, body: bytes, headers: Mapping[str, str], timeout: float
    ) -> tuple[int, bytes]:
        if connection.sock is not None:
            connection.sock.settimeout(timeout)
        connection.timeout = timeout
        connection.request("POST", "/", body, dict(headers))
        reply = connection.getresponse()
        return reply.status, reply.read()

    def _connect(self) -> http.client.HTTPConnection:
        address = urlsplit(self._endpoint)
        assert address.hostname
        kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
        return kind(address.hostname, address.port, timeout=TIMEOUT)

    def _signed(self, operation: str, body: bytes) -> dict[str, str]:
        from botocore.awsrequest import AWSRequest

        if self._signer is None:
            from botocore.auth import SigV4Auth

            self._signer = SigV4Auth(self._credentials or _credentials(), "sqs", self._region)
        headers = {"Content-Type": CONTENT_TYPE, "X-Amz-Target": f"AmazonSQS.{operation}"}
        request = AWSRequest("POST", self._endpoint, data=body, headers=headers)
        self._signer.add_auth(request)
        return dict(request.headers.items())


def _credentials() -> "Credentials":
    """Read the credentials where Lambda puts them; elsewhere wherever botocore finds them."""
    if key := os.environ.get("AWS_ACCESS_KEY_ID"):
        from botocore.credentials import Credentials

        return Credentials(key, os.environ.get("AWS_SECRET_ACCESS_KEY", ""), os.environ.get("AWS_SESSION_TOKEN"))
    from botocore.session import get_session

    found = get_session().get_credentials()
    if found is None:
        raise SqsError("sign", "NoCredentials", "neither the environment nor a profile has AWS credentials")
    return found


def _result(operation: str, status: int, reply: bytes) -> dict[str, Any]:
    try:
        result: dict[str, Any] = json.loads(reply) if reply.strip() else {}
    except ValueError as error:
        raise SqsError(operation, f"HTTP {status}", "the answer is no JSON") from error
    if status != http.client.OK:
        code = str(result.get("__type", f"HTTP {status}")).rpartition("#")[2]
        raise SqsError(operation, code, str(result.get("message") or result.get("Message") or "no reason given"))
    return result
