"""`drumbeat events`: list events, newest first."""

from collections.abc import Sequence

import click

from drumbeat.cli.client import Client, with_client
from drumbeat.cli.instants import INSTANT
from drumbeat.cli.listing import Column, Form, Item, age, listed, print_list, shortener
from drumbeat.core.events import EventType

STATUSES = ("recorded", "planned", "in_progress", "done", "attention")


@click.command()
@click.option("--type", type=click.Choice([each.value for each in EventType]), help="Only of this type.")
@click.option("--source", help="Only from this source.")
@click.option("--status", "wanted", type=click.Choice(STATUSES), help="Only with this status.")
@click.option("--since", type=INSTANT, help="Only received since: 30m, 2h, 3d, or ISO 8601.")
@click.option("-q", "text", help="Only those that name this address, have this key, or whose id begins so.")
@listed
@with_client
def command(
    client: Client,
    type: str | None,
    source: str | None,
    wanted: str | None,
    since: str | None,
    text: str | None,
    form: Form,
) -> None:
    """List events, newest first. What became of one, and why: drumbeat event ID."""
    filters = {"type": type, "source": source, "status": wanted, "since": since, "q": text}
    none = "no events yet: drumbeat send records one"
    if any(filters.values()):
        none = "no events are so: drumbeat events lists the newest of all"
    print_list(client, "/v1/events", form, _columns, none=none, **filters)


def _columns(items: Sequence[Item]) -> Sequence[Column]:
    id = shortener([e["eventId"] for e in items])
    return (
        Column("event", lambda e: id(e["eventId"])),
        Column("id", lambda e: str(e["eventId"]), only_wide=True),
        Column("status", lambda e: str(e["status"]), is_status=True),
        Column("type", lambda e: str(e["type"]), least=7),
        Column("source", lambda e: str(e["source"]), least=8),
        Column("effects", lambda e: f"{e['effects']:,}"),
        Column("age", lambda e: age(e["receivedAt"])),
        Column("received", lambda e: str(e["receivedAt"]), only_wide=True),
        Column("recipient", lambda e: e["recipient"] or "", least=10),
        Column("key", lambda e: str(e["idempotencyKey"]), least=6),
    )
