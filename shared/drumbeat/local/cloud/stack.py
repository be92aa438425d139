"""The deployed template and what it needs: Postgres, Valkey, the provider sandbox, the emulated account."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg

from drumbeat.ledger.roles import GROUP
from drumbeat.local import disk
from drumbeat.local.children import Child, Process, ServerChild, Watched, base_environment
from drumbeat.local.cloud import deployment, routes
from drumbeat.local.cloud.account import Account
from drumbeat.local.home import Home
from drumbeat.local.ports import Ports, require_free
from drumbeat.local.servers import Postgres, Server, Valkey
from drumbeat.local.stack import ROOT
from drumbeat.local.terminal import tell

DATABASE = "drumbeat"
OWNER = "drumbeat_owner"
# As a managed server's first user: no superuser, but it may create the application's role.
CREATE_OWNER = f"CREATE ROLE {OWNER} LOGIN CREATEROLE PASSWORD '{{}}'"
CREATE_DATABASE = f"CREATE DATABASE {DATABASE} OWNER {OWNER}"


@dataclass(frozen=True)
class Options:
    """How to run a deployment."""

    home: Path
    port: int | None = None  # of the account's APIs; None: one that is free, then always the same


class Cloud:
    """One deployment; `start` returns when its HTTP API answers. The ledger outlives a stop, the account does not."""

    def __init__(self, options: Options) -> None:
        self.home = Home(options.home)
        self.ports = Ports(self.home)
        self.port = options.port or self.ports["account"]
        self.children: list[Watched] = []
        self.url = ""
        self.api_key = ""
        self._artifacts = self.home.path / "build"
        self._log = self.home.path / "sam.log"  # beside the others: it matters only when sam fails

    @property
    def endpoint(self) -> str:
        """Where the account's APIs answer."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def sandbox_url(self) -> str:
        """Where the provider sandbox answers."""
        return f"http://127.0.0.1:{self.ports['sandbox']}"

    @property
    def places(self) -> dict[str, str]:
        """The addresses, for the line that says that all is ready."""
        return {
            "url": self.url,
            "api_key": self.api_key,
            "sandbox_url": self.sandbox_url,
            "aws_endpoint_url": self.endpoint,
        }

    @property
    def vendor_webhooks(self) -> None:
        """Nothing tells the sandbox where reports go: the secrets of sources are the account's."""
        return

    def start(self) -> None:
        """Build, start everything, deploy; raises DrumbeatError or RuntimeError when something does not succeed."""
        self.home.lock()
        if ended := self.home.clear_leftovers():
            tell(f"ended processes that an earlier run had left: {', '.join(ended)}")
        require_free(self.port)
        disk.require(self.home.path)
        tell("building functions and layers")
        deployment.build(self._artifacts, self._log)
        postgres = Postgres(self.home.path / "postgres", self.ports["postgres"])
        valkey = Valkey(self.home.path / "valkey", self.ports["valkey"])
        self._start_server(postgres, lambda: create_database(postgres))
        self._start_server(valkey)
        self._start_sandbox()
        secrets = {
            "DATABASE_URL": postgres.url(DATABASE, user=GROUP),
            "ADMIN_DATABASE_URL": postgres.url(DATABASE, user=OWNER),
            "REDIS_URL": valkey.url,
            "SECRET": self.home.secret(),
        }
        account = Account(self.home.path / "account", self.port, {"DRUMBEAT_SANDBOX_URL": self.sandbox_url})
        self._start_server(account, lambda: self._deploy(secrets))

    def stop(self) -> None:
        """End everything in order; what was recorded is kept."""
        for watched in reversed(self.children):
            watched.stop()
        self.home.unlock()

    def _deploy(self, secrets: dict[str, str]) -> None:
        """Deploy into an account that is empty, as it is after each start of the emulator."""
        tell("deploying")
        deployment.store_secrets(self.endpoint, secrets)
        deployment.deploy(self._artifacts, self.endpoint, self._log)
        self.url = routes.add(self.endpoint)
        self.api_key = deployment.first_key(self.endpoint)

    def _start_sandbox(self) -> None:
        module = ["-m", "drumbeat.sandbox", "--port", str(self.ports["sandbox"])]
        arguments = [sys.executable, *module, "--home", str(self.home.path / "sandbox")]
        self._start(Child("sandbox", arguments, base_environment(), self.home.log("sandbox"), ROOT))

    def _start_server(self, server: Server, prepared: Callable[[], object] | None = None) -> None:
        tell(f"starting {server.name}")
        self._start(ServerChild(server, prepared))

    def _start(self, child: Process) -> None:
        watched = Watched(child, self.home)
        self.children.append(watched)
        watched.start()


def create_database(postgres: Postgres) -> None:
    """Make the database and its owner, as the docs ask for, unless they are there."""
    with psycopg.connect(postgres.url(), autocommit=True) as server:
        if not server.execute("SELECT FROM pg_roles WHERE rolname = %s", [OWNER]).rowcount:
            server.execute(CREATE_OWNER.format(postgres.password).encode())
        if not server.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).rowcount:
            server.execute(CREATE_DATABASE)
