"""`drumbeat dev`, `drumbeat cloud`: start everything, report when it is ready, restart what ends, stop on a signal."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Protocol

from drumbeat.core.errors import DrumbeatError
from drumbeat.local import disk
from drumbeat.local.children import Watched
from drumbeat.local.console_link import console_link
from drumbeat.local.home import Home
from drumbeat.local.logs import Tail
from drumbeat.local.reload import Reload
from drumbeat.local.stack import StartFailed
from drumbeat.local.terminal import export_line, relay, tell
from drumbeat.local.vendor_webhooks import VendorWebhooks

LOGS_SECONDS = 0.5  # between two readings of the logs; the end of a child is noticed at once


class Stopped(BaseException):
    """A signal asks the stack to end."""


class Runnable(Protocol):
    """All processes of one installation."""

    home: Home

    @property
    def children(self) -> Sequence[Watched]:
        """All processes that were started."""
        ...

    @property
    def vendor_webhooks(self) -> VendorWebhooks | None:
        """What tells the sandbox where reports of mails go; None: nothing does."""
        ...

    @property
    def places(self) -> Mapping[str, str]:
        """The addresses; `url`, `api_key` and `sandbox_url` at least."""
        ...

    def start(self) -> None:
        """Start everything; raises DrumbeatError, RuntimeError, OSError or ValueError when something fails."""
        ...

    def stop(self) -> None:
        """End everything that was started."""
        ...


def run(make: Callable[[], Runnable], config: Path | None) -> int:
    """Run a stack until a signal ends it; returns the exit code.

    `config` is applied before it reports ready, and again whenever its files change.

    Standard output gets exactly one line: JSON with `ready` and the stack's places.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    os.umask(0o077)  # what a stack writes is for its user
    stack: Runnable | None = None
    reload: Reload | None = None
    webhooks: VendorWebhooks | None = None
    try:
        stack = make()
        stack.start()
        if config is not None:
            reload = Reload(config, partial(begin_to_apply, config, stack.places))
            if not reload.apply():
                raise StartFailed(f"{config} was not applied (see above). Nothing was lost: correct it and start again")
        if (webhooks := stack.vendor_webhooks) is not None:
            webhooks.register()
        print(json.dumps({"ready": True, **stack.places}), flush=True)
        where = stack.places
        tell(f"ready at {where['url']}; mail arrives at {where['sandbox_url']}; logs are in {stack.home.logs}")
        if (link := console_link(where["url"], where["api_key"])) is not None:
            tell(f"the console: {link} (once, within a minute; later: drumbeat console)")
        tell("Ctrl-C stops it. For another shell:")
        relay(f"\n{export_line(where)}\n")
        watch(stack, reload, webhooks)
    except Stopped:
        return 0
    except Exception as error:  # noqa: BLE001 - a person reads it: a sentence, never a traceback
        tell(failure(error, stack))
        return 1
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        if reload is not None:
            reload.stop()
        if webhooks is not None:
            webhooks.stop()
        if stack is not None:
            if stack.children:
                tell("stopping; what was accepted is kept")
            stack.stop()
    return 0


def begin_to_apply(file: Path, where: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    """Start `drumbeat apply`, which says for itself what it did."""
    tell(f"applying {file}")
    command = [sys.executable, "-m", "drumbeat.cli.main", "--url", where["url"], "apply", str(file)]
    return subprocess.Popen(command, env={**os.environ, "DRUMBEAT_KEY": where["api_key"]}, stdout=sys.stderr)


def failure(error: Exception, stack: Runnable | None) -> str:
    """Say why a stack ended; that its disk is full comes first, because it has many faces."""
    said = str(error)
    if not isinstance(error, DrumbeatError | RuntimeError | ValueError):
        kept = "Nothing was lost: what was recorded is kept. Correct that, and start again."
        said = f"the stack could not go on ({type(error).__name__}: {' '.join(said.split())[:300]}). {kept}"
    left = None if stack is None or isinstance(error, disk.DiskFull) else disk.shortage(stack.home.path)
    return said if left is None else f"{disk.sentence(left)}. It failed with: {said}"


def watch(stack: Runnable, reload: Reload | None, webhooks: VendorWebhooks | None = None) -> None:
    """Restart what ends, show the warnings in the logs, apply what changes, until a signal ends it."""
    tail = Tail(stack.home.logs)
    room = disk.Watch(stack.home.path)
    full = False
    with child_ends() as wakeup:
        while True:
            select.select([wakeup], [], [], LOGS_SECONDS)
            with suppress(BlockingIOError):
                wakeup.recv(4096)
            for watched in stack.children:
                for message in watched.check():
                    tell(message)
            for line in tail.lines():
                relay(line)
            if (left := room.shortage()) is not None and not full:
                tell(disk.sentence(left))
            elif full and left is None:
                tell("there is room on the disk again")
            full = left is not None
            if reload is not None:
                reload.check()
            if webhooks is not None:
                webhooks.check()


@contextmanager
def child_ends() -> Iterator[socket.socket]:
    """Yield a socket that becomes readable when a child ends."""
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
