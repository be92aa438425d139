"""A real `drumbeat dev` in a folder of its own, on a Postgres of its own behind the connection cutter."""

import json
import os
import shutil
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Self

import psycopg
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from drumbeat.infrastructure.settings import Settings
from drumbeat.infrastructure.sqs.client import Sqs
from drumbeat.local.frames import Json
from drumbeat.local.home import Home
from drumbeat.local.invocation import invoke
from drumbeat.local.ledger import first_key
from drumbeat.local.ports import Ports
from drumbeat.local.stack import ANY_KEY, local_sqs
from drumbeat.services import Services
from drumbeat.wakeups.queue import Queue
from tests.chaos.connection_cutter import ConnectionCutter
from tests.chaos.peoples_ledger import DatedPostgres
from tests.flow.stacks import ROOT, Stack

CAMPAIGN, CAMPAIGN_BEFORE = (ROOT / "tests" / "chaos" / name for name in ("campaign.yaml", "campaign_before.yaml"))
TEMPLATES = ROOT / "tests" / "chaos" / "templates"
SITE = Path(__file__).parent / "site"
WORKERS = 4
OTHER_FUNCTIONS = ["relay", "campaign", "console-1"]
TIMEOUT_SECONDS = 10.0  # for an answer
CONFIRMED_SECONDS = 30.0  # in which the topic of SNS has to be confirmed
WEBHOOKS_SECRET = "whsec_YSBzZWNyZXQgb2YgY2hhb3Mgb25seSwgMzIgYnl0ZXM="
RELAY_INTERVAL_SECONDS = 2.0  # unless said otherwise, so that many sweeps meet faults; in a deployment: a minute


