"""What `drumbeat campaign` says when a change was asked for and its answer, or what follows from it, is not seen."""

import urllib.request
from collections.abc import Callable, Sequence

import pytest

from drumbeat.cli import campaign_run, client, following, waiting
from drumbeat.cli.client import Answer, Client, Unanswered
from tests.functions.api.runs import RunsConsole
from tests.functions.cli.test_campaign import console, newest, run
from tests.functions.cli.test_cli import Run

__all__ = ["console", "run"]

FLOWS = """
version: 1
campaigns:
  digest: {schedule: "rate(7 days)"}
"""

type Requested = urllib.request.Request


def interrupt(monkeypatch: pytest.MonkeyPatch, ending: str) -> None:
    """Press Ctrl-C while a change is under way: the deployment takes it, and its answer is not seen."""
    send = Client._send

    def interrupted(asking: Client, request: Requested, look: str | None) -> Answer:
        answer = send(asking, request, look)
        if request.get_method() == "POST" and request.selector.endswith(ending):
            raise KeyboardInterrupt
        return answer

    monkeypatch.setattr(Client, "_send", interrupted)


def lose_sight(monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """Let the deployment take changes, and give no answer to so many questions after the first change."""
    send, left = Client._send, [times]

    def lost(asking: Client, request: Requested, look: str | None) -> Answer:
        if request.get_method() == "GET" and asking.changes and left[0]:
            left[0] -= 1
            raise Unanswered(client._unanswered(asking.url, ConnectionRefusedError(), look))
        return send(asking, request, look)

    monkeypatch.setattr(Client, "_send", lost)


def test_who_stops_looking_while_a_run_is_started_reads_that_it_may_be_sent_and_how_to_stop_it(
    console: RunsConsole, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    console.apply()
    console.people("ada")
    interrupt(monkeypatch, "/runs")

    stopped = run("run", "digest", "--yes")
    console.work()

    id = newest(console)[:8]
    assert (stopped.code, f"stopped. Run {id} may be started" in stopped.err) == (1, True)
    assert f"drumbeat campaign show {id}" in stopped.err
    assert f"drumbeat campaign pause {id} --reason …" in stopped.err
    assert console.provider.sent == ["ada@example.com"]


def test_who_stops_looking_just_after_a_run_was_started_reads_the_same(
    console: RunsConsole, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    console.apply()
    console.people("ada")

    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(campaign_run, "_say", interrupted)
    stopped = run("run", "digest", "--yes")

    assert f"drumbeat campaign pause {newest(console)[:8]} --reason …" in stopped.err


def test_who_stops_before_anything_was_asked_for_reads_no_more_than_that(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> Answer:
        raise KeyboardInterrupt

    monkeypatch.setattr(Client, "_send", interrupted)
    stopped = run("pause", "digest", "--reason", "a typo")

    assert (stopped.code, stopped.err.strip()) == (1, "stopped")


def test_who_stops_looking_while_a_run_is_approved_reads_how_to_stop_it(
    console: RunsConsole, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    console.apply("approve: true")
    console.people("ada")
    run("run", "digest", "--yes")
    console.work()
    interrupt(monkeypatch, "/approve")

    stopped = run("approve", "digest", "--yes")

    id = newest(console)[:8]
    assert f"Run {id} may be approved, and is sent then: drumbeat campaign show {id}" in stopped.err


@pytest.mark.parametrize(
    ("before", "command", "done"),
    [
        ([], "pause", "paused"),
        (["pause"], "resume", "resumed"),
        ([], "cancel", "cancelled"),
        (["cancel"], "missing", "sent to them, and is sent then"),
    ],
)
def test_who_stops_looking_while_a_run_is_decided_on_reads_where_to_look(
    console: RunsConsole, run: Run, monkeypatch: pytest.MonkeyPatch, before: Sequence[str], command: str, done: str
) -> None:
    console.apply("pace: 1/h")
    console.people("ada", "bob")
    run("run", "digest", "--yes")
    console.work()
    for each in before:
        run(each, "digest", "--reason", "a typo")
    console.work()
    id = newest(console)[:8]
    asked = [Client.post]

    def interrupted(asking: Client, path: str, body: object = None, *, look: str) -> object:
        answer = asked[0](asking, path, body, look=look)
        if body is not None:
            raise KeyboardInterrupt
        return answer

    monkeypatch.setattr(Client, "post", interrupted)
    yes = ["--yes"] if command == "missing" else []
    stopped = run(command, "digest", "--reason", "a typo", *yes)

    assert (stopped.code, f"Run {id} may be {done}: drumbeat campaign show {id}" in stopped.err) == (1, True)


def test_who_stops_looking_while_an_event_is_fired_reads_where_it_is(
    console: RunsConsole, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    console.ask("PUT", "/v1/config", {"document": FLOWS})
    interrupt(monkeypatch, "/trigger")

    stopped = run("run", "digest", "--yes")

    assert "Its event may be recorded" in stopped.err
    assert "drumbeat events --source digest" in stopped.err
    assert [each["source"] for each in console.ask("GET", "/v1/events")["items"]] == ["digest"]


def test_a_deployment_that_does_not_answer_for_a_moment_is_looked_at_again(
    console: RunsConsole, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    console.apply()
    console.people("ada")
    run("plan", "digest")
    lose_sight(monkeypatch, times=3)
    monkeypatch.setattr("time.sleep", lambda _: console.work())

    followed = run("run", newest(console)[:8], "--yes", "--follow")

    assert (followed.code, "step mail: 1 accepted" in followed.out, followed.err) == (0, True, "")


def test_a_run_that_is_out_of_sight_goes_on_and_that_is_said(
    console: RunsConsole, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    console.apply()
    console.people("ada")
    run("plan", "digest")
    lose_sight(monkeypatch, times=1_000_000)
    monkeypatch.setattr(following, "PATIENCE_SECONDS", 0.05)

    lost = run("run", newest(console)[:8], "--yes", "--follow")

    id = newest(console)[:8]
    assert (lost.code, f"lost sight of run {id}. It is recorded and goes on" in lost.err) == (1, True)
    assert f"drumbeat campaign show {id} --follow" in lost.err
    assert ("nothing listens at" in lost.err, "nothing was sent" in lost.err) == (True, False)


def refused_to_look(console: RunsConsole, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRUMBEAT_KEY", console.key_of("operate"))


def without_an_answer(console: RunsConsole, monkeypatch: pytest.MonkeyPatch) -> None:
    lose_sight(monkeypatch, times=1_000_000)
    monkeypatch.setattr(following, "PATIENCE_SECONDS", 0.05)


@pytest.mark.parametrize("unseen", [refused_to_look, without_an_answer])
def test_a_plan_or_a_preview_that_cannot_be_looked_at_is_said_to_be_recorded(
    console: RunsConsole,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    unseen: Callable[[RunsConsole, pytest.MonkeyPatch], None],
) -> None:
    console.apply()
    console.people("ada")
    monkeypatch.setattr(waiting, "POLL_SECONDS", 0.01)
    unseen(console, monkeypatch)

    planned = run("plan", "digest")
    previewed = run("preview", "digest", "--to", "ada@example.com", "--within", "0.05")
    console.work()

    events = console.ask("GET", "/v1/events", source="drumbeat:check")["items"]
    assert (planned.code, f"run {newest(console)[:8]}. It is recorded" in planned.err) == (1, True)
    assert (previewed.code, f"event {events[0]['eventId']} is recorded" in previewed.err) == (1, True)
    for ended in (planned, previewed):
        assert "Nothing was changed" not in ended.err and "nothing was sent" not in ended.err
    assert console.provider.sent == ["ada@example.com"]


def test_a_key_that_may_not_look_is_told_which_scope_may(
    console: RunsConsole, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    console.apply()
    refused_to_look(console, monkeypatch)

    assert "this API key may not look at it; one with the scope `read` may" in run("plan", "digest").err
