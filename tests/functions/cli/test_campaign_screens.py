"""`drumbeat campaign` against the real functions: what a run, a plan and a campaign look like on a terminal."""

from tests.functions.api.runs import RunsConsole
from tests.functions.cli.test_campaign import console, newest, run, run_ids
from tests.functions.cli.test_cli import Run

__all__ = ["console", "run"]


def test_the_newest_run_that_was_started_is_named_and_no_older_plan(console: RunsConsole, run: Run) -> None:
    console.apply()
    console.people("ada")
    run("plan", "digest")
    run("run", "digest", "--yes")
    run("cancel", newest(console), "--reason", "a typo")
    cancelled, _ = run_ids(console)

    said = run("resume", "digest", "--reason", "x")

    assert f"no run of digest can be resumed: its newest, {cancelled}, is cancelled" in said.err


def test_where_there_is_only_a_plan_it_is_called_one(console: RunsConsole, run: Run) -> None:
    console.apply()
    run("plan", "digest")

    said = run("resume", "digest", "--reason", "x")

    assert f"its newest, {newest(console)[:8]}, is a plan that was not started" in said.err
