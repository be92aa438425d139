"""`drumbeat verify`: check that the ledger keeps its promises."""

from collections import Counter
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from drumbeat.cli.client import Client, with_client
from drumbeat.cli.output import count, plain, print_json, show, table

IDS = 2**128


@click.command()
@with_client
def command(client: Client) -> int:
    """Fold every journal, plan every event again, and name each broken promise; exit 1 when there is one.

    It only reads, and may run while everything else does.
    """
    items: list[dict[str, Any]] = []
    checked: Counter[str] = Counter(events=0, effects=0, attempts=0, parked=0)
    for chunk in _chunks(client):
        items += chunk["items"]
        checked.update(chunk["checked"])
    if client.json:
        print_json({"items": items, "checked": checked})
    else:
        _show(items, checked)
    return 1 if items else 0


def _chunks(client: Client) -> Iterator[dict[str, Any]]:
    """Go through the ledger; on a terminal, show the progress."""
    terminal = Console(stderr=True)
    columns = (TextColumn("verifying"), BarColumn(), TaskProgressColumn())
    with Progress(*columns, console=terminal, transient=True, disable=client.json or not terminal.is_terminal) as bar:
        task = bar.add_task("verify", total=IDS)
        cursor = None
        while True:
            chunk = client.get("/v1/verify", cursor=cursor)
            yield chunk
            if (cursor := chunk["next"]) is None:
                return
            bar.update(task, completed=UUID(cursor).int)  # ids are hashes: spread evenly


def _show(items: list[dict[str, Any]], checked: Counter[str]) -> None:
    what = ", ".join(count(checked[noun], noun.removesuffix("s")) for noun in ("events", "effects", "attempts"))
    if checked["parked"]:
        show(f"[yellow]{count(checked['parked'], 'event')} parked[/] for a revoked API key: drumbeat parked list")
    if not items:
        show(f"[green]no violation[/] in {what}")
        return
    rows = [(each["invariant"], each["subject"], each["id"], plain(each["sentence"])) for each in items]
    show(table(("broken", "about", "id", "how"), rows), "", f"[bold red]{count(len(items), 'violation')}[/] in {what}")
