"""`drumbeat parked`: what was buffered for a revoked API key: list it, release it, discard it."""

import click

from drumbeat.cli.client import Client, with_client
from drumbeat.cli.output import count, moment, plain, print_json, show, table


@click.group()
def command() -> None:
    """Events that were buffered for an API key which was revoked before they could be recorded."""


@command.command("list")
@click.option("-n", "--limit", type=click.IntRange(min=1), default=200, show_default=True, help="At most so many.")
@with_client
def list_parked(client: Client, limit: int) -> None:
    """List what waits for a decision."""
    items = list(client.pages("/v1/parked", limit=limit))
    if client.json:
        print_json({"items": items})
    elif not items:
        show("nothing is parked")
    else:
        rows = [
            (each["eventId"], each["type"], plain(each["source"]), plain(each["caller"]), moment(each["receivedAt"]))
            for each in items
        ]
        show(table(("event", "type", "source", "API key", "received"), rows))


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
