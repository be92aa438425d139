"""Drumbeat as `drumbeat dev` runs it, with two workers."""

import json
import os
import select
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from itertools import batched
from random import Random

from bench import cpu
from bench.lead import event
from bench.load import Order
from bench.servers import START_SECONDS, Program, Servers, Sighting, call
from bench.system import WORKERS, Witness
from drumbeat.local.servers import free_port

DATABASE = "drumbeat"
SECRETS = {"BENCH_SIGNING_KEY": "whsec_YmVuY2g=", "BENCH_API_KEY": "bench"}

# A receiver that knows a repeat by its key (class K): what ends without an answer is sent again under the same key.
KEYED = """\
version: 1
accounts:
  provider:
    provider: http
    settings: {{base_url: "http://127.0.0.1:{port}", repeat: safe}}
    secrets: {{signing_key: env:BENCH_SIGNING_KEY}}
    limits: ["100000/s"]
flows:
  lead:
    on: LEAD_CAPTURE
    steps:
      - {{id: send, account: provider, action: call,
         with: {{method: POST, path: /v1/messages, body: "{{{{ payload | tojson }}}}"}}}}
"""

# A provider without keys that can be searched (class Q): Mailgun's API, in the sandbox. Its event log has no lag
# there, so that lookups may come sooner than at the real one.
SEARCHED = """\
version: 1
accounts:
  provider:
    provider: mailgun
    settings: {{domain: mg.example.com, from: "Ada <ada@example.com>"}}
    secrets: {{api_key: env:BENCH_API_KEY}}
    limits: ["100000/s"]
    lookup: {{looks: [5s, 15s, 30s], retention: 3d}}
flows:
  lead:
    on: LEAD_CAPTURE
    steps:
      - {{id: send, account: provider, action: send_email,
         with: {{to: "{{{{ payload.email }}}}", subject: "Thank you", text: "{{{{ payload.message }}}}"}}}}
"""

STORED = "SELECT count(*) FROM effects WHERE status = 'accepted'"
LAST_STORED = "SELECT extract(epoch FROM max(at))::float FROM journal WHERE to_status = 'accepted'"


