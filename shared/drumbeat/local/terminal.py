"""What the person at the terminal is told: standard output is for programs, so it goes to standard error."""

import sys


def tell(message: str) -> None:
    """Say something."""
    print(f"drumbeat: {message}", file=sys.stderr, flush=True)


def relay(line: str) -> None:
    """Pass on what a child said."""
    print(line, file=sys.stderr, flush=True)
