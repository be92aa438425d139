"""PgBouncer in transaction mode, as a managed Postgres puts it before its server."""

import os
import shutil
from pathlib import Path
from typing import override
from urllib.parse import urlsplit

from drumbeat.local.servers import Server


class PgBouncer(Server):
    """A pool of so many connections to one database, from Debian's package; `program` is where it is installed."""

    name = "pgbouncer"
    program = shutil.which("pgbouncer", path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin")))

    def __init__(self, home: Path, database_url: str, size: int) -> None:
        super().__init__(home)
        self._server = urlsplit(database_url)
        self._size = size

    @property
    def url(self) -> str:
        """Return the connection URL."""
        return f"postgresql://{self._server.username}@127.0.0.1:{self.port}{self._server.path}"

    @override
    def prepare(self) -> None:
        """Write its configuration."""
        at, name = self._server, self._server.path.removeprefix("/")
        settings = {
            "listen_addr": "127.0.0.1",
            "listen_port": self.port,
            "unix_socket_dir": "",
            "auth_type": "any",
            "pool_mode": "transaction",
            "default_pool_size": self._size,
            "max_client_conn": 200,
        }
        if os.geteuid() == 0:
            settings["user"] = "nobody"  # it refuses to stay root
        lines = [
            "[databases]",
            f"{name} = host={at.hostname} port={at.port} dbname={name} user={at.username} password={at.password}",
        ]
        lines += ["[pgbouncer]", *(f"{name} = {value}" for name, value in settings.items())]
        (self.home / "pgbouncer.ini").write_text("\n".join(lines) + "\n")

    @override
    def command(self) -> list[str]:
        """Run the server in the foreground."""
        assert self.program is not None
        return [self.program, str(self.home / "pgbouncer.ini")]
