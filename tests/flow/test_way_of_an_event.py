"""An event goes in by a door of the local stack and comes out at a provider, once."""

import hmac
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from drumbeat.local.frames import Json
from tests.flow.stacks import ROOT, Stack, eventually


def drumbeat(stack: Stack, *arguments: str) -> Json:
    """Run the command line against the stack and return its JSON."""
    command = [sys.executable, "-m", "drumbeat.cli.main", "--json", *arguments]
    environment = {**os.environ, "DRUMBEAT_URL": stack.ready["url"], "DRUMBEAT_KEY": stack.ready["api_key"]}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT, check=True)
    return json.loads(done.stdout)


def test_a_lead_becomes_a_mail(stack: Stack) -> None:
    status, _, receipt = stack.send("one", "one@example.com")

    assert status == 202
    eventually(lambda: stack.done(receipt["eventId"]))
    mails = stack.mails("one@example.com")
    assert [mail["subject"] for mail in mails] == ["Hello"]
    assert mails[0]["copies"] == 1


@pytest.mark.point(3)
def test_the_same_lead_again_is_the_same_event_and_no_second_mail(stack: Stack) -> None:
    first = stack.send("twice", "twice@example.com")
    again = stack.send("twice", "twice@example.com")

    assert (first[0], again[0]) == (202, 200)
    assert again[1]["idempotent-replayed"] == "true"
    assert again[2]["eventId"] == first[2]["eventId"]
    eventually(lambda: stack.done(first[2]["eventId"]))
    assert len(stack.mails("twice@example.com")) == 1


@pytest.mark.point(4)
def test_the_same_key_with_another_body_is_refused(stack: Stack) -> None:
    stack.send("clash", "clash@example.com")

    status, _, problem = stack.send("clash", "other@example.com")

    assert status == 422
    assert problem["title"]


@pytest.mark.parametrize(("method", "path"), [("GET", "/v1"), ("PUT", "/v1/events"), ("POST", "/v1/nothing")])
def test_what_no_route_answers_to_is_a_problem_like_any_other(stack: Stack, method: str, path: str) -> None:
    status, headers, problem = stack.call(method, path)

    assert (status, headers["content-type"]) == (404, "application/problem+json")
    assert problem["type"] == "urn:drumbeat:problem:not-found"
    assert problem["requestId"]


@pytest.mark.point(37)
def test_a_provider_that_accepts_and_says_500_sends_one_mail(stack: Stack) -> None:
    lie = {"lie": "accept_then_500", "match": "lied-to@example.com", "times": 1}
    assert stack.call("POST", "/_sandbox/lies", lie, url=stack.ready["sandbox_url"])[0] == 201

    event_id = stack.send("lied", "lied-to@example.com")[2]["eventId"]

    eventually(lambda: stack.done(event_id))
    assert [mail["copies"] for mail in stack.mails("lied-to@example.com")] == [1]


def test_the_command_line_sends_and_shows(stack: Stack) -> None:
    sent = drumbeat(
        stack, "send", "LEAD_CAPTURE", "--payload", '{"email": "cli@example.com"}', "--idempotency-key", "cli"
    )

    eventually(lambda: stack.done(sent["eventId"]))
    assert sent["eventId"] in json.dumps(drumbeat(stack, "event", sent["eventId"]))


@pytest.mark.skipif(shutil.which("curl") is None, reason="the README sends with curl")
def test_the_first_event_of_the_readme_is_sent_and_found(stack: Stack) -> None:
    chapter = (ROOT / "README.md").read_text().partition("## Your first event")[2].partition("\n## ")[0]
    send, look, *_ = re.findall(r"```sh\n(.*?)```", chapter, re.DOTALL)
    environment = {
        **os.environ,
        "DRUMBEAT_URL": stack.ready["url"],
        "DRUMBEAT_KEY": stack.ready["api_key"],
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }

    def typed(commands: str) -> str:
        kept = "\n".join(line for line in commands.splitlines() if not line.startswith(("source ", "export ")))
        return subprocess.run(["bash", "-ec", kept], capture_output=True, text=True, env=environment, check=True).stdout

    receipt = json.loads(typed(send))
    shown = typed(look.replace("EVENT_ID", receipt["eventId"]))

    assert receipt["status"] == "recorded"
    assert f"event {receipt['eventId']}" in shown
    assert "events of 24 h" in shown


