"""Limits and pauses as the provider sees them."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.flow.stacks import Stack, eventually

RATE, BURST, DUE = 10, 10, 300
CONFIG = f"""
version: 1
accounts:
  slow:
    provider: resend
    settings: {{from: "Ada <ada@example.com>"}}
    secrets: {{api_key: "env:FLOW_SECRET"}}
    limits: ["{RATE}/s"]
  other:
    provider: mailgun
    settings: {{domain: mg.example.com, from: "Ada <ada@example.com>"}}
    secrets: {{api_key: "env:FLOW_SECRET"}}
flows:
  slow:
    on: LEAD_CAPTURE
    when: "source != 'other'"
    steps:
      - id: mail
        account: slow
        action: send_email
        with: {{to: "{{{{ payload.email }}}}", subject: Hi, text: Hi}}
  other:
    on: LEAD_CAPTURE
    when: "source == 'other'"
    steps:
      - id: mail
        account: other
        action: send_email
        with: {{to: "{{{{ payload.email }}}}", subject: Hi, text: Hi}}
"""

pytestmark = pytest.mark.proof


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[Stack]:
    """A stack with an account that may send ten mails a second, and another without a limit."""
    config = tmp_path / "drumbeat.yaml"
    config.write_text(CONFIG)
    stack = Stack(tmp_path / "home", config).start()
    assert stack.process is not None
    assert stack.process.stdout is not None
    yield stack
    stack.end()
    stack.process.stdout.close()


def send(stack: Stack, source: str, count: int) -> list[str]:
    leads = [
        {
            "type": "LEAD_CAPTURE",
            "source": source,
            "payload": {"email": f"{source}{n}@example.com"},
            "idempotencyKey": f"{source}-{n}",
        }
        for n in range(count)
    ]
    status, _, body = stack.call("POST", "/v1/events/batch", {"events": leads})
    assert status == 207
    return [result["eventId"] for result in body["results"]]


def record(stack: Stack, provider: str) -> list[dict[str, Any]]:
    """Return the sandbox's record of requests, oldest first."""
    found: list[dict[str, Any]] = []
    after = ""
    while True:
        page = stack.call(
            "GET", f"/_sandbox/record?provider={provider}&limit=500{after}", url=stack.ready["sandbox_url"]
        )[2]
        found += page["items"]
        if not page["next"]:
            return found
        after = f"&after={page['next']}"


def state(stack: Stack, account: str) -> str:
    accounts = stack.call("GET", "/v1/accounts")[2]["items"]
    return str(next(each["state"] for each in accounts if each["account"] == account))


def done(stack: Stack) -> int:
    return int(stack.call("GET", "/_sandbox/counts?effects=0", url=stack.ready["sandbox_url"])[2]["done_once"])


@pytest.mark.timeout(180)
def test_a_limit_holds_strictly_over_every_stretch_of_time(limited: Stack) -> None:
    send(limited, "many", DUE)

    eventually(lambda: done(limited) == DUE, within=150)
    times = sorted(float(call["at"]) for call in record(limited, "resend"))
    assert len(times) == DUE
    slack = 1.2  # calls that network and threads may push together, in tenths of a second
    for first in range(DUE):
        for last in range(first, DUE):
            stretch = times[last] - times[first]
            assert last - first + 1 <= BURST + RATE * stretch + slack * RATE / 10, (first, last, stretch)


@pytest.mark.point(42)
def test_refused_credentials_stop_the_account_and_are_counted_for_the_alarm(limited: Stack) -> None:
    lie = {"lie": "denied", "provider": "resend", "status": 401}
    assert limited.call("POST", "/_sandbox/lies", lie, url=limited.ready["sandbox_url"])[0] == 201

    denied = send(limited, "denied", 3)  # as many effects as it takes: a single one may be at fault itself

    eventually(lambda: state(limited, "slow") == "paused")
    assert [effect["status"] for event in denied for effect in (limited.event(event) or {})["effects"]] == (
        ["waiting"] * 3
    )
    logs = "".join(path.read_text() for path in (limited.home / "logs").glob("worker-*.log"))
    assert logs.count('"AccountsStopped":[1.0]') == 1


@pytest.mark.point(41)
@pytest.mark.timeout(180)
def test_a_429_pauses_its_account_and_no_other(limited: Stack) -> None:
    lie = {"lie": "429", "provider": "resend", "retry_after": "seconds", "seconds": 7, "times": 1}
    assert limited.call("POST", "/_sandbox/lies", lie, url=limited.ready["sandbox_url"])[0] == 201
    (refused,) = send(limited, "first", 1)
    eventually(lambda: len(record(limited, "resend")) == 1)
    began = time.time()
    paused = send(limited, "second", 5)

    free = send(limited, "other", 5)

    eventually(lambda: all(limited.done(event) for event in free), within=30)
    assert time.time() - began < 7, "the other account waited"
    eventually(lambda: all(limited.done(event) for event in [refused, *paused]), within=60)
    times = [float(call["at"]) for call in record(limited, "resend")]
    assert min(times[1:]) - times[0] >= 7
