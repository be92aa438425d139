"""Cold starts: the layers as they are deployed, built for this machine; every handler imported from them, and started
under Lambda's own runtime client and emulator (sam's wheel carries it) against real servers. As on AWS, a function gets
names and reads the values from the SSM API, its accounts' secrets too.

    python -m bench.coldstart
"""

import json
import platform
import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from bench import layers
from bench.emulator import Environment
from bench.lead import SOURCE, event
from bench.ours import DATABASE, KEYED, SECRETS
from bench.phases import Figures, spread
from bench.servers import ROOT, Servers, environment
from drumbeat.configuration.apply import apply
from drumbeat.core import ids
from drumbeat.infrastructure.settings import Settings
from drumbeat.local import ledger, queues
from drumbeat.local.cloud import deployment
from drumbeat.local.cloud.account import client
from drumbeat.local.gateway import Routes, request_event
from drumbeat.local.servers import MiniStack
from drumbeat.local.stack import REGION, STAGE, TEMPLATE, local_sqs
from drumbeat.local.template import Template
from drumbeat.services import Services
from drumbeat.wakeups.queue import WakeUp

FUNCTIONS = ("ingest", "worker", "relay", "console")
STARTS, WARM = 5, 300
SIGNING_KEY = "/drumbeat/local/bench"
UV = ROOT / ".venv/uv/bin/uv"
EMULATOR = f"rapid/aws-lambda-rie-{ {'aarch64': 'arm64'}.get(platform.machine(), platform.machine()) }"


class Stage:
    """Servers, a migrated ledger, queues, parameters and a configuration: the surroundings of a deployed function."""

    def __init__(self, servers: Servers, queue: MiniStack) -> None:
        template = Template.load(TEMPLATE)
        owner, application = servers.postgres.url(DATABASE), servers.postgres.url(DATABASE, user="drumbeat_app")
        ledger.prepare(owner, application, None)
        urls = queues.create(local_sqs(queue.url), queue.url, template.queues, STAGE)
        values = {
            "DATABASE_URL": application,
            "ADMIN_DATABASE_URL": owner,
            "REDIS_URL": servers.valkey.url,
            "SECRET": "bench" * 8,
        }
        self._environment = {
            **servers.environment,
            "STAGE": STAGE,
            "DRUMBEAT_LOCAL": "1",  # the provider is on this machine
            "SQS_ENDPOINT_URL": queue.url,
            "AWS_ENDPOINT_URL": queue.url,
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "POWERTOOLS_SERVICE_NAME": "bench",
            "POWERTOOLS_METRICS_NAMESPACE": "Bench",
        }
        for function in template.functions.values():
            self._environment |= {variable: urls[name] for variable, name in function.queue_variables.items()}
        deployment.store_secrets(queue.url, values)
        ssm = client("ssm", queue.url)
        ssm.put_parameter(Name=SIGNING_KEY, Value=SECRETS["BENCH_SIGNING_KEY"], Type="SecureString")
        known = {**self._environment, **values, "DRUMBEAT_SECRET": values["SECRET"]}
        services = Services(Settings.from_env(known))
        config = KEYED.format(port=servers.provider.port).replace("env:BENCH_SIGNING_KEY", f"ssm:{SIGNING_KEY}")
        apply(config, {}, actor="bench", services=services)
        self._key = ledger.first_key(services)
        services.db.close()
        self._routes = Routes(template.routes)
        self._events = (f"cold-{number:06d}" for number in count())
        self._recorded: list[str] = []

    def environment(self, function: str) -> dict[str, str]:
        """Return a function's environment: of its values the names only."""
        names = deployment.parameters(function)
        return self._environment | {f"{variable}_PARAM": name for variable, name in names.items()}

    def event(self, function: str) -> dict[str, Any]:
        """Return something new for a function to do."""
        if function == "ingest":
            self._recorded.append(next(self._events))
            return self._request("POST", "/v1/events", json.dumps(event(self._recorded[-1])).encode())
        if function == "worker":
            wake_up = WakeUp(events=(ids.event_id(SOURCE, self._recorded.pop()),))
            return {"Records": [{"messageId": "1", "body": wake_up.dumps()}]}
        if function == "console":
            return self._request("GET", "/v1/events", b"")
        relay: dict[str, Any] = json.loads((ROOT / "events/relay.json").read_text())
        return relay

    def _request(self, method: str, path: str, body: bytes) -> dict[str, Any]:
        found = self._routes.find(method, path)
        assert found is not None
        scope = {"method": method, "path": path, "query_string": b"", "client": ("127.0.0.1", 1)}
        headers = [(b"authorization", f"Bearer {self._key}".encode()), (b"content-type", b"application/json")]
        return request_event(*found, scope, headers, body)


def measure(home: Path) -> Iterator[tuple[str, Figures]]:
    """Build, import, start, invoke; yields the size of the layers, then the figures of each function (milliseconds)."""
    paths = layers.build(home / "layers", UV)
    yield "layers", {"MB unzipped": layers.megabytes(paths)}
    emulator = next((ROOT / ".venv/tools").rglob(EMULATOR))
    with _stage(home) as stage:
        for name in FUNCTIONS:
            cost = layers.imported(ROOT / "functions" / name, paths)
            start = _starter(name, emulator, paths, stage, home)
            inits, firsts = zip(*(_cold(start, stage, name) for _ in range(STARTS)), strict=True)
            yield (
                name,
                {
                    "import ms": cost.ms,
                    "modules": cost.modules,
                    "init ms": statistics.median(inits),
                    "first ms": statistics.median(firsts),
                    "warm ms": _warm(start, stage, name),
                },
            )


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="drumbeat-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # Postgres runs as a user of its own
        for name, figures in measure(Path(folder)):
            print(name, json.dumps(figures), flush=True)


@contextmanager
def _stage(home: Path) -> Iterator[Stage]:
    with Servers(home / "servers", environment()) as servers, MiniStack(home / "ministack") as queue:
        servers.provider.begin(latency=0.0)
        yield Stage(servers, queue)


def _starter(name: str, emulator: Path, paths: list[Path], stage: Stage, home: Path) -> Callable[[], Environment]:
    logs = (home / f"{name}-{number}.log" for number in count())
    return lambda: Environment(emulator, ROOT / "functions" / name, paths, stage.environment(name), next(logs))


def _cold(start: Callable[[], Environment], stage: Stage, name: str) -> tuple[float, float]:
    """Start once; returns the emulator's figure for the start, and start plus first invocation as a caller sees it."""
    todo = stage.event(name)
    with start() as environment:
        took, result = environment.invoke(todo)
        _check(result)
        return environment.init_ms() or 0.0, took


def _warm(start: Callable[[], Environment], stage: Stage, name: str) -> dict[str, float]:
    todo = [stage.event(name) for _ in range(WARM + 1)]
    with start() as environment:
        times = []
        for one in todo:
            took, result = environment.invoke(one)
            _check(result)
            times.append(took)
    return spread(times[1:])


def _check(result: object) -> None:
    """Make sure that the handler did its work; raises RuntimeError."""
    if isinstance(result, dict) and (
        "errorType" in result or result.get("statusCode", 200) >= 400 or result.get("batchItemFailures")
    ):
        raise RuntimeError(f"the handler failed: {result}")


if __name__ == "__main__":
    main()
