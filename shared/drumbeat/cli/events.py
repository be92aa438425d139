"""`drumbeat events`: list events, newest first."""

from typing import Any

import click

from drumbeat.cli.client import Client, with_client
from drumbeat.cli.output import count, moment, plain, print_json, show, status, table
from drumbeat.core.events import EventType

STATUSES = ("recorded", "planned", "in_progress", "done", "attention")


@click.command()
@click.option("--type", type=click.Choice([each.value for each in EventType]), help="Only of this type.")
@click.option("--source", help="Only from this source.")
@click.option("--status", "wanted", type=click.Choice(STATUSES), help="Only with this status.")
@click.option("--since", help="Only received at or after this instant (ISO 8601).")
@click.option("-q", "text", help="Only those that name this address, have this key, or whose id begins so.")
@click.option("-n", "--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many.")
@with_client
def command(
    client: Client,
    type: str | None,
    source: str | None,
    wanted: str | None,
    since: str | None,
    text: str | None,
    limit: int,
) -> None:
    """List events, newest first."""
    items = list(client.pages("/v1/events", limit=limit, type=type, source=source, status=wanted, since=since, q=text))
    if client.json:
        print_json({"items": items})
    elif not items:
        show("no events")
    else:
        show(table(("event", "status", "what"), [(e["eventId"], status(e["status"]), _what(e)) for e in items]))


def _what(event: dict[str, Any]) -> str:
    arrived = f"{event['type']} from {plain(event['source'])}, key {plain(event['idempotencyKey'])}"
    return f"{arrived}, {count(event['effects'], 'effect')}, {moment(event['receivedAt'])}"
