"""Long work of a deployment that a terminal looks on at: it goes on when the person stops looking."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from drumbeat.cli.client import Client, may_pass, unread
from drumbeat.cli.output import ago
from drumbeat.cli.runs_found import Run, short, story

POLL_SECONDS = 1.0
LONG_SECONDS = 60.0  # a wait that a person who looks on is told of
PATIENCE_SECONDS = 30.0  # for which a deployment that does not answer is asked again
SHARE = 10.0  # a question of the deployment is asked again after so many times what its answer took

AT_REST = ("finished", "cancelled", "missed", "awaiting_approval", "paused")


def until_planned(client: Client, run: Run) -> Run:
    """Return a run once all its people are recorded, or it ended before."""
    return _until(client, run, lambda now: now["plan"] is not None or now["state"] != "planned", _gathered)


def until_at_rest(client: Client, run: Run) -> Run:
    """Return a run once nothing of it moves by itself any more."""

    def rests(now: Run) -> bool:
        return now["state"] in AT_REST or (now["state"] == "planned" and not now["starts"])

    return _until(client, run, rests, _sent)


def _until(
    client: Client, run: Run, done: Callable[[Run], bool], reached: Callable[[Run], tuple[str, int, int]]
) -> Run:
    terminal = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[numbers]}"))
    shown = Progress(*columns, console=terminal, transient=True, disable=client.json or not terminal.is_terminal)
    try:
        with shown as bar:
            task = bar.add_task("", numbers="")
            said = None
            while True:
                now, took_seconds = _seen(client, run)
                what, done_so_far, of = reached(now)
                bar.update(task, description=what, completed=done_so_far, total=max(of, 1),
                           numbers=f"{done_so_far:,} of {of:,}")  # fmt: skip
                if done(now):
                    return now
                if not client.json and (line := _held_up(now)) is not None and line != said:
                    said = line
                    terminal.print(_from_now(now, line), markup=False, highlight=False, soft_wrap=True)
                time.sleep(max(POLL_SECONDS, took_seconds * SHARE))
    except KeyboardInterrupt:
        click.echo(f"\nit goes on; look again with: drumbeat campaign show {short(run)} --follow", err=True)
        raise click.exceptions.Exit(0) from None


def _seen(client: Client, run: Run) -> tuple[Run, float]:
    """Return all about a run and how long its answer took; without an answer it is asked for again, for a while.

    Raises click.ClickException: the run is out of sight, and goes on.
    """
    lost_at: float | None = None
    while True:
        begun = time.monotonic()
        try:
            return story(client, run), time.monotonic() - begun
        except click.ClickException as error:
            lost_at = time.monotonic() if lost_at is None else lost_at
            if not may_pass(error) or time.monotonic() - lost_at >= PATIENCE_SECONDS:
                raise click.ClickException(
                    f"lost sight of run {short(run)}. It is recorded and goes on; look again with: drumbeat campaign"
                    f" show {short(run)} --follow. The reason: {unread(error)}"
                ) from None
        time.sleep(POLL_SECONDS)


def _held_up(run: Run) -> str | None:
    """Say why nothing is sent for a while; the same words as long as it is the same wait."""
    waits = run.get("waits")
    if waits is None:
        return None
    at = datetime.fromisoformat(waits["next"])
    if (at - datetime.now(UTC)).total_seconds() < LONG_SECONDS:
        return None
    return f"{waits['reason']}: the next mail {at.astimezone(UTC):%Y-%m-%d %H:%M}Z"


def _from_now(run: Run, line: str) -> str:
    return f"{line}, {ago(datetime.fromisoformat(run['waits']['next']))}"


def _gathered(run: Run) -> tuple[str, int, int]:
    return "recording who is meant", run["progress"]["gathered"], run["progress"]["chunks"]


def _sent(run: Run) -> tuple[str, int, int]:
    if run["state"] == "planned":
        return _gathered(run)
    of = sum(each["matched"] - sum(each["leftOut"].values()) for each in run["totals"])
    open_ = sum(each["notExpanded"] + each["waiting"] + each["inFlight"] for each in run["totals"])
    return str(run["state"]), of - open_, of
