"""`drumbeat redrive`: send an effect again that was refused or cancelled, or many after seeing how many there are."""

from dataclasses import replace

import click

from drumbeat.cli.client import Client, with_client
from drumbeat.cli.decisions import Order, Selected, decide_many, decide_one
from drumbeat.cli.instants import INSTANT
from drumbeat.core.status import Status


@click.command()
@click.argument("effect", required=False)
@click.option("--reason", required=True, help="Why; kept in the journal.")
@click.option(
    "--version", type=int, help="The version you decided on; 409 when it changed since. Default: the present one."
)
@click.option("--status", type=click.Choice(["refused", "cancelled"]), help="Send all again that have this status.")
@click.option("--account", help="With --status: only those of this account.")
@click.option("--event", help="With --status: only those of the event with this id.")
@click.option("--cause", help="With --status: only those that ended for this reason: its code, as shown.")
@click.option("--since", type=INSTANT, help="With --status: only those that ended since: 30m, 2h, 3d, or ISO 8601.")
@click.option(
    "--even-if-sent", is_flag=True, help="Also what may have been carried out already: it may then be done twice."
)
@click.option("--yes", is_flag=True, help="Do not ask before sending many again.")
@with_client
def command(
    client: Client,
    effect: str | None,
    reason: str,
    version: int | None,
    status: str | None,
    account: str | None,
    event: str | None,
    cause: str | None,
    since: str | None,
    even_if_sent: bool,
    yes: bool,
) -> int:
    """Send an EFFECT again that was refused or cancelled, or all that have a --status."""
    twice = ", although each may have been carried out once already" if even_if_sent else ""
    order = Order("redrive", "redrive", f"send again{twice}", "redriven", reason, {"evenIfSent": even_if_sent})
    if effect is None and status is not None:
        selected = Selected(Status(status), account=account, event=event, cause=cause, since=since)
        return decide_many(client, replace(order, fields={**order.fields, "status": status}), selected, yes=yes)
    if effect is None or status is not None:
        raise click.UsageError("name one EFFECT, or --status")
    if account or event or cause or since:
        raise click.UsageError("--account, --event, --cause and --since go with --status")
    return decide_one(client, effect, order, version)