class Drumbeat:
    """The stack of `drumbeat dev`; its config decides which class of provider it talks to."""

    name = "drumbeat"

    def __init__(
        self, servers: Servers, config: str = KEYED, sqs_endpoint: str | None = None, workers: int = WORKERS
    ) -> None:
        self._servers = servers
        self._home = servers.home / "drumbeat"
        self._port = free_port()
        self._groups: dict[str, list[int]] = {}
        file = servers.home / "drumbeat.yaml"
        file.write_text(config.format(port=servers.provider.port))
        environment = {
            **servers.environment,
            **SECRETS,
            "DATABASE_URL": servers.postgres.url(DATABASE, user="drumbeat_app"),
            "ADMIN_DATABASE_URL": servers.postgres.url(DATABASE),
            "REDIS_URL": servers.valkey.url,
            "DATABASE_DIRECT": "1",  # no pooler in between, for the peers neither: their driver prepares by default
        }
        if sqs_endpoint is not None:
            environment["SQS_ENDPOINT_URL"] = sqs_endpoint
        command = [sys.executable, "-m", "drumbeat.cli.main", "dev", "--port", str(self._port)]
        command += ["--home", str(self._home), "--config", str(file), "--workers", str(workers)]
        self._program = Program(command, servers.home / "drumbeat.log", environment, pipe=True)
        try:
            ready = json.loads(_first_line(self._program))
        except BaseException:
            self._program.stop()
            raise
        self._key = ready["api_key"]
        self.witness: Witness = Sandbox(ready["sandbox_url"]) if config is SEARCHED else servers.provider

    def order(self, ids: Sequence[str], *, batch: int = 1, rate: float | None = None, connections: int = 32) -> Order:
        """Return the requests that bring these events, `batch` of them in each."""
        parts = [list(part) for part in batched(ids, batch, strict=False)]
        if batch == 1:
            path, bodies = "/v1/events", [json.dumps(event(part[0])) for part in parts]
        else:
            path, bodies = "/v1/events/batch", [json.dumps({"events": [event(id) for id in part]}) for part in parts]
        headers = {"Authorization": f"Bearer {self._key}"}
        return Order(self._port, path, headers, bodies, parts, connections, rate)

    def stored(self) -> int:
        """Return how many effects are stored as accepted."""
        return int(self._servers.query(DATABASE, STORED)[0])

    def last_stored(self) -> float:
        """Return when the last of them was stored."""
        return float(self._servers.query(DATABASE, LAST_STORED)[0] or 0.0)

    def cpu(self) -> dict[str, float]:
        """Return the CPU seconds spent so far, by group of processes."""
        return {
            "front, ingest": cpu.seconds(self._pids("front", "ingest")),
            "workers, poller, relay": cpu.seconds(self._pids("worker", "poller", "relay", "schedules")),
            "console, supervisor": cpu.seconds(self._pids("console")) + cpu.alone(self._program.pid),
            "postgres": cpu.seconds([self._servers.postgres.pid]),
            "valkey": cpu.seconds([self._servers.valkey.pid]),
            "(SQS emulator)": cpu.seconds(self._pids("ministack")),
        }

    def kill_worker(self, random: Random) -> bool:
        """Kill one of the worker processes; the stack's supervisor starts it again."""
        pids = self._pids("worker")
        if not pids:
            return False
        with suppress(ProcessLookupError):
            os.kill(random.choice(pids), signal.SIGKILL)
            return True
        return False

    def stop(self) -> None:
        """End the stack in order."""
        self._program.stop()

    def _pids(self, *names: str) -> list[int]:
        """Return the ids of the processes whose names begin so."""
        found = []
        for file in sorted((self._home / "run").glob("*.pid")):
            if file.stem.startswith(names):
                with suppress(FileNotFoundError):  # it has just ended
                    found.append(int(file.read_text()))
        return found


class Sandbox:
    """The stack's own sandbox as the witness; events are identified by their recipients."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._begun = 0.0

    def begin(self, *, latency: float, lies: float = 0.0) -> None:
        """Set how it behaves from now on, and count from now on."""
        call(f"{self._url}/_sandbox/lies/clear", {})
        call(
            f"{self._url}/_sandbox/lies",
            {"lie": "latency", "provider": "mailgun", "on": "writes", "ms": latency * 1000},
        )
        if lies:
            call(
                f"{self._url}/_sandbox/lies", {"lie": "accept_then_500", "provider": "mailgun", "rate": lies, "seed": 7}
            )
        self._begun = call(f"{self._url}/_sandbox/health")["now"]

    def sightings(self) -> dict[str, Sighting]:
        """Return the mails since `begin`, by the name before the recipient's @."""
        found: dict[str, Sighting] = {}
        after: int | None = -1
        while after is not None:
            query = f"?since={self._begun}&after={after}&provider=mailgun&limit=10000"
            page = call(f"{self._url}/_sandbox/record{query}")
            after = page["next"]
            for entry in page["items"]:
                if entry.get("lookup"):
                    continue
                id = entry["to"][0].partition("@")[0]
                seen = found.get(id, Sighting(entry["at"], 0, 0))
                found[id] = Sighting(seen.first, seen.calls + 1, seen.accepted + (entry["did"] == "accepted"))
        return found


def _first_line(program: Program) -> str:
    """Return the line that says that the stack is ready; raises RuntimeError with the end of its log."""
    output = program.process.stdout
    assert output is not None
    ready, _, _ = select.select([output], [], [], START_SECONDS)
    line = output.readline().decode() if ready else ""
    if not line:
        raise RuntimeError(f"drumbeat dev did not start:\n{program.log.read_text(errors='replace')[-3000:]}")
    return line
