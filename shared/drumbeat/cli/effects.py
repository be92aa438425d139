"""`drumbeat effects`: list effects."""

from typing import Any

import click

from drumbeat.cli.client import Client, with_client
from drumbeat.cli.output import count, moment, plain, print_json, show, status, table
from drumbeat.core.status import Status


@click.command()
@click.option("--status", "wanted", type=click.Choice([each.value for each in Status]), help="Only with this status.")
@click.option("--account", help="Only of this account.")
@click.option("--event", help="Only of the event with this id.")
@click.option("-n", "--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many.")
@with_client
def command(client: Client, wanted: str | None, account: str | None, event: str | None, limit: int) -> None:
    """List effects."""
    items = list(client.pages("/v1/effects", limit=limit, status=wanted, account=account, event=event))
    if client.json:
        print_json({"items": items})
    elif not items:
        show("no effects")
    else:
        show(table(("effect", "status", "what"), [(e["effectId"], status(e["status"]), _what(e)) for e in items]))


def _what(effect: dict[str, Any]) -> str:
    step = f"{plain(effect['flow'])}.{plain(effect['step'])} → {plain(effect['account'])}"
    due = f", due {moment(effect['dueAt'])}" if effect["dueAt"] else ""
    reason = f": {plain(effect['reason'])}" if effect["reason"] else ""
    return f"{step}, version {effect['version']}, {count(effect['attempts'], 'attempt')}{due}{reason}"
