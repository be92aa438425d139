"""`drumbeat redrive`: send an effect again that was refused or cancelled, or many after seeing how many there are."""

import click

from drumbeat.cli.client import Client, with_client
from drumbeat.cli.decisions import Order, Selected, decide_many, decide_one
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
    even_if_sent: bool,
    yes: bool,
) -> int:
    """Send an EFFECT again that was refused or cancelled, or all that have a --status."""
    if (effect is None) == (status is None):
        raise click.UsageError("name one EFFECT, or --status")
    twice = ", although each may have been carried out once already" if even_if_sent else ""
    fields = {"evenIfSent": even_if_sent} | ({"status": status} if status else {})
    order = Order("redrive", "redrive", f"send again{twice}", "redriven", reason, fields)
    if effect is not None:
        if account or event or cause:
            raise click.UsageError("--account, --event and --cause go with --status")
        return decide_one(client, effect, order, version)
    selected = Selected(Status(status), account=account, event=event, cause=cause)
    return decide_many(client, order, selected, yes=yes)
