"""The record outlives the process, and a restart reads everything from it."""

import json
import subprocess
import sys
from pathlib import Path

from tests.unit.sandbox.sandbox_process import SandboxProcess, contact


def test_everything_is_known_again_after_sigkill(home: Path) -> None:
    first = SandboxProcess(home)
    first.mailgun("k-1")
    sent = first.resend("k-2").json
    created = first.hubspot(contact("ada@example.org", "k-3", firstname="Ada")).json["results"][0]["id"]
    first.call("POST", "/_sandbox/receivers", {"account": "erp", "honour_keys": True})
    first.call("POST", "/http/erp/x", b"{}", webhook_id="k-4")
    first.call("POST", "/_sandbox/revoked", {"credential": "re_gone"})
    first.inject("refuse_then_500", match="k-5", times=2)
    first.mailgun("k-5")
    counts = first.call("GET", "/_sandbox/counts").json
    first.kill()

    with SandboxProcess(home) as second:
        assert second.call("GET", "/_sandbox/counts").json == counts
        assert len(second.events("k-1").json["items"]) == 1
        assert second.resend("k-2").json == sent
        again = second.hubspot(contact("ada@example.org", "k-3", firstname="Ada")).json["results"][0]
        assert (again["id"], again["new"]) == (created, False)
        second.call("POST", "/http/erp/x", b"{}", webhook_id="k-4")
        assert second.resend("k-6", token="re_gone").status == 401
        assert [second.mailgun("k-5").status for _ in range(2)] == [503, 200]
        assert [second.done(f"k-{number}") for number in range(1, 6)] == [1, 1, 1, 1, 1]


def test_the_work_is_in_the_record_before_its_answer_leaves(home: Path) -> None:
    running = SandboxProcess(home)
    running.inject("accept_then_hang", seconds=60)
    try:
        running.with_timeout(0.5).mailgun("b-1")
    except TimeoutError:
        running.kill()

    lines = [json.loads(line) for line in (home / "record.jsonl").read_text().splitlines()]
    assert [line["did"] for line in lines if line.get("effect") == "b-1"] == ["accepted"]


def test_a_torn_last_line_is_set_aside(home: Path) -> None:
    with SandboxProcess(home) as first:
        first.mailgun("c-1")
    with (home / "record.jsonl").open("ab") as record:
        record.write(b'{"n":1,"provider":"mailg')

    with SandboxProcess(home) as second:
        second.mailgun("c-2")
        assert (second.done("c-1"), second.done("c-2")) == (1, 1)

    for line in (home / "record.jsonl").read_bytes().splitlines():
        json.loads(line)


def test_the_clock_keeps_its_shift_unless_another_is_given(home: Path) -> None:
    with SandboxProcess(home, "--clock-shift", "86400") as first:
        assert first.call("GET", "/_sandbox/health").json["shift"] == 86_400
    with SandboxProcess(home) as second:
        assert second.call("GET", "/_sandbox/health").json["shift"] == 86_400
    with SandboxProcess(home, "--clock-shift", "0") as third:
        assert third.call("GET", "/_sandbox/health").json["shift"] == 0


def test_two_sandboxes_cannot_share_a_record(home: Path) -> None:
    with SandboxProcess(home):
        second = _run("--port", "0", "--home", str(home))

    assert second.returncode == 1
    assert "another sandbox is writing" in second.stderr


def test_only_loopback_is_served(home: Path) -> None:
    refused = _run("--port", "0", "--home", str(home), "--host", "0.0.0.0")

    assert refused.returncode == 2
    assert "not a loopback address" in refused.stderr


def test_the_record_is_read_in_pages_and_by_filter(home: Path) -> None:
    with SandboxProcess(home) as running:
        for number in range(3):
            running.mailgun(f"d-{number}")
        running.resend("d-3")

        first = running.call("GET", "/_sandbox/record?limit=2").json
        rest = running.call("GET", f"/_sandbox/record?limit=2&after={first['next']}").json
        of_resend = running.call("GET", "/_sandbox/record?provider=resend").json["items"]
        later = running.call("GET", f"/_sandbox/record?since={first['items'][1]['at']}").json["items"]

    assert [entry["effect"] for entry in first["items"] + rest["items"]] == ["d-0", "d-1", "d-2", "d-3"]
    assert rest["next"] is None
    assert [entry["key"] for entry in of_resend] == ["d-3"]
    assert [entry["effect"] for entry in later] == ["d-1", "d-2", "d-3"]


def test_no_credential_is_written_down(home: Path) -> None:
    with SandboxProcess(home) as running:
        running.resend("f-1", token="re_very_secret")
        running.call("POST", "/_sandbox/revoked", {"credential": "re_very_secret"})
        running.call("POST", "/http/x", b"{}", authorization="Bearer re_very_secret")

    assert "re_very_secret" not in (home / "record.jsonl").read_text()


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "drumbeat.sandbox", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
