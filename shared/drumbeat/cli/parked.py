"""`drumbeat parked`: what was buffered for a revoked API key: list it, release it, discard it."""

from collections.abc import Sequence

import click

from drumbeat.cli.client import Client, with_client
from drumbeat.cli.listing import Column, Form, Item, age, listed, print_list, shortener
from drumbeat.cli.output import count, print_json, show


@click.group()
def command() -> None:
    """Events that were buffered for an API key which was revoked before they could be recorded."""


@command.command("list")
@listed
@with_client
def list_parked(client: Client, form: Form) -> None:
    """List what waits for a decision."""
    print_list(client, "/v1/parked", form, _columns, none="nothing is parked")


def _columns(items: Sequence[Item]) -> Sequence[Column]:
    id = shortener([e["eventId"] for e in items])
    return (
        Column("event", lambda e: id(e["eventId"])),
        Column("id", lambda e: str(e["eventId"]), only_wide=True),
        Column("type", lambda e: str(e["type"]), least=7),
        Column("source", lambda e: str(e["source"]), least=8),
        Column("API key", lambda e: str(e["caller"]), least=12),
        Column("age", lambda e: age(e["receivedAt"])),
    )


@command.command()
@click.argument("events", nargs=-1)
@click.option("--caller", help="All that this API key sent, by its id.")
@click.option("--reason", required=True, help="Why; kept with the decision.")
@with_client
def release(client: Client, events: tuple[str, ...], caller: str | None, reason: str) -> None:
    """Record EVENTS after all: their flows act on them."""
    _decide(client, "release", events, caller, reason)


@command.command()
@click.argument("events", nargs=-1)
@click.option("--caller", help="All that this API key sent, by its id.")
@click.option("--reason", required=True, help="Why; kept with the decision.")
@with_client
def discard(client: Client, events: tuple[str, ...], caller: str | None, reason: str) -> None:
    """Never record EVENTS. They are kept, with the decision; nothing acts on them."""
    _decide(client, "discard", events, caller, reason)


def _decide(client: Client, decision: str, events: tuple[str, ...], caller: str | None, reason: str) -> None:
    if bool(events) == bool(caller):
        raise click.UsageError("name either events or --caller")
    chosen = {"events": list(events)} if events else {"caller": caller}
    decided = 0
    while True:
        answer = client.post("/v1/parked", {"decision": decision, "reason": reason, **chosen})
        decided += answer["decided"]
        if not answer["left"] or not answer["decided"]:
            break
    if client.json:
        print_json({"decided": decided, "left": answer["left"]})
    else:
        show(f"{count(decided, 'event')} {decision}{'d' if decision.endswith('e') else 'ed'}")
