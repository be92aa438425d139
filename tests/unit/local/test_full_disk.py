"""A full disk is named where a person looks, and spoils nothing that was written before."""

import json
import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import override

import pytest

from drumbeat.cli.main import main
from drumbeat.local.disk import HEADER
from drumbeat.local.emulator import append

STATUS = {"configVersion": 1, "totals": {"events": {}, "effects": {}, "oldestDue": None, "unplanned": 0}}
STATUS |= {"deadLetters": 0, "missed": [], "accounts": []}


class StackOnFullDisk(BaseHTTPRequestHandler):
    """Answers as the front does when its disk is full; `postgres` says whether the ledger can still be read."""

    postgres = True

    def do_GET(self) -> None:
        answers = {"/healthz": {"status": "ok", "version": "0.1.0"}, "/v1/status": STATUS}
        good = self.path == "/healthz" or self.postgres
        body = json.dumps(answers.get(self.path, {}) if good else {"title": "Unavailable", "detail": "no database"})
        self.send_response(200 if good else 503)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.send_header(HEADER, "3")
        self.end_headers()
        self.wfile.write(body.encode())

    @override
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(params=[True, False], ids=["ledger readable", "ledger away"])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    handler = type("Handler", (StackOnFullDisk,), {"postgres": request.param})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("command", ["status", "doctor"])
def test_status_and_doctor_name_a_full_disk(url: str, command: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--url", url, "--key", "k", command])

    printed = "".join(capfd.readouterr())
    assert "the disk of the local stack has 3 MB left" in printed
    assert "What was accepted is kept. Make room: it goes on by itself" in printed


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Let the kernel take only so much of a file, as a disk with little room would."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_what_finds_no_room_leaves_no_half_line(tmp_path: Path) -> None:
    log = tmp_path / "buffer.log"
    append(log, '"first"\n')

    with files_of_at_most(12), pytest.raises(OSError, match=r"No space left|File too large"):
        append(log, '"second, which is longer"\n')
    append(log, '"third"\n')

    assert log.read_text() == '"first"\n"third"\n'
