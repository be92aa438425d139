"""A handler process behaves as a Lambda environment does."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from drumbeat.local.frames import RESULT, Handler, HandlerFailed, HandlerGone
from drumbeat.local.runtime import Context, answer
from tests.unit.local import handlers
from tests.unit.local.conftest import StartRuntime


@pytest.fixture
def handler(tmp_path: Path) -> Iterator[Handler]:
    """The caller of the process `echo-1`."""
    caller = Handler(tmp_path / "echo-1.sock")
    yield caller
    caller.close()


def test_an_event_reaches_the_handler_and_its_result_comes_back(start_runtime: StartRuntime, handler: Handler) -> None:
    process = start_runtime()

    result = handler.invoke({"text": "Grüße", "large": "x" * 1_000_000})

    assert result == {"pid": process.pid, "event": {"text": "Grüße", "large": "x" * 1_000_000}}


def test_a_handler_that_raises_is_answered_for_and_serves_on(start_runtime: StartRuntime, handler: Handler) -> None:
    process = start_runtime()

    with pytest.raises(HandlerFailed) as failed:
        handler.invoke({"do": "raise"})

    assert failed.value.error["errorType"] == "LookupError"
    assert failed.value.error["errorMessage"] == "no such thing"
    assert handler.invoke({})["pid"] == process.pid


def test_what_a_caller_prints_of_an_error_is_one_line(start_runtime: StartRuntime, handler: Handler) -> None:
    start_runtime()

    with pytest.raises(HandlerFailed) as failed:
        handler.invoke({"do": "postgres away"})

    assert str(failed.value) == "OperationalError: connection failed: 127.0.0.1, port 5432"
    assert "Is the server running?" in failed.value.error["errorMessage"]


@pytest.mark.parametrize(
    ("do", "is_one_line", "said"),
    [
        (
            "postgres away",
            True,
            "Postgres is away, this is tried again (OperationalError: connection failed: 127.0.0.1",
        ),
        ("postgres stops", True, "(AdminShutdown: terminating connection due to administrator command)"),
        ("raise", False, "LookupError: no such thing"),
        ("no query", False, "psycopg.errors.QueryCanceled: canceling statement"),
    ],
)
def test_an_error_has_its_traceback_unless_postgres_is_away(
    capfd: pytest.CaptureFixture[str], do: str, is_one_line: bool, said: str
) -> None:
    context = Context("test", 512, 10)

    reply = answer(handlers.handler, (RESULT, json.dumps({"do": do}).encode()), context, 10)

    printed = capfd.readouterr().err
    assert printed.startswith(f"[ERROR] {context.aws_request_id} ")
    assert said in printed
    assert ("Traceback" not in printed) is is_one_line
    assert (printed.count("\n") == 1) is is_one_line
    assert b"stackTrace" in reply  # as from Lambda


def test_what_modules_log_is_kept_with_all_that_they_say(
    start_runtime: StartRuntime, handler: Handler, tmp_path: Path
) -> None:
    start_runtime()

    handler.invoke({"do": "log"})

    lines = [json.loads(line) for line in (tmp_path / "echo-1.log").read_text().splitlines()]
    assert [line["message"] for line in lines] == ["it waits", "it rests"]
    assert [(line["level"], line["status"], line["reason"]) for line in lines[1:]] == [("WARNING", 503, "no answer")]


def test_a_result_that_is_no_json_is_an_error_of_the_handler(start_runtime: StartRuntime, handler: Handler) -> None:
    start_runtime()

    with pytest.raises(HandlerFailed, match="not JSON serializable"):
        handler.invoke({"do": "unserialisable"})


def test_a_caller_learns_that_the_process_ended_and_reaches_its_successor(
    start_runtime: StartRuntime, handler: Handler
) -> None:
    first = start_runtime()

    with pytest.raises(HandlerGone, match="ended while it worked"):
        handler.invoke({"do": "die"})
    assert first.wait() == -9
    with pytest.raises(HandlerGone, match="is not there"):
        handler.invoke({})

    second = start_runtime()
    assert handler.invoke({})["pid"] == second.pid


def test_a_successor_is_reached_by_a_caller_that_was_idle_meanwhile(
    start_runtime: StartRuntime, handler: Handler
) -> None:
    first = start_runtime()
    handler.invoke({})
    first.kill()
    first.wait()
    second = start_runtime()

    assert handler.invoke({})["pid"] == second.pid


def test_an_invocation_over_its_timeout_is_ended(start_runtime: StartRuntime, handler: Handler) -> None:
    process = start_runtime(timeout=0.2)

    with pytest.raises(HandlerGone):
        handler.invoke({"do": "sleep", "seconds": 30})

    assert process.wait() == -14  # SIGALRM


def test_the_context_tells_name_time_left_and_a_request_id_of_its_own(
    start_runtime: StartRuntime, handler: Handler
) -> None:
    start_runtime(timeout=7)

    one, two = handler.invoke({"do": "context"}), handler.invoke({"do": "context"})

    assert one["name"] == "drumbeat-test-echo"
    assert 0 < one["left"] <= 7000
    assert one["id"] != two["id"]
