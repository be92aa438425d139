"""Where it happens: a real `drumbeat dev` in a folder of its own, on a Postgres of ours behind the cutter."""

import json
import os
import shutil
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Self

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from drumbeat.local.frames import Json
from drumbeat.local.home import Home
from drumbeat.local.ports import Ports
from drumbeat.local.servers import Postgres
from drumbeat.local.stack import local_sqs
from drumbeat.wakeups.queue import Queue
from tests.chaos.cutter import Cutter
from tests.flow.stacks import ROOT, Stack

CAMPAIGN = Path(__file__).parent / "campaign.yaml"
SITE = Path(__file__).parent / "site"
WORKERS = 4
PATIENCE = 10.0  # seconds for an answer
RELAY_EVERY = 2  # seconds; a minute in earnest


class Arena:
    """A running stack and what it runs on; use as a context manager. Without `keep` the folder goes away with it."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="drumbeat-chaos-"))
        self.keep = True
        self.folder.chmod(0o755)  # Postgres runs as a user of its own
        self.postgres = Postgres(self.folder / "postgres")
        self.cutter = Cutter(self.postgres.port)
        sandbox = Ports(Home(self.folder / "home"))["sandbox"]  # chosen now: the campaign has to name it
        self.sandbox_url = f"http://127.0.0.1:{sandbox}"
        self.campaign = self.folder / "drumbeat.yaml"
        self.campaign.write_text(CAMPAIGN.read_text().replace("SANDBOX_URL", self.sandbox_url))
        self.stack = Stack(self.folder / "home", self.campaign, self._servers())

    def __enter__(self) -> Self:
        try:
            self.postgres.start()
            self.cutter.__enter__()
            process = self.stack.spawn("--workers", str(WORKERS), "--relay-every", str(RELAY_EVERY))
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, self.stack.said()
            self.stack.ready = json.loads(line)
            self.order("receivers", {"account": "site", "honour_keys": True})
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        process = self.stack.process
        if process is not None and process.poll() is None:
            process.terminate()
            process.wait()
        self.cutter.__exit__()
        self.postgres.stop()
        if not self.keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def record(self) -> Path:
        """The sandbox's own record of what providers were asked and did."""
        return self.folder / "home" / "sandbox" / "record.jsonl"

    @cached_property
    def doorbells(self) -> Queue:
        """The effects queue, over a connection of our own."""
        sqs = local_sqs(f"http://127.0.0.1:{self._port('ministack')}")
        return Queue(sqs, sqs.call("GetQueueUrl", QueueName="drumbeat-dev-EffectsQueue")["QueueUrl"])

    @cached_property
    def valkey(self) -> Redis:
        """Valkey as anybody else would see it."""
        return Redis(port=self._port("valkey"), socket_timeout=1, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0))

    def call(self, method: str, path: str, body: Json = None) -> Json:
        """Make one request to the API, or to the sandbox under `/_sandbox`; raises OSError without a good answer."""
        base = self.sandbox_url if path.startswith("/_sandbox") else self.stack.ready["url"]
        headers = {"authorization": f"Bearer {self.stack.ready['api_key']}", "content-type": "application/json"}
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(base + path, content, headers, method=method)
        with urllib.request.urlopen(request, timeout=PATIENCE) as reply:
            return json.loads(reply.read())

    def order(self, name: str, order: Mapping[str, Json] | None, method: str = "POST") -> bool:
        """Tell the sandbox something; False when it is away."""
        with suppress(OSError):
            self.call(method, f"/_sandbox/{name}", order)
            return True
        return False

    def read(self, path: str) -> Json:
        """Read something from the API; None when it does not answer."""
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

    def _port(self, server: str) -> int:
        ports: dict[str, int] = json.loads((self.folder / "home" / "ports.json").read_text())
        return ports[server]

    def _servers(self) -> dict[str, str]:
        cut = self.postgres.url("drumbeat", user="drumbeat_app").replace(
            f":{self.postgres.port}/", f":{self.cutter.port}/"
        )
        return {
            "DATABASE_URL": cut,
            "ADMIN_DATABASE_URL": self.postgres.url("drumbeat"),
            "DATABASE_DIRECT": "1",
            "CHAOS_SECRET": "key-of-the-sandbox",
            "PYTHONPATH": os.pathsep.join((str(ROOT), str(SITE))),
        }
