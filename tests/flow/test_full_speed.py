"""Five thousand events at full speed, providers that lie, and one server at a time that goes away: none lost, none
doubled, as counted by the callers' receipts and the sandbox's own record."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from drumbeat.local.frames import Json
from drumbeat.local.servers import Postgres, Valkey
from drumbeat.local.stack import local_sqs
from drumbeat.wakeups.queue import Queue
from tests.flow.callers import Callers
from tests.flow.stacks import Stack, eventually

EVENTS = 5_000
LIES: tuple[dict[str, object], ...] = (
    {"provider": "*", "on": "writes", "lie": "latency", "ms": 5},
    {"provider": "*", "on": "writes", "lie": "accept_then_500", "rate": 0.05, "seed": 1},
)
CONFIG = """
version: 1
defaults: {retry: {base: 1s, cap: 5s}}
accounts:
  mail:
    provider: mailgun
    settings: {domain: mg.example.com, from: "Ada <ada@example.com>"}
    secrets: {api_key: "env:FLOW_SECRET"}
    lookup: {looks: [1s, 3s], retention: 3d}
  news: {provider: resend, settings: {from: "Ada <ada@example.com>"}, secrets: {api_key: "env:FLOW_SECRET"}}
flows:
  welcome:
    on: LEAD_CAPTURE
    steps:
      - {id: hello, account: mail, action: send_email, with: {to: "{{ payload.email }}", subject: Hello, text: Welcome}}
      - {id: news, account: news, action: send_email, with: {to: "{{ payload.email }}", subject: News, text: Welcome}}
"""

pytestmark = [pytest.mark.proof, pytest.mark.timeout(900)]


@contextmanager
def running(folder: Path) -> Iterator[tuple[Stack, Postgres, Valkey]]:
    """Run a stack on a Postgres and a Valkey of the test's own, with providers that lie about one call in twenty."""
    config = folder / "drumbeat.yaml"
    config.write_text(CONFIG)
    with Postgres(folder / "postgres") as postgres, Valkey(folder / "valkey") as valkey:
        servers = {
            "DATABASE_URL": postgres.url("drumbeat", user="drumbeat_app"),
            "ADMIN_DATABASE_URL": postgres.url("drumbeat"),
            "REDIS_URL": valkey.url,
        }
        stack = Stack(folder / "home", config, servers).start()
        assert stack.process is not None
        assert stack.process.stdout is not None
        try:
            for lie in LIES:
                stack.call("POST", "/_sandbox/lies", lie, stack.ready["sandbox_url"])
            yield stack, postgres, valkey
        finally:
            stack.end()
            stack.process.stdout.close()


def lead(number: int) -> Json:
    """Return one event of the load."""
    payload = {"email": f"u{number}@example.com"}
    return {"type": "LEAD_CAPTURE", "source": "landing", "payload": payload, "idempotencyKey": f"speed-{number}"}


def judge(stack: Stack, callers: Callers) -> None:
    """Wait until the providers have everything, then count by their record: each mail once, of each provider."""

    def counts() -> dict[str, object]:
        return dict(stack.call("GET", "/_sandbox/counts?effects=0", url=stack.ready["sandbox_url"])[2])

    assert len(callers.receipts) == EVENTS
    eventually(lambda: counts()["done_once"] == 2 * EVENTS, within=240)
    found = counts()
    assert found["twice"] == []
    assert found["done_once"] == 2 * EVENTS


def sent_while(stack: Stack, happens: Callable[[], None]) -> Callers:
    """Send everything, and have something happen when a third of it is received."""
    callers = Callers(stack.ready["url"], stack.ready["api_key"], EVENTS, lead)
    sending = threading.Thread(target=callers.run)
    sending.start()
    eventually(lambda: len(callers.receipts) > EVENTS / 3, within=120)
    happens()
    sending.join()
    return callers


@pytest.mark.point(39)
def test_nothing_is_lost_or_doubled_at_full_speed(tmp_path: Path) -> None:
    with running(tmp_path) as (stack, _, _):
        judge(stack, sent_while(stack, lambda: None))


@pytest.mark.point(31)
@pytest.mark.point(32)
def test_ten_seconds_without_valkey_only_slow_it_down(tmp_path: Path) -> None:
    with running(tmp_path) as (stack, _, valkey):

        def lose_valkey() -> None:
            valkey.kill()
            time.sleep(10)
            valkey.start()

        judge(stack, sent_while(stack, lose_valkey))


@pytest.mark.point(10)
@pytest.mark.point(64)
def test_while_postgres_restarts_events_are_taken_and_nothing_is_lost(tmp_path: Path) -> None:
    with running(tmp_path) as (stack, postgres, _):
        taken_meanwhile: list[int] = []

        def restart_postgres() -> None:
            postgres.stop()
            taken_meanwhile.append(stack.send("meanwhile", "u-meanwhile@example.com")[0])
            time.sleep(3)
            postgres.start()

        callers = sent_while(stack, restart_postgres)

        assert taken_meanwhile == [202]
        eventually(lambda: len(stack.mails("u-meanwhile@example.com")) == 2, within=240)
        stack.call("GET", "/_sandbox/counts", url=stack.ready["sandbox_url"])
        counts = stack.call("GET", "/_sandbox/counts?effects=0", url=stack.ready["sandbox_url"])
        assert len(callers.receipts) == EVENTS
        eventually(
            lambda: (
                stack.call("GET", "/_sandbox/counts?effects=0", url=stack.ready["sandbox_url"])[2]["done_once"]
                == 2 * (EVENTS + 1)
            ),
            within=240,
        )
        assert counts[2]["twice"] == []


@pytest.mark.point(12)
def test_a_purged_queue_only_delays(tmp_path: Path) -> None:
    with running(tmp_path) as (stack, _, _):
        ministack = json.loads((stack.home / "ports.json").read_text())["ministack"]
        endpoint = f"http://127.0.0.1:{ministack}"
        sqs = local_sqs(endpoint, (stack.home / "aws_key").read_text().strip())
        url = sqs.call("GetQueueUrl", QueueName="drumbeat-dev-EffectsQueue")["QueueUrl"]

        judge(stack, sent_while(stack, Queue(sqs, url).purge))
        sqs.close()
