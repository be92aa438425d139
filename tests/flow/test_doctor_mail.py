"""`drumbeat doctor --mail` against a real stack."""

import json
import os
import subprocess
import sys
import uuid
from typing import Any

from tests.flow.stacks import Stack


def doctor(stack: Stack, *options: str) -> tuple[int, dict[str, Any]]:
    """Run it; return its exit code and what it found by name."""
    command = [sys.executable, "-m", "drumbeat.cli.main", "doctor", "--json", *options]
    variables = {"DRUMBEAT_URL": stack.ready["url"], "DRUMBEAT_KEY": stack.ready["api_key"]}
    done = subprocess.run(command, env=os.environ | variables, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.stdout, done.stderr
    return done.returncode, {each["name"]: each for each in json.loads(done.stdout)["checks"]}


def test_one_mail_is_sent_and_read_in_the_sandbox(stack: Stack) -> None:
    address = f"{uuid.uuid4().hex}@example.com"

    code, found = doctor(stack, "--mail", f"Ada <{address}>")

    assert code == 0, found
    assert {"sandbox", "From", "To", "Subject", "Message-Id", "text part", "size of the HTML"} <= set(found)
    assert found["sandbox"]["detail"].startswith("1 arrived")
    assert len(stack.mails(address)) == 1


def test_a_suppressed_address_gets_none(stack: Stack) -> None:
    address = f"{uuid.uuid4().hex}@example.com"
    stack.call("POST", "/v1/suppressions", {"email": address, "reason": "manual"})

    code, found = doctor(stack, "--mail", address)

    assert code == 1
    assert "suppressed" in found["mail by account mail (mailgun)"]["detail"]
    assert stack.mails(address) == []
