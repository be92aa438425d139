"""Messages for the person at the terminal: on standard error, because standard output is for programs."""

import shlex
import sys
from collections.abc import Mapping
from contextlib import suppress


def tell(message: str) -> None:
    """Print a message."""
    relay(f"drumbeat: {message}")


def relay(line: str) -> None:
    """Print a line, such as one of a child's log; one that finds no room on a full disk does not end the stack."""
    with suppress(OSError):
        print(line, file=sys.stderr, flush=True)


def export_line(places: Mapping[str, str]) -> str:
    """Return the line that makes a shell's commands call the stack at these places."""
    url, key = shlex.quote(places["url"]), shlex.quote(places["api_key"])
    return f"export DRUMBEAT_URL={url} DRUMBEAT_KEY={key} SANDBOX={shlex.quote(places['sandbox_url'])}"
