"""`drumbeat dev`: starts a stack, says when it is ready, starts again what dies, and ends it in order on a signal."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from drumbeat.errors import DrumbeatError
from drumbeat.local.logs import Tail
from drumbeat.local.stack import Options, Stack, StartFailed
from drumbeat.local.terminal import relay, tell

LOOK = 0.5  # seconds between looks at the logs; a child's death is noticed at once


class Stopped(BaseException):
    """A signal asks the stack to end."""


def run(options: Options) -> int:
    """Run a stack until a signal ends it; returns the exit code.

    Standard output gets exactly one line: JSON with `ready`, `url`, `api_key` and `sandbox_url`.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    stack: Stack | None = None
    try:
        stack = Stack(options)
        stack.start()
        if options.config is not None:
            apply(options.config, stack)
        ready = {"ready": True, "url": stack.url, "api_key": stack.api_key, "sandbox_url": stack.sandbox_url}
        print(json.dumps(ready), flush=True)
        tell(f"ready at {stack.url}; mail arrives at {stack.sandbox_url}; logs are in {stack.home.logs}")
        watch(stack)
    except Stopped:
        return 0
    except (DrumbeatError, RuntimeError, OSError, ValueError) as error:
        tell(str(error))
        return 1
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        if stack is not None:
            tell("stopping; what was accepted is kept")
            stack.stop()
    return 0


def apply(file: Path, stack: Stack) -> None:
    """Put a configuration in force by the command that anybody would use; raises StartFailed when it is refused."""
    tell(f"applying {file}")
    command = [sys.executable, "-m", "drumbeat.cli.main", "--url", stack.url, "apply", str(file)]
    done = subprocess.run(command, env={**os.environ, "DRUMBEAT_KEY": stack.api_key}, stdout=sys.stderr)
    if done.returncode != 0:
        raise StartFailed(f"{file} was not applied (see above). Nothing was lost: correct it and start again")


def watch(stack: Stack) -> None:
    """Start again what dies and show what the logs warn of, until a signal ends it."""
    tail = Tail(stack.home.logs)
    with deaths() as wakeup:
        while True:
            select.select([wakeup], [], [], LOOK)
            with suppress(BlockingIOError):
                wakeup.recv(4096)
            for watched in stack.children:
                for news in watched.look():
                    tell(news)
            for line in tail.lines():
                relay(line)


@contextmanager
def deaths() -> Iterator[socket.socket]:
    """Give a socket that becomes readable when a child ends."""
    read, write = socket.socketpair()
    with read, write:
        read.setblocking(False)
        write.setblocking(False)
        before = signal.signal(signal.SIGCHLD, lambda *_: None)  # without a handler of Python's nothing wakes us
        descriptor = signal.set_wakeup_fd(write.fileno(), warn_on_full_buffer=False)
        try:
            yield read
        finally:
            signal.set_wakeup_fd(descriptor)
            signal.signal(signal.SIGCHLD, before)


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise Stopped