def test_what_another_shell_needs_is_ready_to_paste(stack: Stack) -> None:
    (line,) = [line.strip() for line in stack.said().splitlines() if "export DRUMBEAT_URL=" in line]
    pasted = f"{line}; {sys.executable} -m drumbeat.cli.main --json status"

    done = subprocess.run(["bash", "-c", pasted], capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert "totals" in json.loads(done.stdout)


def test_a_change_of_the_configuration_is_in_force_when_it_is_saved(stack: Stack, config: Path) -> None:
    text = config.read_text()
    template = config.parent / "templates" / "bye.txt"
    template.parent.mkdir()
    template.write_text("---\nsubject: Bye\n---\nGoodbye\n")
    eventually(lambda: "added    template bye.txt" in stack.said())
    version = stack.call("GET", "/v1/config")[2]["version"]

    config.write_text(text.replace("provider: mailgun", "provider: pigeon"))
    eventually(lambda: "The version in force stays" in stack.said())
    after_a_mistake = stack.call("GET", "/v1/config")[2]
    config.write_text(text)
    template.unlink()
    eventually(lambda: "removed  template bye.txt" in stack.said())

    assert f"{config}:5: there is no provider pigeon" in stack.said()
    assert (after_a_mistake["version"], after_a_mistake["document"]) == (version, text)
    assert stack.call("GET", "/v1/config")[2]["templates"] == {}


def test_a_secret_that_is_stored_counts_at_once(stack: Stack) -> None:
    body = b'{"action": "published"}'
    signature = hmac.digest(b"s3cret of code", body, "sha256").hex()
    headers = {
        "X-Hub-Signature-256": f"sha256={signature}",
        "X-GitHub-Delivery": "1",
        "Content-Type": "application/json",
    }

    before = httpx.post(f"{stack.ready['url']}/v1/webhooks/code", content=body, headers=headers)
    command = [sys.executable, "-m", "drumbeat.cli.main", "secrets", "set", "--home", str(stack.home), "flow-code"]
    subprocess.run(command, input=b"s3cret of code\n", check=True, stdout=subprocess.DEVNULL)
    after = httpx.post(f"{stack.ready['url']}/v1/webhooks/code", content=body, headers=headers)

    assert (before.status_code, after.status_code) == (503, 202)


def test_a_path_that_does_not_exist_is_not_found(stack: Stack) -> None:
    assert stack.call("GET", "/else")[0] == 404


def test_every_process_has_its_pid_file(stack: Stack) -> None:
    names = {file.stem for file in (stack.home / "run").glob("*.pid")}

    assert {"worker-1", "worker-2", "ingest-1", "relay", "postgres", "valkey", "ministack", "sandbox", "front"} <= names
    for name in names:
        os.kill(stack.pid(name) or 0, 0)


@pytest.mark.parametrize("server", ["front", "sandbox", "ministack", "valkey", "postgres"])
def test_a_web_page_reaches_no_server_of_the_stack(stack: Stack, server: str) -> None:
    """A form needs no permission of the browser; a page of a rebound name is same-origin to it."""
    ports = {**json.loads((stack.home / "ports.json").read_text()), "front": stack.port}
    key = f"Authorization: Bearer {stack.ready['api_key']}"
    lead = b'{"type": "LEAD_CAPTURE", "source": "landing", "payload": {"email": "page@example.com"}}'
    pages = (
        "Host: 127.0.0.1:{port}\r\nOrigin: https://evil.example\r\nSec-Fetch-Site: cross-site",
        "Host: 127.0.0.1:{port}\r\nOrigin: null",
        "Host: 127.0.0.1:{port}\r\nSec-Fetch-Site: same-site",
        "Host: evil.example:{port}\r\nOrigin: http://evil.example:{port}\r\nSec-Fetch-Site: same-origin",
    )
    for page in pages:
        head = f"POST /v1/events HTTP/1.1\r\n{page.format(port=ports[server])}\r\n{key}\r\n"
        with socket.create_connection(("127.0.0.1", ports[server]), timeout=20) as connection:
            connection.sendall(f"{head}Content-Length: {len(lead)}\r\n\r\n".encode() + lead)
            answer = connection.recv(4096)
        if server in ("valkey", "postgres"):
            assert not answer.startswith((b"HTTP/", b"+")), answer
        else:
            assert answer.startswith(b"HTTP/1.1 403"), answer
    assert stack.mails("page@example.com") == []


def test_the_folder_of_a_stack_is_closed_to_other_users(stack: Stack) -> None:
    """Started as root, Postgres has a user of its own, for whom the folders above its own are passable."""
    passable = {stack.home, stack.home / "postgres"}
    for path in (stack.home, *stack.home.rglob("*")):
        inside = [each for each in (path, *path.parents) if each.is_relative_to(stack.home)]
        closed = any(each.stat().st_mode & 0o077 == 0 for each in inside)
        assert closed or path.name == "said" or (path in passable and path.stat().st_mode & 0o066 == 0), path
