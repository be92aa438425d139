"""`drumbeat campaign` against the real functions: what a run, a plan and a campaign look like on a terminal."""

import pytest

from tests.functions.api.runs import RunsConsole, at_night
from tests.functions.cli.test_campaign import console, newest, run, run_ids
from tests.functions.cli.test_cli import Run

__all__ = ["console", "run"]

OTHER = """
version: 1
campaigns:
  other: {schedule: "rate(7 days)"}
"""


def rows(printed: str, first: str) -> list[list[str]]:
    """Return the cells of the table whose head begins so, its head with it."""
    lines = [line.split() for line in printed.splitlines()]
    begin = next(number for number, line in enumerate(lines) if line[:1] == [first])
    end = next((number for number, line in enumerate(lines[begin:], begin) if not line), len(lines))
    return lines[begin:end]


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


def test_a_campaign_of_one_time_zone_says_nothing_of_zones_and_counts_only_who_is_mailed(
    console: RunsConsole, run: Run
) -> None:
    console.apply(audience="{field: seats, at_least: 1}")
    console.people("ada", "bob", seats=2)
    console.people("cyd", seats=2, agreed=False)

    shown = run("plan", "digest")

    head, row = rows(shown.out, "mailed")[:2]
    assert (head, row[0]) == (["mailed", "first", "last"], "2")
    assert "no zone said" not in shown.out


def test_where_zones_matter_who_has_none_is_told_apart_and_a_zone_without_mails_is_not_shown(
    console: RunsConsole, run: Run
) -> None:
    console.apply(at_night()[0], audience="{field: seats, at_least: 1}")
    console.people("ada", seats=2)
    console.people("bob", seats=2, timezone="Europe/Berlin")
    console.people("cyd", seats=2, timezone="Asia/Tokyo", agreed=False)

    shown = run("plan", "digest")

    head, *zones = rows(shown.out, "zone")
    assert head == ["zone", "mailed", "first", "last"]
    assert "no zone said" in shown.out and "Europe/Berlin" in shown.out
    assert ("Asia/Tokyo" in shown.out, len(zones)) == (False, 2)


def test_that_more_people_are_there_than_shown_is_said_with_how_to_see_all(console: RunsConsole, run: Run) -> None:
    console.apply()
    console.people("ada", "bob", "cyd")
    run("plan", "digest")

    few, all_of_them = run("show", "digest", "--people", "-n", "2"), run("show", "digest", "--people", "-n", "3")

    assert few.out.splitlines()[-1] == "2 shown; all: -n 3"
    assert len(few.out.splitlines()) == 4
    assert "shown" not in all_of_them.out


@pytest.mark.parametrize(
    ("written", "shown"), [("pace: 60/m", "pace 60/m"), ("cap: 1/7d", "cap 1/7d"), ("cap: 2/36h", "cap 2/36h")]
)
def test_pace_and_cap_are_shown_as_they_are_written(console: RunsConsole, run: Run, written: str, shown: str) -> None:
    console.apply(written)

    assert shown in run("show", "digest").out.splitlines()


@pytest.mark.parametrize("word", ["by its id", "by its name"])
def test_a_plan_of_a_campaign_that_is_not_configured_any_more_is_said_to_be_one_and_can_be_ended(
    console: RunsConsole, run: Run, word: str
) -> None:
    console.apply()
    console.people("ada")
    run("plan", "digest")
    id = newest(console)[:8]
    console.ask("PUT", "/v1/config", {"document": OTHER})

    refused = run("run", id if word == "by its id" else "digest", "--yes")
    ended = run("cancel", id, "--reason", "it is gone")

    assert (refused.code, "campaign digest is not configured any more" in refused.err) == (1, True)
    assert f"drumbeat campaign cancel {id} --reason …" in refused.err
    assert "plan it anew" not in refused.err
    assert (ended.code, "is cancelled" in ended.out) == (0, True)


@pytest.mark.parametrize("reason", ["", "   ", "\t\N{NO-BREAK SPACE}"])
def test_a_reason_of_blanks_is_none_and_changes_nothing(console: RunsConsole, run: Run, reason: str) -> None:
    console.apply("pace: 1/h")
    console.people("ada", "bob")
    run("run", "digest", "--yes")
    console.work()

    refused = run("pause", "digest", "--reason", reason)

    assert (refused.code, "reason: has to have at least 1 character" in refused.err) == (1, True)
    assert console.ask("GET", f"/v1/runs/{newest(console)}")["state"] == "running"