class Environment:
    """A running stack and its servers; use as a context manager. Without `keep` its folder is deleted at the end.

    `code` is the checkout that it is started from. Its functions run what `deploy` says, from their next start on.
    `campaign` is another configuration than that of the large trial; `options` are those of `drumbeat dev`.
    """

    def __init__(
        self,
        relay_every: float = RELAY_INTERVAL_SECONDS,
        code: Path = ROOT,
        campaign: Path | None = None,
        options: Sequence[str] = (),
        variables: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._relay_every = relay_every
        self.code = code
        self._options = options
        self._variables = variables
        self.folder = Path(tempfile.mkdtemp(prefix="drumbeat-chaos-"))
        self.keep = True
        self.folder.chmod(0o755)  # Postgres runs as a user of its own
        self.postgres = DatedPostgres(self.folder / "postgres")
        self.connection_cutter = ConnectionCutter(self.postgres.port)
        sandbox = Ports(Home(self.folder / "home"))["sandbox"]  # chosen now: the campaign has to name it
        self.sandbox_url = f"http://127.0.0.1:{sandbox}"
        self.campaign = self.folder / "drumbeat.yaml"
        campaign = campaign or (CAMPAIGN if code == ROOT else CAMPAIGN_BEFORE)
        self.campaign.write_text(campaign.read_text().replace("SANDBOX_URL", self.sandbox_url))
        if code == ROOT:
            shutil.copytree(TEMPLATES, self.folder / "templates")
        self.deploy(code)
        self.stack = Stack(self.folder / "home", self.campaign)

    def __enter__(self) -> Self:
        try:
            self.postgres.start()
            self.stack.servers = self._servers()
            self.connection_cutter.__enter__()
            process = self.stack.spawn(
                "--workers", str(WORKERS), "--relay-every", str(self._relay_every), *self._options
            )
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, self.stack.said()
            self.stack.ready = json.loads(line)
            self.command("receivers", {"account": "site", "honour_keys": True})
            self._wait_for_webhooks()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        process = self.stack.process
        if process is not None and process.poll() is None:
            process.terminate()
            process.wait()
        self.connection_cutter.__exit__()
        self.postgres.stop()
        if not self.keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def templates(self) -> dict[str, str]:
        """The templates beside the campaign; the release before has none."""
        return {file.name: file.read_text() for file in (self.folder / "templates").glob("*")}

    @property
    def deployed(self) -> Path:
        """The checkout from which functions start now."""
        return self._link.resolve()

    def deploy(self, code: Path) -> None:
        """Let functions start from another checkout; those that run go on with what they have."""
        draft = self._link.with_suffix(".new")
        draft.symlink_to(code)
        draft.rename(self._link)  # at every moment it is one or the other

    @property
    def _link(self) -> Path:
        return self.folder / "code"

    @property
    def functions(self) -> list[str]:
        """The names of the functions' processes."""
        return [f"ingest-{n}" for n in (1, 2)] + [f"worker-{n}" for n in range(1, WORKERS + 1)] + OTHER_FUNCTIONS

    @property
    def record(self) -> Path:
        """The sandbox's record of what providers were asked to do and did."""
        return self.folder / "home" / "sandbox" / "record.jsonl"

    @cached_property
    def wake_ups(self) -> Queue:
        """The effects queue, over a connection of the test's own."""
        return self.queue("EffectsQueue")

    def queue(self, name: str) -> Queue:
        """One of the template's queues, over a connection of its own."""
        sqs = self.sqs()
        return Queue(sqs, sqs.call("GetQueueUrl", QueueName=f"drumbeat-dev-{name}")["QueueUrl"])

    def sqs(self) -> Sqs:
        """The SQS emulator, over a connection of its own."""
        return local_sqs(f"http://127.0.0.1:{self._port('ministack')}", self._private("aws_key") or ANY_KEY)

    @cached_property
    def valkey(self) -> Redis:
        """The stack's Valkey."""
        return Redis(
            port=self._port("valkey"),
            password=self._private("valkey/password"),
            socket_timeout=1,
            socket_connect_timeout=1,
            retry=Retry(NoBackoff(), 0),
        )

    def call(self, method: str, path: str, body: Json = None) -> Json:
        """Make one request to the API, or to the sandbox under `/_sandbox`; raises OSError without a good answer."""
        base = self.sandbox_url if path.startswith("/_sandbox") else self.stack.ready["url"]
        headers = {"authorization": f"Bearer {self.stack.ready['api_key']}", "content-type": "application/json"}
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(base + path, content, headers, method=method)
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as reply:
            return json.loads(reply.read())

    def command(self, name: str, command: Mapping[str, Json] | None, method: str = "POST") -> bool:
        """Send the sandbox a command; return False when it does not answer."""
        with suppress(OSError):
            self.call(method, f"/_sandbox/{name}", command)
            return True
        return False

    def read(self, path: str) -> Json:
        """Read from the API; return None when it does not answer."""
        with suppress(OSError, ValueError):
            return self.call("GET", path)
        return None

    def listed(self, path: str) -> Iterator[Json]:
        """Read a whole list from the API; raises ConnectionError when it does not answer."""
        cursor = ""
        while True:
            page = self.read(f"{path}{'&' if '?' in path else '?'}limit=200{cursor}")
            if page is None:
                raise ConnectionError(f"{path} is not answered")
            yield from page["items"]
            if page["next"] is None:
                return
            cursor = f"&cursor={page['next']}"

    def turn_clock(self, by: timedelta) -> None:
        """Let the ledger's clock, by which all is due, be so much ahead, and let the relay look at everything."""
        with psycopg.connect(self.ledger_urls[0], autocommit=True) as owner:
            owner.execute("UPDATE clock SET shift = %s", [by])
        self.valkey.flushall()
        invoke(self.folder / "home", "relay", {})

    def _wait_for_webhooks(self) -> None:
        """Wait until every provider knows where its reports go."""
        until = time.monotonic() + CONFIRMED_SECONDS
        while not all(one["confirmed"] for one in self.webhooks()):
            assert time.monotonic() < until, "the subscription to the topic of SNS was not confirmed"
            time.sleep(0.1)

    def webhooks(self) -> list[Json]:
        """Where providers report to; the release before takes no reports, and its sandbox makes none."""
        if self.code != ROOT:
            return []
        found: list[Json] = self.call("GET", "/_sandbox/webhooks")["items"]
        return found

    @property
    def ledger_urls(self) -> tuple[str, str]:
        """The ledger's addresses for the owner and for the application."""
        return self.postgres.url("drumbeat"), self.postgres.url("drumbeat", user="drumbeat_app")

    def _private(self, name: str) -> str | None:
        """What the stack keeps to itself, such as a password; the release before has no such files."""
        file = self.folder / "home" / name
        return file.read_text().strip() if file.exists() else None

    def admit_first_key(self) -> None:
        """Give the key of the running stack its row, as a start of the present code does."""
        services = Services(Settings.from_env({"DATABASE_URL": self.ledger_urls[1], "DRUMBEAT_SECRET": "unused"}))
        first_key(services)

    def _port(self, server: str) -> int:
        ports: dict[str, int] = json.loads((self.folder / "home" / "ports.json").read_text())
        return ports[server]

    def _servers(self) -> dict[str, str]:
        cut = self.postgres.url("drumbeat", user="drumbeat_app").replace(
            f":{self.postgres.port}/", f":{self.connection_cutter.port}/"
        )
        return {
            "DATABASE_URL": cut,
            "ADMIN_DATABASE_URL": self.postgres.url("drumbeat"),
            "DATABASE_DIRECT": "1",
            "CHAOS_SECRET": "key-of-the-sandbox",
            "CHAOS_WEBHOOKS": WEBHOOKS_SECRET,
            "CHAOS_CODE": str(self._link),
            "PYTHONPATH": os.pathsep.join(map(str, (self.code / "shared", self.code, SITE))),
            **self._variables,
        }
