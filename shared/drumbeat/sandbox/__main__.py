"""`python -m drumbeat.sandbox --port P --home DIR`: run the sandbox until SIGINT or SIGTERM."""

import argparse
import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from drumbeat.sandbox.front import Front
from drumbeat.sandbox.http_server import Connection
from drumbeat.sandbox.origin import is_loopback
from drumbeat.sandbox.record import RecordInUse
from drumbeat.sandbox.router import Router
from drumbeat.sandbox.sandbox import Sandbox
from drumbeat.sandbox.sender import Sender


async def serve(sandbox: Sandbox, host: str, port: int) -> None:
    """Serve until SIGINT or SIGTERM; print one line of JSON when ready. Raises OSError when the port is taken."""
    sender = Sender(sandbox)
    router = Router(sandbox, sender)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(router), host, port)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    port = server.sockets[0].getsockname()[1]
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    sandbox.url = url
    sender.prepare()
    sending = loop.create_task(sender.run())
    print(json.dumps({"ready": True, "url": url, "pid": os.getpid()}), flush=True)
    await stop.wait()
    server.close()
    sending.cancel()


def main() -> int:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="drumbeat.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="0 for a free one")
    parser.add_argument("--home", type=Path, required=True, help="folder of the record")
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
    parser.add_argument("--clock-shift", type=float, help="seconds ahead of the machine; by default as last set")
    parser.add_argument("--front", type=_front, metavar="URL", help="the stack that mails are from: unsubscribes there")
    options = parser.parse_args()
    if not is_loopback(options.host):
        parser.error(
            f"{options.host} is not a loopback address; the sandbox accepts any credential and must stay private"
        )
    try:
        sandbox = Sandbox(options.home, front=options.front)
    except RecordInUse as error:
        print(f"another sandbox is writing {error}; stop it or choose another --home", file=sys.stderr)
        return 1
    if options.clock_shift is not None and options.clock_shift != sandbox.shift:
        sandbox.command("clock", {"shift": options.clock_shift})
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(serve(sandbox, options.host, options.port))
    except OSError as error:
        print(f"cannot listen on {options.host}:{options.port}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


def _front(url: str) -> Front:
    try:
        return Front.at(url)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # where it exists, it halves the cost of a call
    except ImportError:
        return None
    return uvloop.new_event_loop


if __name__ == "__main__":
    sys.exit(main())
