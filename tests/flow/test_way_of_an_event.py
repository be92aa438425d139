"""An event goes in by a door of the local stack and comes out at a provider, once."""

import hmac
import json
import os
import subprocess
import sys

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


@pytest.mark.parametrize(("method", "path"), [("GET", "/"), ("PUT", "/v1/events"), ("POST", "/v1/nothing")])
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
