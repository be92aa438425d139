"""Output that a full disk does not stop: what cannot be written is left out, and the process goes on.

The logs of a local stack are files. Without this, a line that finds no room would end a request, or a thread.
"""

import io
import sys
from collections.abc import Buffer
from typing import override


class Steady(io.FileIO):
    """Writes to a descriptor what it takes."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, "wb", closefd=False)

    @override
    def write(self, data: Buffer, /) -> int:
        try:
            return super().write(data)
        except OSError:
            return memoryview(data).nbytes


def install() -> None:
    """Let standard output and error of this process go on when their disk is full."""
    sys.stdout, sys.stderr = (
        io.TextIOWrapper(io.BufferedWriter(Steady(number)), errors="backslashreplace", write_through=True)
        for number in (1, 2)
    )
