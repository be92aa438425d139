"""`drumbeat invoke` with the samples of `events/`, against a real stack."""

import json
import subprocess
import sys
from pathlib import Path

from drumbeat.core import ids
from tests.flow.stacks import ROOT, Stack


def invoke(stack: Stack, function: str, event: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "drumbeat.cli.main", "--key", stack.ready["api_key"], "invoke", function]
    return subprocess.run([*command, str(event), "--home", str(stack.home)], capture_output=True, text=True)


def test_a_sample_of_the_ingest_is_recorded_by_the_running_stack(stack: Stack) -> None:
    done = invoke(stack, "ingest", ROOT / "events" / "ingest_event.json")

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["statusCode"] in (200, 202)
    assert stack.event(str(ids.event_id("crm", "lead-1")))


def test_a_worker_names_the_messages_that_it_does_not_know(stack: Stack) -> None:
    done = invoke(stack, "worker", ROOT / "events" / "worker_foreign_record.json")

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["batchItemFailures"]


def test_a_function_that_raises_ends_with_one(stack: Stack, tmp_path: Path) -> None:
    event = tmp_path / "event.json"
    event.write_text('{"not": "records"}')

    done = invoke(stack, "worker", event)

    assert done.returncode == 1
    assert json.loads(done.stdout)["errorType"] == "KeyError"


def test_a_function_that_does_not_run_is_named(stack: Stack) -> None:
    done = invoke(stack, "migrate", ROOT / "events" / "migrate_plain.json")

    assert done.returncode == 1
    assert "no function migrate runs" in done.stderr
