"""The folder of a local stack."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from drumbeat.local.home import AlreadyRunning, Home
from drumbeat.local.ports import Ports


def test_the_secret_is_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    first = Home(tmp_path / "home").secret()

    assert Home(tmp_path / "home").secret() == first
    assert len(first) == 64
    assert stat.S_IMODE((tmp_path / "home" / "secret").stat().st_mode) == 0o600


def test_two_stacks_cannot_share_a_folder(tmp_path: Path) -> None:
    one, two = Home(tmp_path), Home(tmp_path)
    one.lock()

    with pytest.raises(AlreadyRunning, match=f"process {os.getpid()}"):
        two.lock()

    one.unlock()
    two.lock()
    two.unlock()


def test_what_a_killed_stack_left_running_is_ended(tmp_path: Path) -> None:
    home = Home(tmp_path)
    left = subprocess.Popen(
        [sys.executable, "-c", "import time; print(flush=True); time.sleep(60)"], stdout=subprocess.PIPE
    )
    assert left.stdout is not None
    left.stdout.readline()
    home.note("worker-1", left.pid)

    assert home.clear_leftovers() == ["worker-1"]

    assert left.wait() == -signal.SIGTERM
    left.stdout.close()
    assert list(home.run.iterdir()) == []


def test_a_process_that_only_inherited_the_number_is_left_alone(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.note("worker-1", os.getpid())
    os.utime(home.run / "worker-1.pid", (1, 1))  # written long before we were born

    assert home.clear_leftovers() == []
    assert list(home.run.iterdir()) == []


def test_a_folder_with_a_long_path_still_has_room_for_sockets(tmp_path: Path) -> None:
    home = Home(tmp_path / ("deep" * 40))

    assert len(str(home.sockets / "console-1.sock").encode()) < 108
    assert home.sockets == Home(tmp_path / ("deep" * 40)).sockets
    home.sockets.rmdir()


def test_a_long_log_is_set_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drumbeat.local.home.MAX_LOG_BYTES", 10)
    home = Home(tmp_path)
    home.log("front").write_text("x" * 11)

    assert not home.log("front").exists()
    assert (home.logs / "front.log.1").read_text() == "x" * 11


def test_ports_stay_the_same_over_a_restart(tmp_path: Path) -> None:
    first = Ports(Home(tmp_path))
    chosen = {name: first[name] for name in ("sandbox", "postgres")}

    again = Ports(Home(tmp_path))

    assert {name: again[name] for name in chosen} == chosen
    assert len(set(chosen.values())) == 2
