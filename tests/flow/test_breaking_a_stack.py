"""A local stack that is killed, in part or as a whole, loses nothing and comes back."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from drumbeat.local.servers import Postgres
from tests.flow.stacks import Stack, eventually

type OwnStack = Callable[..., Stack]

SHORT_LEASES = {"CALL_SECONDS": "3", "LEASE_SECONDS": "14"}  # what a killed worker held is free sooner


@pytest.mark.parametrize("name", ["worker-1", "ingest-1", "relay", "front", "valkey", "ministack", "postgres"])
def test_a_process_that_is_killed_is_started_again(stack: Stack, name: str) -> None:
    before = stack.pid(name)
    assert before is not None

    os.kill(before, signal.SIGKILL)

    eventually(lambda: stack.pid(name) not in (None, before))
    receipt: list[str] = []

    def accepted() -> bool:
        try:
            status, _, body = stack.send(f"after-{name}", f"{name}@example.com")
        except OSError:
            return False  # the front is coming up
        receipt[:] = [body["eventId"]] if status in (200, 202) else []
        return bool(receipt)

    eventually(accepted)
    eventually(lambda: stack.done(receipt[0]))
    assert len(stack.mails(f"{name}@example.com")) == 1


@pytest.mark.proof
@pytest.mark.point(12)
@pytest.mark.timeout(240)
def test_a_killed_poller_takes_messages_with_it_and_delays_nothing_over_two_minutes(stack: Stack) -> None:
    before = stack.pid("poller")
    os.kill(before or 0, signal.SIGKILL)

    event_id = stack.send("after-poller", "poller@example.com")[2]["eventId"]

    eventually(lambda: stack.pid("poller") not in (None, before))
    eventually(lambda: stack.done(event_id), within=150)
    assert len(stack.mails("poller@example.com")) == 1


def test_a_stack_that_is_stopped_comes_back_with_its_state(own_stack: OwnStack) -> None:
    stack = own_stack().start()
    before = dict(stack.ready)
    event_id = stack.send("kept", "kept@example.com")[2]["eventId"]
    eventually(lambda: stack.done(event_id))

    code, rest = stack.end(signal.SIGINT)

    assert (code, rest) == (0, "")  # one line was all that standard output got
    assert list((stack.home / "run").glob("*.pid")) == []
    stack.start()
    assert stack.ready == before
    assert stack.done(event_id)
    assert stack.send("kept", "kept@example.com")[0] == 200


def test_a_stack_that_is_killed_leaves_no_process_behind(own_stack: OwnStack) -> None:
    stack = own_stack(servers=SHORT_LEASES).start()
    assert stack.process is not None
    event_id = stack.send("killed", "killed@example.com")[2]["eventId"]
    children = psutil.Process(stack.process.pid).children(recursive=True)

    stack.end(signal.SIGKILL)

    _, alive = psutil.wait_procs(children, timeout=60)
    assert alive == []
    stack.start()
    eventually(lambda: stack.done(event_id))
    assert len(stack.mails("killed@example.com")) == 1


def urls(postgres: Postgres) -> dict[str, str]:
    """Lead a stack to a server that the test may stop."""
    return {
        "DATABASE_URL": postgres.url("drumbeat", user="drumbeat_app"),
        "ADMIN_DATABASE_URL": postgres.url("drumbeat"),
    }


@pytest.mark.point(10)
def test_what_arrives_while_postgres_is_unreachable_outlives_a_restart_of_the_stack(
    own_stack: OwnStack, tmp_path: Path
) -> None:
    with Postgres(tmp_path / "postgres") as postgres:
        stack = own_stack(servers=urls(postgres)).start()
        stack.send("before", "before@example.com")  # which sources there are is known from now on
        postgres.stop()

        status, _, receipt = stack.send("away", "away@example.com")

        assert (status, receipt["status"]) == (202, "buffered")
        stack.end()
        postgres.start()
        stack.start()
        eventually(lambda: stack.done(receipt["eventId"]))
        assert len(stack.mails("away@example.com")) == 1
        stack.end()


@pytest.mark.point(10)
def test_what_arrives_while_postgres_is_unreachable_outlives_a_kill_of_the_queue(
    own_stack: OwnStack, tmp_path: Path
) -> None:
    with Postgres(tmp_path / "postgres") as postgres:
        stack = own_stack(servers=urls(postgres)).start("--relay-every", "2")
        stack.send("before", "before@example.com")
        postgres.stop()
        receipt = stack.send("away", "away@example.com")[2]
        assert receipt["status"] == "buffered"
        killed = stack.pid("ministack")
        os.kill(killed or 0, signal.SIGKILL)
        eventually(lambda: stack.pid("ministack") not in (None, killed))

        postgres.start()

        eventually(lambda: stack.done(receipt["eventId"]))
        assert len(stack.mails("away@example.com")) == 1
        stack.end()


def test_a_port_that_is_taken_is_named_before_anything_starts(stack: Stack, own_stack: OwnStack) -> None:
    second = own_stack(port=stack.port)

    assert second.spawn().wait(60) == 1

    assert f"Port {stack.port} is taken. Nothing was started" in second.said()


def test_a_folder_in_use_is_not_used_twice(stack: Stack) -> None:
    second = Stack(stack.home)

    assert second.spawn().wait(60) == 1

    assert second.process is not None
    assert second.process.stdout is not None
    second.process.stdout.close()
    assert "is in use by process" in stack.said()
    assert stack.call("GET", "/healthz")[0] == 200


def test_a_configuration_with_mistakes_is_named_before_anything_starts(own_stack: OwnStack, tmp_path: Path) -> None:
    bad = tmp_path / "drumbeat.yaml"
    bad.write_text("version: 1\naccounts:\n  mail: {provider: pigeon}\n")
    stack = own_stack()
    stack.config = bad

    assert stack.spawn().wait(90) == 1

    assert f"{bad}:3" in stack.said()
    assert "nothing was started" in stack.said()
    assert not (stack.home / "run").exists()
