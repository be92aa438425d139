"""A real `drumbeat dev` as a child of the test, and a caller for it."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drumbeat.local.frames import Json
from drumbeat.local.servers import free_port

ROOT = Path(__file__).resolve().parents[2]
OWN_SERVERS = ("DATABASE_URL", "ADMIN_DATABASE_URL", "REDIS_URL", "SQS_ENDPOINT_URL")
SECRETS = {"FLOW_SECRET": "key-of-the-sandbox"}


@dataclass
class Stack:
    """One stack in a folder of its own; may be started, ended and started again."""

    home: Path
    config: Path | None = None
    servers: Mapping[str, str] = field(default_factory=dict)  # the test's own: DATABASE_URL...
    options: tuple[str, ...] = ()
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[str] | None = None
    ready: dict[str, Any] = field(default_factory=dict)

    def start(self, *options: str) -> "Stack":
        """Start and wait for the line that says it is ready."""
        self.spawn(*options)
        assert self.process is not None
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.said()
        self.ready = json.loads(line)
        return self

    def spawn(self, *options: str) -> "subprocess.Popen[str]":
        """Start without waiting."""
        self.home.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "drumbeat.cli.main", "dev", "--home", str(self.home), "--port", str(self.port)]
        command += ["--relay-every", "1", *self.options, *options]
        if self.config is not None:
            command += ["--config", str(self.config)]
        environment = {name: value for name, value in os.environ.items() if name not in OWN_SERVERS}
        with (self.home / "said").open("a") as said:
            self.process = subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
                cwd=self.home,  # no campaigns/ here: only what the test gives is applied
                env={**environment, **SECRETS, **self.servers},
            )
        return self.process

    def end(self, how: signal.Signals = signal.SIGTERM, *, within: float = 60.0) -> tuple[int, str]:
        """End it within so many seconds; returns its exit code and what was left unread of its standard output."""
        assert self.process is not None
        self.process.send_signal(how)
        rest, _ = self.process.communicate(timeout=within)
        return self.process.returncode, rest

    def said(self) -> str:
        """Return the stack's output."""
        return (self.home / "said").read_text()

    def pid(self, name: str) -> int | None:
        """Return the process id in a pid file."""
        try:
            return int((self.home / "run" / f"{name}.pid").read_text())
        except FileNotFoundError:
            return None

    def call(
        self, method: str, path: str, body: object = None, url: str | None = None
    ) -> tuple[int, dict[str, str], Any]:
        """Make a request with the stack's key; returns status, headers and the parsed body."""
        request = urllib.request.Request(
            (url or self.ready["url"]) + path,
            None if body is None else json.dumps(body).encode(),
            {"authorization": f"Bearer {self.ready['api_key']}", "content-type": "application/json"},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=40) as reply:
                return reply.status, {k.lower(): v for k, v in reply.getheaders()}, json.loads(reply.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, {k.lower(): v for k, v in error.headers.items()}, json.loads(error.read())

    def send(
        self, key: str, email: str = "ada@example.com", *, agrees_to: Sequence[str] = (), **fields: Json
    ) -> tuple[int, dict[str, str], Any]:
        """Send a lead."""
        payload = {"email": email, **fields}
        lead: dict[str, Any] = {"type": "LEAD_CAPTURE", "source": "landing", "payload": payload, "idempotencyKey": key}
        consent = {"consent": [{"list": name} for name in agrees_to]} if agrees_to else {}
        return self.call("POST", "/v1/events", lead | consent)

    def event(self, event_id: str) -> Json:
        """Read an event; None when the ledger does not know it (yet)."""
        status, _, body = self.call("GET", f"/v1/events/{event_id}")
        return body if status == 200 else None

    def done(self, event_id: str) -> bool:
        """Return whether all that follows from an event is done."""
        event = self.event(event_id)
        return bool(event and event["status"] == "done")

    def mails(self, email: str) -> list[Any]:
        """Return the mails that the sandbox accepted for an address."""
        found = self.call("GET", f"/_sandbox/mail?q={email}", url=self.ready["sandbox_url"])[2]["items"]
        return list(found)


def eventually(true: Callable[[], object], within: float = 60) -> None:
    """Wait until something holds; fails when it does not in time."""
    limit = time.monotonic() + within
    while not true():
        assert time.monotonic() < limit, "it did not come true in time"
        time.sleep(0.05)
