"""`drumbeat demo`: start a stack, break it, and show that each effect was done once."""

import signal
import time
from collections.abc import Sequence
from contextlib import suppress

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from drumbeat.cli.output import plain, table
from drumbeat.core.call_times import LEASE
from drumbeat.local.demo.doors import Doors, Sent
from drumbeat.local.demo.proof import Proof, prove, settled
from drumbeat.local.demo.stage import LIES, TIMES, Stage

REST_SECONDS = 90.0  # until every effect has to be at rest
POLL_SECONDS = 0.25
KILLED_AFTER = 1  # this many ways of sending; the next has sent the most
UNDER_WAY = ("waiting", "claimed", "sending", "unknown")
LIES_THAT_MATTER = sorted({str(lie["lie"]) for lie in LIES if "rate" in lie})  # the others only slow things down

console = Console(highlight=False)


@click.command("demo")
@click.option("--stay", is_flag=True, help="Leave the stack up afterwards, to look at, until Ctrl-C.")
def command(stay: bool) -> int:
    """Start a stack in a temporary folder, send samples through every API, make the providers lie, kill a worker.

    Then print what happened to each effect, beside the providers' own log. Exit code 0 only when every effect was
    done exactly once.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: the stack and its folder go, too
    began = time.monotonic()
    with Stage() as stage:
        console.print("starting a stack of its own: Postgres, Valkey, SQS, providers, front, workers")
        doors = stage.start()
        console.print(f"it answers at {doors.url} after {time.monotonic() - began:.0f} s; mail at {stage.sandbox_url}")
        stage.lie()
        console.print(f"the providers lie from now on: {', '.join(LIES_THAT_MATTER)}")
        sent = _send(doors, stage)
        expected = sum(each.effects for each in sent)
        _wait(doors, expected)
        proof = prove(doors, stage.sandbox_url, expected)
        stage.keep = not proof.holds
        _show(sent, proof)
        console.print(f"\nthe whole took {time.monotonic() - began:.0f} s")
        if stay:
            _stay(doors, stage)
        if stage.keep:
            console.print(f"the ledger and all logs are kept in {stage.folder}")
    return 0 if proof.holds else 1


def _send(doors: Doors, stage: Stage) -> list[Sent]:
    """Send everything; when the bulk is under way a worker is killed."""
    sent = []
    for number, way in enumerate(doors.all()):
        sent.append(way())
        if number == KILLED_AFTER:
            console.print(f"worker-1 (process {stage.kill_worker()}) was killed with calls under way")
    return sent


def _wait(doors: Doors, expected: int) -> None:
    """Wait, and show the progress, until the effects are at rest."""
    console.print(
        f"waiting: what the killed worker held is free when its lease of {TIMES.lease.total_seconds():.0f} s ends"
        f" ({LEASE.total_seconds():.0f} s in production); then each call that it had begun is looked up, or repeated"
        " under its key, before the next step"
    )
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("effects at rest", total=expected)
        until = time.monotonic() + REST_SECONDS
        while time.monotonic() < until:
            done, by_status = settled(doors)
            open_ones = ", ".join(f"{by_status[each]} {each}" for each in UNDER_WAY if by_status[each])
            progress.update(bar, completed=done, description=f"effects at rest ({open_ones or 'all'})")
            if done >= expected:
                return
            time.sleep(POLL_SECONDS)


def _stay(doors: Doors, stage: Stage) -> None:
    """Leave the stack up until Ctrl-C, or until it ends by itself."""
    console.print("\nit stays up until Ctrl-C, which deletes what it holds:")
    _fact("the mail that arrived", stage.sandbox_url)
    _fact("the API", doors.url)
    console.print(f"\nin another shell:\n\n{stage.exports}\ndrumbeat status\ndrumbeat effects\n", soft_wrap=True)
    with suppress(KeyboardInterrupt):
        stage.wait()


def _show(sent: Sequence[Sent], proof: Proof) -> None:
    console.print()
    console.print(table(("door", "requests", "events"), [(each.door, each.requests, each.events) for each in sent]))
    console.print()
    rows = [
        (
            fate.step,
            fate.account,
            sum(fate.statuses.values()),
            ", ".join(f"{number} {status}" for status, number in sorted(fate.statuses.items())),
            fate.attempts,
            f"{fate.seconds[0]:.1f} s",
            f"{fate.seconds[1]:.1f} s",
        )
        for fate in proof.fates
    ]
    console.print(table(("step", "account", "effects", "status", "attempts", "median", "longest"), rows))
    console.print()
    console.print("from the providers' own log:")
    lies = ", ".join(f"{number} {name}" for name, number in sorted(proof.lies.items()) if name in LIES_THAT_MATTER)
    _fact("lies told", lies)
    _fact("lookups instead of a second try", proof.lookups)
    _fact("repeats recognised, not done again", proof.replayed)
    for words, found in (
        ("done more than once", proof.done_twice),
        ("never done", proof.never_done),
        ("done without a request", proof.unasked),
    ):
        _fact(words, f"[{'red' if found else 'green'}]{len(found)}[/] {plain(' '.join(found[:5]))}")
    colour = "bold green" if proof.holds else "bold red"
    _fact("done exactly once", f"[{colour}]{proof.done_once} of {proof.expected}[/]")


def _fact(words: str, value: object) -> None:
    console.print(f"  {words:<36}{value}")
