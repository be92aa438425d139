"""A whole stack on one machine: its processes, their environment, the order in which they start and stop."""

import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import drumbeat
from drumbeat.core.errors import DrumbeatError
from drumbeat.infrastructure import secrets_file
from drumbeat.infrastructure.aws_signature import Credentials
from drumbeat.infrastructure.redis import LeanRedis, PlainText
from drumbeat.infrastructure.settings import Settings
from drumbeat.infrastructure.sqs.client import Sqs
from drumbeat.ledger.database import encrypted
from drumbeat.local import disk, emulator, ledger, queues
from drumbeat.local.children import Child, Process, ServerChild, Watched, base_environment
from drumbeat.local.home import Home
from drumbeat.local.ports import Ports, answers, require_free
from drumbeat.local.schedule_group import create as create_group
from drumbeat.local.servers import MiniStack, Postgres, Server, Valkey
from drumbeat.local.template import Function, Template
from drumbeat.local.terminal import tell
from drumbeat.local.vendor_webhooks import VendorWebhooks
from drumbeat.services import Services

ROOT = Path(drumbeat.__file__).resolve().parents[2]  # functions/ and template.yaml are here
TEMPLATE = ROOT / "template.yaml"
STAGE = "dev"
REGION = "us-east-1"
POOLS = {"ingest": 2}  # handler processes of a function behind HTTP; the others have one
BY_CAMPAIGNS = "campaign"  # the function that the schedules of campaigns invoke
# Where the console keeps those schedules: an emulator accepts any role and function.
SCHEDULER = {
    "SCHEDULE_ROLE_ARN": f"arn:aws:iam::000000000000:role/drumbeat-{STAGE}-campaign-schedule",
    "CAMPAIGN_FUNCTION_ARN": f"arn:aws:lambda:{REGION}:000000000000:function:drumbeat-{STAGE}-campaign",
}
ANY_KEY = "test"  # for an emulator that accepts any
READY_SECONDS = 60.0


class StartFailed(DrumbeatError):
    """The stack did not come up; says why."""


@dataclass(frozen=True)
class Options:
    """How to run a stack."""

    home: Path
    port: int = 8787
    workers: int = 2
    test_door: bool = False
    clock: timedelta | None = None  # how far the ledger's clock is ahead; None: as it was left
    relay_every: float | None = None  # seconds; None: the template's rate
    telemetry: bool = False  # traces go to a file, where no collector is named


