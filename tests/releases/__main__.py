"""Keep a release as the one before: python -m tests.releases REVISION."""

import sys

from tests.releases import archive

if __name__ == "__main__":
    archive.make(sys.argv[1])
    print(f"{archive.ARCHIVE}: {archive.revision()}, {archive.ARCHIVE.stat().st_size:,} bytes")
