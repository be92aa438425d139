"""A thin client for SQS: its JSON protocol over one kept-alive connection, read by the standard library.

Every event costs a call, and boto3 takes eight times the processor time for it. What boto3 does for its callers is done
here, too: credentials are renewed, a connection that was closed while idle is replaced, and what may be temporary is
tried a second time, inside one time limit.
"""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from random import Random
from typing import Any

from drumbeat.core.clock import Clock, SystemClock
from drumbeat.core.errors import DrumbeatError
from drumbeat.infrastructure.aws_signature import Credentials, sign
from drumbeat.infrastructure.deadline import Deadline, reason
from drumbeat.infrastructure.sqs import aws_credentials
from drumbeat.infrastructure.sqs.connection import Address, Connection, Reply, address_of

# The time limit of a call with all it does, beyond the time of a long poll. Ingest has 20 seconds for a request: up to
# five for Postgres, then one or two calls. The first try may use half, so that there is time for a second.
CALL_SECONDS = 5.0
TRY_SECONDS = CALL_SECONDS / 2
JITTER_SECONDS = 0.1
# What does no harm when it is carried out twice: an extra message finds nothing to do, a received message whose answer
# was lost comes back, and deleting, releasing and setting give the same result however often they are done. PurgeQueue
# is not here: it would throw away what has arrived since.
REPEATABLE = frozenset(
    {
        "SendMessage",
        "SendMessageBatch",
        "ReceiveMessage",
        "DeleteMessageBatch",
        "ChangeMessageVisibilityBatch",
        "GetQueueAttributes",
        "GetQueueUrl",
        "CreateQueue",
        "SetQueueAttributes",
    }
)
OK, TOO_MANY_REQUESTS, SERVER_ERROR = 200, 429, 500
UNREACHABLE = "Unreachable"  # the code of an error that SQS did not give


@dataclass
class SqsError(DrumbeatError):
    """SQS refused a call or could not be reached; `code` is SQS's own, as boto3 gives it, or `Unreachable`.

    Its text is SQS's message or ours, never an answer that could not be parsed.
    """

    operation: str
    code: str
    message: str
    temporary: bool = False  # the same call may succeed a moment later

    def __str__(self) -> str:
        return f"SQS {self.operation}: {self.code}: {self.message}"


class Sqs:
    """SQS, where a queue's own URL says, or at `endpoint` (the emulator). For one thread at a time; connects when used.

    What times out, breaks off, is throttled or fails on SQS's side is tried once more when that does no harm
    (`REPEATABLE`), so such a call may be carried out twice.
    """

    def __init__(
        self,
        region: str,
        endpoint: str | None = None,
        credentials: Credentials | None = None,
        *,
        clock: Clock | None = None,
        random: Random | None = None,
    ) -> None:
        self._region = region  # to sign for where the address names none
        self._endpoint = endpoint
        self._credentials: Callable[[], Credentials] = (lambda: credentials) if credentials else aws_credentials.current
        self._clock = clock or SystemClock()  # never a shifted one: AWS refuses what was signed at another time
        self._random = random or Random()  # noqa: S311 - jitter
        self._idle: Connection | None = None

    def call(self, operation: str, **parameters: object) -> dict[str, Any]:
        """Call an operation and return its result, within five seconds and the time of a long poll.

        Raises:
            SqsError: refused, or unreachable: then it may or may not have been carried out.
        """
        address = address_of(self._endpoint or str(parameters.get("QueueUrl", "")))
        if address is None:
            raise SqsError(operation, "InvalidAddress", "the queue's URL is not set or cannot be read")
        body = json.dumps(parameters).encode()
        poll = parameters.get("WaitTimeSeconds", 0)
        wait = poll if isinstance(poll, int) else 0
        begun = self._clock.elapsed()
        end = begun + CALL_SECONDS + wait
        if operation not in REPEATABLE:
            return self._try(operation, address, body, end)
        try:
            return self._try(operation, address, body, begun + TRY_SECONDS + wait)
        except SqsError as error:
            if not error.temporary:
                raise
            self._clock.sleep(self._random.uniform(0, JITTER_SECONDS))
            if self._clock.elapsed() + wait >= end:  # a poll would outlast the call
                raise
        return self._try(operation, address, body, end)

    def close(self) -> None:
        """Close the connection; the next call opens another."""
        if self._idle is not None:
            self._idle.close()
            self._idle = None

    def _try(self, operation: str, address: Address, body: bytes, end: float) -> dict[str, Any]:
        request = self._request(operation, address, body)
        deadline = Deadline(self._clock, math.inf, end)
        try:
            connection = self._take(address) or Connection(address, deadline)
            reply = connection.exchange(request, deadline)
        except (OSError, HTTPException, ValueError) as error:
            raise SqsError(operation, UNREACHABLE, reason(error), temporary=True) from None
        if not reply.closes:
            self._idle = connection
        return _result(operation, reply)

    def _take(self, address: Address) -> Connection | None:
        """Take out the idle connection if it leads to this address and the peer has not closed it."""
        connection, self._idle = self._idle, None
        if connection is None or (connection.address == address and connection.is_quiet()):
            return connection
        connection.close()
        return None

    def _request(self, operation: str, address: "Address", body: bytes) -> bytes:
        try:
            credentials = self._credentials()
        except aws_credentials.NoCredentials as error:
            raise SqsError(operation, "NoCredentials", str(error)) from error
        headers = sign(
            {
                "host": address.netloc,
                "content-type": "application/x-amz-json-1.0",
                "x-amz-target": f"AmazonSQS.{operation}",
                "x-amzn-query-mode": "true",  # codes as boto3 gives them
            },
            body,
            credentials,
            service="sqs",
            region=address.region or self._region,
            now=self._clock.now(),
        )
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"POST / HTTP/1.1\r\n{lines}content-length: {len(body)}\r\n\r\n".encode() + body


def _result(operation: str, reply: Reply) -> dict[str, Any]:
    temporary = reply.status >= SERVER_ERROR or reply.status == TOO_MANY_REQUESTS
    try:
        result = json.loads(reply.body) if reply.body.strip() else {}
    except (ValueError, RecursionError):
        result = None
    if not isinstance(result, dict):
        raise SqsError(operation, f"HTTP {reply.status}", "the answer is not a JSON object", temporary)
    if reply.status == OK:
        return result
    code = _code(str(result.get("__type", f"HTTP {reply.status}")), reply.query_error)
    message = str(result.get("message") or result.get("Message") or "no reason given")
    raise SqsError(operation, code, message, temporary or "Throttl" in code)


def _code(kind: str, query_error: str) -> str:
    """Return the code as boto3 does: the older protocol's where SQS gives it, else the type without its namespace."""
    code, _, fault = query_error.partition(";")
    return code if code and fault and ";" not in fault else kind.partition(":")[0].rpartition("#")[2]
