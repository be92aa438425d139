"""Messages for the person at the terminal: on standard error, because standard output is for programs."""

import sys


def tell(message: str) -> None:
    """Print a message."""
    print(f"drumbeat: {message}", file=sys.stderr, flush=True)


def relay(line: str) -> None:
    """Print a line of a child's log."""
    print(line, file=sys.stderr, flush=True)
