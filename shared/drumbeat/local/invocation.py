"""One invocation of a function of a running stack in a process of its own: what `sam local invoke` does in a container.

The stack's own processes are not used: each serves one caller, and has one.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from drumbeat.core.errors import DrumbeatError
from drumbeat.local.frames import Handler, HandlerGone, Json

START_SECONDS = 30.0


class NotRunning(DrumbeatError):
    """The stack, or this function of it, does not run."""


def invoke(home: Path, function: str, event: Json) -> Json:
    """Start the function with the stack's environment, hand it one event, and return what it returned.

    What it logs goes to our standard error.

    Raises:
        NotRunning: no such function runs in this folder; nothing was started.
        HandlerGone: the process ended before it answered.
        HandlerFailed: the handler raised.
    """
    running = _running(home, function)
    with tempfile.TemporaryDirectory(prefix="drumbeat-invoke-") as folder:
        path = Path(folder) / "handler.sock"
        command = running.cmdline()
        command[command.index("--socket") + 1] = str(path)
        environment = {**os.environ, **running.environ()}
        with subprocess.Popen(command, env=environment, cwd=running.cwd(), stdout=sys.stderr) as process:
            try:
                handler = _ready(process, path)
                try:
                    return handler.invoke(event)
                finally:
                    handler.close()
            finally:
                process.terminate()


def _running(home: Path, function: str) -> psutil.Process:
    """Find a process of the function."""
    for file in sorted((home / "run").glob("*.pid")):
        if file.stem.rstrip("-0123456789") != function:
            continue
        try:
            process = psutil.Process(int(file.read_text()))
            if "drumbeat.local.runtime" in process.cmdline():
                return process
        except (psutil.Error, ValueError):
            continue
    raise NotRunning(
        f"no function {function} runs in {home}. Start `drumbeat dev`, or give its --home; it runs ingest, worker,"
        " relay, campaign and console (migrate runs at deployments only)"
    )


def _ready(process: "subprocess.Popen[bytes]", path: Path) -> Handler:
    """Wait until the process listens; raises HandlerGone when it ends instead."""
    handler = Handler(path)
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            handler.connect()
        except HandlerGone:
            if process.poll() is not None or time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return handler
