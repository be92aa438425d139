"""One Lambda environment on this machine: a process that imports one handler and serves one request at a time.

    python -m drumbeat.local.runtime functions.ingest.app --socket run/ingest-1.sock --name drumbeat-dev-ingest

A handler that raises is answered as by Lambda; one that overruns its timeout is ended by the kernel, and the supervisor
starts it again.
"""

import argparse
import gc
import importlib
import logging
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from drumbeat.local import steady_output
from drumbeat.local.frames import ERROR, decode, encode, receive

type HandlerFunction = Callable[[Any, Any], Any]


class Context:
    """The part of Lambda's context that our handlers use."""

    function_version = "$LATEST"
    identity = None
    client_context = None

    def __init__(self, name: str, memory: int, timeout: float) -> None:
        self.function_name = name
        self.memory_limit_in_mb = str(memory)
        self.invoked_function_arn = f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
        self.log_group_name = f"/aws/lambda/{name}"
        self.log_stream_name = str(os.getpid())
        self.aws_request_id = str(uuid4())
        self._deadline = time.monotonic() + timeout

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until the invocation is ended."""
        return max(0, int((self._deadline - time.monotonic()) * 1000))


def serve(handler: HandlerFunction, path: Path, name: str, memory: int = 512, timeout: float = 30) -> None:
    """Serve requests on a unix socket, one at a time, until the process is ended."""
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen()
        while True:
            connection, _ = listener.accept()
            with connection, suppress(ConnectionError):  # a caller that disconnects does not end the process
                while (frame := receive(connection)) is not None:
                    connection.sendall(answer(handler, frame, Context(name, memory, timeout), timeout))


def answer(handler: HandlerFunction, frame: tuple[int, bytes], context: Context, timeout: float) -> bytes:
    """Invoke the handler with one event and return the reply frame, whatever the handler does."""
    signal.setitimer(signal.ITIMER_REAL, timeout)  # SIGALRM is not handled: it ends the process, as Lambda would
    try:
        return encode(handler(decode(*frame), context))
    except Exception as error:  # noqa: BLE001 - Lambda survives what a handler raises, and returns it
        trace = traceback.format_exception(error)
        said = _while_away(error) or "".join(trace)
        print(f"[ERROR] {context.aws_request_id} {said}", file=sys.stderr, flush=True)
        return encode(
            {
                "errorType": type(error).__name__,
                "errorMessage": str(error),
                "requestId": context.aws_request_id,
                "stackTrace": trace[1:-1],
            },
            ERROR,
        )
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        sys.stdout.flush()


def log_as_lambda() -> None:
    """Write what modules log as Lambda does: one object a line, from INFO on, with all that is said beside the message.

    Before a function makes its own logger, which then leaves what it writes itself to no one else.
    """
    from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

    output = logging.StreamHandler(sys.stdout)
    output.setFormatter(LambdaPowertoolsFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[output])


def _while_away(error: Exception) -> str | None:
    """Say in one line that Postgres does not answer: no code of ours is at fault, and it comes every few seconds."""
    from psycopg import OperationalError  # no handler of a test needs it

    # Without a code the server did not answer; by one of this class it says that it stops or starts.
    if not isinstance(error, OperationalError) or not (error.sqlstate or "57P").startswith("57P"):
        return None
    first = str(error).partition("\n")[0]
    return f"Postgres is away, this is tried again ({type(error).__name__}: {first})"


def main() -> None:
    """Import the handler and serve it."""
    parser = argparse.ArgumentParser(prog="drumbeat.local.runtime")
    parser.add_argument("module", help="such as functions.ingest.app, or functions.ingest.app:handler")
    parser.add_argument("--socket", type=Path, required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--memory", type=int, default=512)
    parser.add_argument("--timeout", type=float, default=30)
    options = parser.parse_args()
    steady_output.install()
    log_as_lambda()
    module, _, attribute = options.module.partition(":")
    handler = getattr(importlib.import_module(module), attribute or "handler")
    gc.freeze()  # what was imported stays; the garbage collector need not check it again
    serve(handler, options.socket, options.name, options.memory, options.timeout)


if __name__ == "__main__":
    main()