class Stack:
    """All processes of one stack; `start` returns when requests are answered.

    It starts with the servers, then the handlers, then the feeders: what brings work to the handlers. It ends in the
    opposite order, so that what is under way is finished.
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        self.home = Home(options.home)
        self.template = Template.load(TEMPLATE)
        self.ports = Ports(self.home)
        self.servers: list[Watched] = []
        self.handlers: list[Watched] = []
        self.feeders: list[Watched] = []
        self.api_key = ""
        self._environment: dict[str, str] = {}
        self._queue_urls: dict[str, str] = {}
        self._scheduler: dict[str, str] = {}
        self._aws_key = ANY_KEY

    @property
    def url(self) -> str:
        """Where the stack answers."""
        return f"http://127.0.0.1:{self.options.port}"

    @property
    def stage_on_shared(self) -> str:
        """What queues are named by on an endpoint that other stacks may use, too."""
        return f"{STAGE}-{self.home.id}"

    @property
    def sandbox_url(self) -> str:
        """Where the provider sandbox answers."""
        return f"http://127.0.0.1:{self.ports['sandbox']}"

    @property
    def telemetry_file(self) -> Path:
        """Where traces go, a line for each export."""
        return self.home.path / "telemetry" / "traces.jsonl"

    @property
    def places(self) -> dict[str, str]:
        """The addresses, for the line that says that all is ready."""
        return {"url": self.url, "api_key": self.api_key, "sandbox_url": self.sandbox_url}

    @property
    def vendor_webhooks(self) -> VendorWebhooks:
        """What tells the sandbox where reports of mails go."""
        ahead = float(self._environment.get("DRUMBEAT_CLOCK_SHIFT", 0.0))
        return VendorWebhooks(self.url, self.api_key, self.sandbox_url, self.home.path, ahead)

    @property
    def children(self) -> list[Watched]:
        """All processes."""
        return [*self.servers, *self.handlers, *self.feeders]

    def start(self) -> None:
        """Start everything; raises DrumbeatError or RuntimeError when something does not come up."""
        self.home.lock()
        if ended := self.home.clear_leftovers():
            tell(f"ended processes that an earlier run had left: {', '.join(ended)}")
        require_free(self.options.port)
        disk.require(self.home.path)
        self._start_servers()
        tell("bringing the ledger up to date")
        urls = self._environment["ADMIN_DATABASE_URL"], self._environment["DATABASE_URL"]
        shift = ledger.prepare(*urls, self.options.clock)
        if shift:
            tell(f"the clock is shifted by {shift}")
        self._environment["DRUMBEAT_CLOCK_SHIFT"] = str(int(shift.total_seconds()))
        if self.options.telemetry:
            tell(f"traces are written to {self.telemetry_file}, unless OTEL_EXPORTER_OTLP_ENDPOINT names a collector")
        tell("starting the functions")
        self._start_handlers()
        self._start_feeders()
        self._wait_until_ready()
        self.api_key = ledger.first_key(Services(Settings.from_env(self._environment)))

    def stop(self) -> None:
        """End everything in order: feeders finish their work, servers write their state to disk."""
        for group in (self.feeders, self.handlers, self.servers):
            for watched in group:
                watched.child.begin_stop()
            for watched in reversed(group):
                watched.stop()
        self.home.unlock()

    def _start_servers(self) -> None:
        """Start the servers that the environment does not name, and set the environment of every function."""
        own = os.environ.get
        home = self.home.path
        database, redis, endpoint = own("DATABASE_URL"), own("REDIS_URL"), own("SQS_ENDPOINT_URL")
        if redis is not None and LeanRedis.at(redis, "", local=True).refused:
            raise StartFailed(f"REDIS_URL: {PlainText()}. Nothing was started.")
        if database is not None:
            urls = {"DATABASE_URL": database, "ADMIN_DATABASE_URL": own("ADMIN_DATABASE_URL") or database}
            stores = {name: encrypted(url, local=True) for name, url in urls.items()}
        else:
            postgres = Postgres(home / "postgres", self.ports["postgres"])
            self._start_server(postgres)
            stores = ledger.urls(postgres)
        if redis is None:
            valkey = Valkey(home / "valkey", self.ports["valkey"])
            self._start_server(valkey)
            redis = valkey.url
        if endpoint is None:
            self._aws_key = self.home.aws_key()
            ministack = MiniStack(home / "ministack", self.ports["ministack"], key=self._aws_key)
            endpoint = ministack.url
            self._start_server(ministack, lambda: self._restore_aws(ministack))
        else:
            self._prepare_aws(endpoint, self.stage_on_shared)
        self._environment = {
            **base_environment(),
            **stores,
            "REDIS_URL": redis,
            "SQS_ENDPOINT_URL": endpoint,
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": self._aws_key,
            "AWS_SECRET_ACCESS_KEY": ANY_KEY,
            "STAGE": STAGE,
            "POWERTOOLS_SERVICE_NAME": f"drumbeat-{STAGE}",
            "DRUMBEAT_LOCAL": "1",
            "DRUMBEAT_TEST_DOOR": "1" if self.options.test_door else "0",
            "DRUMBEAT_SECRET": self.home.secret(),
            "DRUMBEAT_SECRETS_FILE": str(home / secrets_file.FILE),
            "DRUMBEAT_SANDBOX_URL": self.sandbox_url,
            "DRUMBEAT_PUBLIC_URL": self.url,  # links in the sandbox's mails lead to this stack
            "COPY_SECONDS": "5",  # what was just applied is known soon; a minute on AWS, where each read is billed
            "WORKER_CONCURRENCY": str(self.options.workers),
            **self._scheduler,
            **({"DRUMBEAT_TELEMETRY_FILE": str(self.telemetry_file)} if self.options.telemetry else {}),
            "PYTHONUNBUFFERED": "1",
        }
        for function in self.template.functions.values():
            named = function.queue_variables.items()
            self._environment |= {variable: self._queue_urls[resource] for variable, resource in named}
        sandbox = ["drumbeat.sandbox", "--port", str(self.ports["sandbox"]), "--home", str(home / "sandbox")]
        sandbox += ["--front", self.url]
        self._run("sandbox", sandbox, self.servers, self._environment)

    def _start_handlers(self) -> None:
        for function in self.template.functions.values():
            environment = {
                **function.environment,
                **self._environment,
                "AWS_LAMBDA_FUNCTION_NAME": f"drumbeat-{STAGE}-{function.name}",
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
            }
            for name in self._instances(function):
                arguments = ["drumbeat.local.runtime", function.module, "--name", f"drumbeat-{STAGE}-{function.name}"]
                arguments += ["--socket", str(self.home.sockets / f"{name}.sock")]
                arguments += ["--memory", str(function.memory), "--timeout", str(function.timeout)]
                self._run(name, arguments, self.handlers, environment)

    def _start_feeders(self) -> None:
        sockets = ["--sockets", str(self.home.sockets)]
        template = ["--template", str(TEMPLATE)]
        for feed in self.template.feeds:
            poller = ["drumbeat.local.poller", "--queue", self._queue_urls[feed.queue], "--batch", str(feed.batch)]
            poller += ["--function", feed.function, "--size", str(self.options.workers), *sockets]
            poller += ["--endpoint", self._environment["SQS_ENDPOINT_URL"], "--region", REGION]
            self._run("poller", poller, self.feeders, self._environment)
        every = [] if self.options.relay_every is None else ["--every", f"relay={self.options.relay_every}"]
        self._run(
            "schedules", ["drumbeat.local.schedules", *template, *sockets, *every], self.feeders, self._environment
        )
        pools = [part for name in self._behind_http() for part in ("--pool", f"{name}={POOLS.get(name, 1)}")]
        front = ["drumbeat.local.front", *template, *sockets, "--home", str(self.home.path), *pools]
        front += ["--port", str(self.options.port)]
        self._run("front", front, self.feeders, self._environment)

    def _instances(self, function: Function) -> list[str]:
        """Name the processes of a function: a pool for HTTP and queues, one for a schedule, none for a deploy hook."""
        if function.name in self._behind_http():
            size = POOLS.get(function.name, 1)
        elif any(feed.function == function.name for feed in self.template.feeds):
            size = self.options.workers
        else:
            scheduled = {BY_CAMPAIGNS, *(schedule.function for schedule in self.template.schedules)}
            return [function.name] if function.name in scheduled else []
        return [f"{function.name}-{number}" for number in range(1, size + 1)]

    def _behind_http(self) -> list[str]:
        return sorted({route.function for route in self.template.routes})

    def _prepare_aws(self, endpoint: str, stage: str = STAGE) -> None:
        """Make queues and the schedules' group, with the stage in their names."""
        with closing(local_sqs(endpoint, self._aws_key)) as sqs:
            self._queue_urls = queues.create(sqs, endpoint, self.template.queues, stage)
        group = f"drumbeat-{stage}"
        if create_group(endpoint, group, REGION, self._aws_key):
            self._scheduler = {**SCHEDULER, "SCHEDULE_GROUP": group}
        else:
            tell(f"{endpoint} has no EventBridge Scheduler; the relay fires campaigns instead")

    def _restore_aws(self, ministack: MiniStack) -> None:
        """Restore what a killed emulator lost: queues, the schedules' group, and what exists in a queue only."""
        self._prepare_aws(ministack.url)
        sqs = local_sqs(ministack.url, self._aws_key)
        again = emulator.restore(ministack.buffer_log, ministack.queues_state, sqs, self._queue_urls)
        if again:
            tell(f"messages of the buffer and wishes were restored ({again}); those drained before change nothing")

    def _start_server(self, server: Server, prepared: Callable[[], object] | None = None) -> None:
        tell(f"starting {server.name}")
        self._start(ServerChild(server, prepared), self.servers)

    def _run(self, name: str, module: list[str], group: list[Watched], environment: Mapping[str, str]) -> None:
        self._start(Child(name, [sys.executable, "-m", *module], environment, self.home.log(name), ROOT), group)

    def _start(self, child: Process, group: list[Watched]) -> None:
        watched = Watched(child, self.home)
        group.append(watched)
        watched.start()

    def _wait_until_ready(self) -> None:
        """Wait until every handler and port answers; raises StartFailed with the end of a log."""
        addresses: dict[str, tuple[str, int | None]] = {
            watched.child.name: (str(self.home.sockets / f"{watched.child.name}.sock"), None)
            for watched in self.handlers
        }
        addresses["sandbox"] = ("127.0.0.1", self.ports["sandbox"])
        addresses["front"] = ("127.0.0.1", self.options.port)
        until = time.monotonic() + READY_SECONDS
        while addresses:
            addresses = {name: address for name, address in addresses.items() if not answers(*address)}
            late = addresses if time.monotonic() > until else ()
            for watched in self.children:
                name = watched.child.name
                if watched.child.ended() is not None or name in late:
                    tail = self.home.log(name).read_text(errors="replace")[-2000:]
                    raise StartFailed(f"{name} did not come up; nothing was lost. The end of its log:\n{tail}")
            time.sleep(0.03)


def local_sqs(endpoint: str, key: str = ANY_KEY) -> Sqs:
    """Return a client of an emulator, which accepts any secret, and any access key but where a stack gave it one."""
    return Sqs(REGION, endpoint, Credentials(key, ANY_KEY))
