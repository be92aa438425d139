"""What a local stack keeps from other users of the machine."""

import os
import stat
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from drumbeat.local.home import Home, HomeUnusable
from drumbeat.local.private import NotOurs, close_folder, kept


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_a_new_home_is_closed(tmp_path: Path) -> None:
    home = Home(tmp_path / "new" / "home")
    home.secret()

    assert [mode(each) for each in (home.path, home.run, home.logs)] == [0o700] * 3
    assert mode(home.path / "secret") == 0o600


def test_the_home_of_an_earlier_release_is_closed(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir(mode=0o755)
    (tmp_path / "sandbox").mkdir(mode=0o755)
    for name in ("ports.json", "logs/worker-1.log"):
        (tmp_path / name).write_text("{}")
        (tmp_path / name).chmod(0o644)
    tmp_path.chmod(0o777)

    home = Home(tmp_path)
    home.log("worker-1")

    assert mode(tmp_path) & 0o066 == 0
    assert mode(tmp_path / "logs") == 0o700
    assert mode(tmp_path / "sandbox") & 0o066 == 0
    assert mode(tmp_path / "ports.json") == mode(tmp_path / "logs/worker-1.log") == 0o600


def test_a_link_in_place_of_our_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "ours").symlink_to(tmp_path / "theirs")

    with pytest.raises(NotOurs, match="is a link or another user's"):
        close_folder(tmp_path / "ours")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a folder away")
def test_a_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    os.chown(tmp_path, 12345, 12345)

    with pytest.raises(NotOurs):
        close_folder(tmp_path)


def test_sockets_in_a_shared_folder_are_in_one_of_our_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with TemporaryDirectory() as shared:  # a short name: a socket's path has few bytes
        monkeypatch.setattr("tempfile.tempdir", shared)
        home = Home(tmp_path / ("long" * 30))
        sockets = home.sockets
        sockets.rmdir()
        sockets.symlink_to(tmp_path)  # what another user could put there

        with pytest.raises(NotOurs):
            _ = home.sockets


def test_two_long_paths_are_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / ("t" * 90)))

    with pytest.raises(HomeUnusable, match="too long for the path of a socket"):
        _ = Home(tmp_path / ("long" * 30)).sockets


@pytest.mark.parametrize("path", ["file", "file/below", "n" * 300, "/proc/nothing"])
def test_a_home_that_cannot_be_made_is_a_sentence(tmp_path: Path, path: str) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(HomeUnusable, match=r"cannot be used .*\(.+\)\. Nothing was started and nothing was lost"):
        Home(tmp_path / path)


def test_a_secret_is_not_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "secret.new").symlink_to(tmp_path / "elsewhere")

    assert kept(tmp_path / "secret", "s3cret") == "s3cret"
    assert not (tmp_path / "elsewhere").exists()


def test_output_to_a_full_disk_does_not_end_a_process() -> None:
    program = "from drumbeat.local import steady_output; steady_output.install()\n"
    program += "import sys\nfor _ in range(3): print('x' * 10_000); print('y' * 10_000, file=sys.stderr)\n"
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run([sys.executable, "-c", program], stdout=full, stderr=full, check=False)

    assert ended.returncode == 0


def test_output_with_room_is_all_there() -> None:
    program = "from drumbeat.local import steady_output; steady_output.install(); print('one\\ntwo', flush=True)"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert ended.stdout == "one\ntwo\n"
