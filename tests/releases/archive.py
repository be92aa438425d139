"""The archive of the release before: made from a git revision, checked by its sum, unpacked where a test wants it.

It stands in the tests because a clone without history, or a tarball, must prove the same. There is one: a release
replaces it.
"""

import hashlib
import io
import lzma
import subprocess
import tarfile
from pathlib import Path

HERE = Path(__file__).parent
ARCHIVE = HERE / "before.tar.xz"
CHECKSUM = HERE / "before.tar.xz.sha256"
ROOT = HERE.parents[1]
# What runs: the package, the functions, the stack's description; and the simulation's own clients of that release.
KEPT = (
    "shared/drumbeat",
    "functions",
    "template.yaml",
    "tests/__init__.py",
    "tests/faults",
    "tests/feedback_provider.py",
    "tests/chaos",
    ":(exclude)shared/drumbeat/local/cloud",
    ":(exclude)shared/drumbeat/local/demo",
    ":(exclude)tests/chaos/*.py",
    ":(exclude)tests/faults/test_*",
)


def make(revision: str) -> None:
    """Replace the archive by that of a git revision. The same revision gives the same bytes."""
    ARCHIVE.write_bytes(lzma.compress(tar_of(revision), preset=9 | lzma.PRESET_EXTREME))
    CHECKSUM.write_text(f"{_sum()}  {ARCHIVE.name}\n")


def tar_of(revision: str) -> bytes:
    """Return what is kept of a revision; git writes the commit's id into it, and its time on every file."""
    command = ["git", "archive", "--format=tar", revision, "--", *KEPT]
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout


def revision() -> str:
    """Return the id of the commit that the archive was made from."""
    with tarfile.open(ARCHIVE) as tar:
        return tar.pax_headers["comment"]


def unpack(folder: Path) -> None:
    """Unpack the release into a folder; raises ValueError when the archive is not the one that was made."""
    if _sum() != CHECKSUM.read_text().split()[0]:
        raise ValueError(f"{ARCHIVE} has another sum than {CHECKSUM} says")
    with tarfile.open(fileobj=io.BytesIO(lzma.decompress(ARCHIVE.read_bytes()))) as tar:
        tar.extractall(folder, filter="data")


def _sum() -> str:
    return hashlib.sha256(ARCHIVE.read_bytes()).hexdigest()
