"""The ports of a stack's servers, the same after each restart: frozen requests name providers by address."""

import errno
import json
import socket

from drumbeat.core.errors import DrumbeatError
from drumbeat.local.home import Home
from drumbeat.local.servers import free_port


class Ports:
    """Ports by the name of the server; chosen at first use and then kept."""

    def __init__(self, home: Home) -> None:
        self._file = home.path / "ports.json"
        self._chosen: dict[str, int] = json.loads(self._file.read_text()) if self._file.exists() else {}
        self._checked: set[str] = set()

    def __getitem__(self, name: str) -> int:
        """Return the port of this name; another one when another program took it while the stack was down."""
        if name not in self._checked:
            self._checked.add(name)
            if name not in self._chosen or answers("127.0.0.1", self._chosen[name]):
                self._chosen[name] = free_port()
                self._file.write_text(json.dumps(self._chosen))
        return self._chosen[name]


class PortTaken(DrumbeatError):
    """A server of ours cannot listen on a port."""


def require_free(port: int) -> None:
    """Raise PortTaken where a port cannot be listened on: another program has it, or we may not."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections that ended do not count
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            why = "is taken" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
            raise PortTaken(
                f"Port {port} {why}. Nothing was started and nothing was lost. Choose another with --port."
            ) from None


def answers(host: str, port: int | None = None) -> bool:
    """Return whether a process listens on a TCP port, or on a unix socket when only its path is given."""
    family = socket.AF_UNIX if port is None else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        return probe.connect_ex(host if port is None else (host, port)) == 0
