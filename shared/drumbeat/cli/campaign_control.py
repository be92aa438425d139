"""What a person does with a run that goes on: pause, resume, cancel."""

from collections.abc import Collection

import click

from drumbeat.cli.client import Client, with_client
from drumbeat.cli.output import count, moment, print_json, show, status
from drumbeat.cli.runs_found import GOING, PLAN, may_be, short, the_run

REASON = click.option("--reason", required=True, help="Why; kept in the run's journal.")
VERSION = click.option("--version", type=int, help="The version you decided on; 409 when it changed since.")


@click.command()
@click.argument("run")
@REASON
@click.option(
    "--for",
    "lasts",
    help="Go on by itself after so many minutes, hours or days: 30m, 2h, 1d; at most 30d. Else a person resumes it.",
)
@VERSION
@with_client
def pause(client: Client, run: str, reason: str, lasts: str | None, version: int | None) -> None:
    """Pause RUN: no mail of it is opened any more once this is done. A pause that stands is prolonged."""
    _decide(client, run, "pause", "paused", {"reason": reason, "for": lasts, "version": version}, GOING, ("paused",))


@click.command()
@click.argument("run")
@REASON
@VERSION
@with_client
def resume(client: Client, run: str, reason: str, version: int | None) -> None:
    """Let RUN go on where it was paused."""
    _decide(client, run, "resume", "resumed", {"reason": reason, "version": version}, ("paused",))


@click.command()
@click.argument("run")
@REASON
@VERSION
@with_client
def cancel(client: Client, run: str, reason: str, version: int | None) -> None:
    """End RUN: what is not opened yet is not sent."""
    started = (*GOING, "paused", "planned", "awaiting_approval", "missed")
    _decide(client, run, "cancel", "cancelled", {"reason": reason, "version": version}, started, (PLAN,))


def _decide(client: Client, word: str, act: str, done: str, said: dict[str, object], *kinds: Collection[str]) -> None:
    run = the_run(client, word, done, *kinds)
    body = {name: value for name, value in said.items() if value is not None}
    now = client.post(f"/v1/runs/{run['runId']}/{act}", body, look=may_be(run, done))
    if client.json:
        print_json(now)
        return
    show(f"run {short(now)} of {now['campaign']} is {status(now['state'])}")
    if now["resumesAt"]:
        show(f"it goes on by itself {moment(now['resumesAt'])}")
    flying = sum(each["inFlight"] for each in now["totals"])
    if act != "resume" and flying:
        show(f"{count(flying, 'mail')} on the way already cannot be called back")
    if act == "cancel" and now["progress"]["expanded"]:
        show(f"who did not get it, should you change your mind: drumbeat campaign missing {short(now)}")
