"""`drumbeat smoke` against a real stack."""

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from tests.flow.stacks import Stack


def smoke(stack: Stack, *options: str, key: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run it as a script would: without a terminal."""
    command = [sys.executable, "-m", "drumbeat.cli.main", "smoke", *options]
    variables = {"DRUMBEAT_URL": stack.ready["url"], "DRUMBEAT_KEY": key or stack.ready["api_key"]}
    return subprocess.run(command, env=os.environ | variables, stdin=subprocess.DEVNULL, capture_output=True, text=True)


@pytest.fixture
def payload(tmp_path: Path) -> Path:
    """A payload about a person whom no other test mails."""
    file = tmp_path / "payload.json"
    file.write_text(json.dumps({"email": f"{uuid.uuid4().hex}@example.com"}))
    return file


def address(payload: Path) -> str:
    email: str = json.loads(payload.read_text())["email"]
    return email


def test_an_event_is_followed_to_its_end(stack: Stack, payload: Path) -> None:
    done = smoke(stack, "--yes", "--event", str(payload))

    assert done.returncode == 0, done.stdout + done.stderr
    assert "effect welcome.hello (account mail): accepted" in done.stdout
    assert "a repeat is the same event: recognised" in done.stdout
    assert len(stack.mails(address(payload))) == 1


def test_nothing_is_carried_out_without_consent(stack: Stack, payload: Path) -> None:
    done = smoke(stack, "--event", str(payload))

    assert done.returncode == 1
    assert f"welcome.hello: send_email to {address(payload)} through account mail" in done.stdout
    assert "source != 'drumbeat-smoke'" in done.stdout
    assert stack.call("GET", f"/v1/events?q={address(payload)}")[2]["items"] == []
    assert stack.mails(address(payload)) == []


def test_an_event_that_no_flow_acts_on_needs_no_agreement(stack: Stack) -> None:
    done = smoke(stack, "--type", "CONTENT_PUBLISH", "--json")

    assert done.returncode == 0, done.stdout + done.stderr
    checks = {each["name"]: each["detail"] for each in json.loads(done.stdout)["checks"]}
    assert checks["event is planned"].startswith("no flow acts on it")
    assert checks["schedule of the relay"] == "has run by its schedule"


def test_a_flow_that_cannot_use_the_event_is_named(stack: Stack, payload: Path) -> None:
    payload.write_text("{}")

    done = smoke(stack, "--event", str(payload))

    assert done.returncode == 1
    assert "flow welcome: cannot be planned" in done.stdout
    assert "payload.email" in done.stdout


def test_a_key_that_is_not_good_is_said_before_anything_is_sent(stack: Stack) -> None:
    done = smoke(stack, "--yes", key="drumbeat.no.operate.key")

    assert done.returncode == 1
    assert "API key" in done.stdout
    assert "DRUMBEAT_KEY" in done.stdout
    assert "event" not in done.stdout
