"""Why a stack does not start, or ends: one sentence, exit code 1, nothing left running."""

import os
import signal
import socket
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import psycopg
import pytest

from drumbeat.cli.client import disk_full
from drumbeat.local import disk
from drumbeat.local.children import Watched
from drumbeat.local.disk import DiskFull, shortage
from drumbeat.local.home import Home
from drumbeat.local.ports import PortTaken, require_free
from drumbeat.local.postgres_data import OtherVersion, PostgresData
from drumbeat.local.supervisor import failure, run
from drumbeat.local.vendor_webhooks import VendorWebhooks

NO_ROOM = Path("/proc")  # a file system without a byte of its own
VAST = 1 << 80


class Failing:
    """A stack that does not start."""

    def __init__(self, home: Path, error: Exception) -> None:
        self.home = Home(home)
        self.children: Sequence[Watched] = ()
        self.places: Mapping[str, str] = {}
        self.stopped = False
        self.vendor_webhooks: VendorWebhooks | None = None
        self._error = error

    def start(self) -> None:
        raise self._error

    def stop(self) -> None:
        self.stopped = True


@pytest.fixture
def as_before() -> Iterator[None]:
    """Undo what a stack does to its process."""
    signals = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    mask = os.umask(0o022)
    yield
    os.umask(mask)
    for number, handler in signals.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("as_before")
@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("valkey did not start"),
        psycopg.OperationalError("connection failed:\n  refused"),
        OSError(28, "No space left on device"),
        KeyError("PG_VERSION"),
    ],
)
def test_any_failure_is_a_sentence(tmp_path: Path, capfd: pytest.CaptureFixture[str], error: Exception) -> None:
    stack = Failing(tmp_path, error)

    code = run(lambda: stack, None)

    said = capfd.readouterr().err
    assert (code, stack.stopped) == (1, True)
    assert said.startswith("drumbeat: ")
    assert said.count("\n") == 1
    assert "Traceback" not in said


def test_a_full_disk_is_named_as_the_reason(tmp_path: Path) -> None:
    stack = Failing(tmp_path, RuntimeError("postgres did not start"))
    stack.home.path = NO_ROOM

    said = failure(RuntimeError("postgres did not start"), stack)

    assert said.startswith("the disk of the local stack has 0 MB left")
    assert "postgres did not start" in said


def test_too_little_room_to_start_is_refused() -> None:
    with pytest.raises(DiskFull, match=r"has 0 MB left, and a stack needs \d+\. Nothing was started"):
        disk.require(NO_ROOM)


def test_room_is_measured(tmp_path: Path) -> None:
    assert shortage(tmp_path, least=1) is None
    assert (shortage(tmp_path, least=VAST) or 0) > 0


def test_the_command_line_reads_what_the_front_says_of_the_disk() -> None:
    assert disk_full({}) is None
    assert "has 3 MB left" in (disk_full({disk.HEADER: "3"}) or "")


def test_a_port_of_another_program_is_refused() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()

        with pytest.raises(PortTaken, match=r"Port \d+ is taken\. Nothing was started and nothing was lost"):
            require_free(other.getsockname()[1])


def test_data_of_another_postgres_is_left_alone(tmp_path: Path) -> None:
    version = tmp_path / "data" / "PG_VERSION"
    version.parent.mkdir()
    version.write_text("16\n")

    with pytest.raises(OtherVersion, match="was written by Postgres 16, and this release brings Postgres 18"):
        PostgresData(tmp_path).prepare()

    assert [each.name for each in version.parent.iterdir()] == ["PG_VERSION"]


def test_a_folder_that_is_no_data_of_postgres_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "letter.txt").write_text("mine")

    with pytest.raises(RuntimeError, match=r"(?s)initdb did not succeed; nothing was lost.*not empty"):
        PostgresData(tmp_path).prepare()

    assert (tmp_path / "data" / "letter.txt").read_text() == "mine"
