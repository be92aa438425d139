"""`drumbeat cancel`: prevent an effect that waits or is held, or many that wait after seeing how many there are."""

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
@click.option("--account", help="Cancel all that waits for this account.")
@click.option("--event", help="Cancel all that waits of the event with this id.")
@click.option("--cause", help="With --account or --event: only what waits for this reason: its code, as shown.")
@click.option("--yes", is_flag=True, help="Do not ask before cancelling many.")
@with_client
def command(
    client: Client,
    effect: str | None,
    reason: str,
    version: int | None,
    account: str | None,
    event: str | None,
    cause: str | None,
    yes: bool,
) -> int:
    """Prevent an EFFECT that waits or is held, or all that wait for an --account or of an --event."""
    order = Order("cancel", "cancel", "nothing is sent, nor what comes after it", "cancelled", reason)
    if effect is not None:
        if account or event or cause:
            raise click.UsageError("name one EFFECT, or --account, or --event; not both")
        return decide_one(client, effect, order, version)
    if not (account or event):
        raise click.UsageError("name one EFFECT, or --account, or --event")
    under_way = (Status.CLAIMED, Status.SENDING, Status.UNKNOWN)
    selected = Selected(Status.WAITING, account=account, event=event, cause=cause, beyond=under_way)
    return decide_many(client, order, selected, yes=yes)
