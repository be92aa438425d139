"""Cut what packages say about themselves down to the fields that programs read: shorten.py METADATA...

The text behind the first empty line is for people who look for a package.
"""

import sys
from pathlib import Path

if __name__ == "__main__":
    for name in sys.argv[1:]:
        Path(name).write_bytes(Path(name).read_bytes().partition(b"\n\n")[0] + b"\n")
