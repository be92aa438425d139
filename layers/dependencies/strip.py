"""Cut what only debuggers read off a shared library of Linux (ELF, 64 bit): the names of its own functions.

A program loads a library by its segments. What lies behind the last of them is the table of sections and what that
alone points to.
"""

import struct
import sys
from pathlib import Path

HEADER = struct.Struct("<16sHHIQQQIHHHHHH")  # of the file
SEGMENT = struct.Struct("<IIQQQQQQ")


def stripped(library: bytes) -> bytes:
    """Return a library without its table of sections and what lies behind its segments."""
    header = list(HEADER.unpack_from(library))
    ident, first, size, count = header[0], header[5], header[9], header[10]
    assert ident[:6] == b"\x7fELF\x02\x01", "not a library of 64 bits, little end first"
    segments = [SEGMENT.unpack_from(library, first + number * size) for number in range(count)]
    end = max(offset + length for _, _, offset, _, _, length, _, _ in segments)
    header[6] = header[12] = header[13] = 0  # where the table of sections is, how long, and which of them has the names
    return HEADER.pack(*header) + library[HEADER.size : end]


if __name__ == "__main__":
    for name in sys.argv[1:]:
        Path(name).write_bytes(stripped(Path(name).read_bytes()))
