"""The stage of the demonstration: a real `drumbeat dev` in a temporary folder, and the faults put into it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Self

from drumbeat.core.call_times import CallTimes
from drumbeat.core.errors import DrumbeatError
from drumbeat.local.demo.doors import Doors, Keys, call
from drumbeat.local.home import Home
from drumbeat.local.ports import Ports
from drumbeat.local.servers import die_with_parent, free_port
from drumbeat.local.terminal import export_line

CAMPAIGN = Path(__file__).parent / "campaign"
RELAY_SECONDS = 1  # between two runs of the relay; a minute in production
TIMES = CallTimes(call_seconds=3, lease=timedelta(seconds=14))  # 10 and 45 in production
SETTINGS = {"CALL_SECONDS": f"{TIMES.call_seconds:g}", "LEASE_SECONDS": f"{TIMES.lease.total_seconds():g}"}

LIES: tuple[dict[str, object], ...] = (
    {"lie": "accept_then_500", "provider": "mailgun", "rate": 0.20, "seed": 1},
    {"lie": "accept_then_cut", "provider": "resend", "rate": 0.15, "seed": 2},
    {"lie": "refuse_then_500", "provider": "hubspot", "rate": 0.10, "seed": 3},
    {"lie": "accept_then_500", "provider": "http", "rate": 0.60, "seed": 5},
    {"lie": "latency", "ms": 120},
)


class Failed(DrumbeatError):
    """The demonstration could not start."""


class Stage:
    """A running stack with the demonstration's configuration; use as a context manager."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="drumbeat-demo-"))
        self.keep = False  # what is wrong can be read in its logs
        self.keys = Keys.fresh()
        self.sandbox_url = ""
        self.exports = ""  # a line for a shell that is to use the stack
        self._stack: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._stack is not None:
            self._stack.send_signal(signal.SIGTERM)
            self._stack.wait()
        if not self.keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    def start(self) -> Doors:
        """Start the stack and return its doors; raises Failed when it does not come up."""
        home = self.folder / "home"
        sandbox = f"http://127.0.0.1:{Ports(Home(home))['sandbox']}"  # the configuration has to name it
        campaign = self.folder / "campaign"
        shutil.copytree(CAMPAIGN, campaign)
        document = campaign / "drumbeat.yaml"
        document.write_text(document.read_text().replace("SANDBOX_URL", sandbox))
        command = [sys.executable, "-m", "drumbeat.cli.main", "dev", "--home", str(home), "--port", str(free_port())]
        command += ["--config", str(document), "--relay-every", str(RELAY_SECONDS)]
        with (self.folder / "log").open("w") as log:
            self._stack = subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**_own_servers_left_out(), **SETTINGS, **self.keys.environment()},
                start_new_session=True,  # Ctrl-C ends the demonstration, which then ends the stack
                preexec_fn=die_with_parent,
            )
        assert self._stack.stdout is not None
        line = self._stack.stdout.readline()
        if not line:
            self.keep = True
            raise Failed(f"the stack did not start. Its output, also in {self.folder}:\n{self.output()}")
        ready = json.loads(line)
        self.sandbox_url = ready["sandbox_url"]
        self.exports = export_line(ready)
        return Doors(ready["url"], ready["api_key"], self.keys, self.sandbox_url)

    def lie(self) -> None:
        """Make the providers lie from now on, and the one that promises it honour keys."""
        self._order("receivers", {"account": "site", "honour_keys": True})
        for lie in LIES:
            self._order("lies", lie)

    def kill_worker(self) -> int:
        """End a worker with SIGKILL while it has calls under way; returns its process id."""
        before = self._requests()
        limit = time.monotonic() + 20
        while self._requests() == before and time.monotonic() < limit:
            time.sleep(0.02)
        pid = int((self.folder / "home" / "run" / "worker-1.pid").read_text())
        os.kill(pid, signal.SIGKILL)
        return pid

    def wait(self) -> None:
        """Return when the stack has ended by itself."""
        if self._stack is not None:
            self._stack.wait()

    def output(self) -> str:
        """Return the stack's output."""
        return (self.folder / "log").read_text()

    def _requests(self) -> int:
        return int(call("GET", f"{self.sandbox_url}/_sandbox/counts?effects=0")["totals"]["requests"])

    def _order(self, name: str, order: dict[str, object]) -> None:
        body = json.dumps(order).encode()
        call("POST", f"{self.sandbox_url}/_sandbox/{name}", body, {"content-type": "application/json"})


def _own_servers_left_out() -> dict[str, str]:
    """Return our environment without servers of the user's own: a demonstration writes nothing there."""
    own = ("DATABASE_URL", "ADMIN_DATABASE_URL", "REDIS_URL", "SQS_ENDPOINT_URL")
    return {name: value for name, value in os.environ.items() if name not in own}
