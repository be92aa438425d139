"""`drumbeat views`: make what is known of people again from the log, or compare it."""

import hashlib
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from drumbeat.cli.client import Client, with_client
from drumbeat.cli.output import count, print_json, show, table

IDS = 2**128
SHOWN = 20
KINDS = {
    "unindexed": "not found by whom it names",
    "consent_unrecorded": "what it says of consent is not recorded",
    "lead": "the lead is not what the log gives",
    "consents": "consent is not what was recorded of it",
    "mailed": "what runs sent them lately is not noted, by which caps are counted",
    "too_many_events": "has too many events to be compared",
}


@click.group()
def command() -> None:
    """Views of the log: leads, how consent stands, and which events name whom."""


@command.command()
@click.option("--check", is_flag=True, help="Only compare; exit 1 when something differs.")
@with_client
def rebuild(client: Client, *, check: bool) -> int:
    """Make the views of people again from the log, and write what is missing or different.

    It may run while everything else does, and be ended and run again. The same log gives the same checksum.
    """
    items: list[dict[str, Any]] = []
    digest, events, people = hashlib.sha256(), 0, 0
    for chunk in _chunks(client, check=check):
        items += chunk["items"]
        events, people = events + chunk["events"], people + chunk["people"]
        digest.update(chunk["checksum"].encode())
    if client.json:
        print_json({"items": items, "events": events, "people": people, "checksum": digest.hexdigest()})
    else:
        _show(items, f"{count(events, 'event')} and {people:,} people, checksum {digest.hexdigest()[:16]}", check=check)
    return 1 if check and items else 0


def _chunks(client: Client, *, check: bool) -> Iterator[dict[str, Any]]:
    """Go through the events and then the people; on a terminal, show the progress."""
    terminal = Console(stderr=True)
    columns = (TextColumn("comparing" if check else "rebuilding"), BarColumn(), TaskProgressColumn())
    with Progress(*columns, console=terminal, transient=True, disable=client.json or not terminal.is_terminal) as bar:
        task = bar.add_task("rebuild", total=2 * IDS)
        cursor = None
        while True:
            chunk = client.post("/v1/views/rebuild", {"cursor": cursor, "check": check})
            yield chunk
            if (cursor := chunk["next"]) is None:
                return
            bar.update(task, completed=_reached(cursor))


def _reached(cursor: str) -> int:
    """Return how far a cursor is; ids and keys are hashes: spread evenly."""
    kind, _, after = cursor.partition(":")
    return UUID(after).int if kind == "events" else IDS + int(after[:32] or "0", 16)


def _show(items: list[dict[str, Any]], what: str, *, check: bool) -> None:
    if not items:
        show(f"[green]no difference[/] in {what}")
        return
    rows = [(each["id"], each["subject"], KINDS.get(each["kind"], each["kind"])) for each in items[:SHOWN]]
    show(table(("id", "about", "what differed"), rows))
    if more := len(items) - SHOWN if len(items) > SHOWN else 0:
        show(f"[dim]{more:,} more: --json lists all[/]")
    done = "differ" if check else "differed: what was missing is written; --check shows what still differs"
    show("", f"[bold yellow]{count(len(items), 'view')}[/] {done}, in {what}")
