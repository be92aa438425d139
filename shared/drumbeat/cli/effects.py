"""`drumbeat effects`: list effects, those first that changed last."""

from collections.abc import Sequence

import click

from drumbeat.cli.client import Client, with_client
from drumbeat.cli.instants import INSTANT
from drumbeat.cli.listing import Column, Form, Item, age, listed, print_list, reason, shortener
from drumbeat.core.status import Status


@click.command()
@click.option("--status", "wanted", type=click.Choice([each.value for each in Status]), help="Only with this status.")
@click.option("--account", help="Only of this account.")
@click.option("--event", "--run", help="Only of the event or run with this id, or whose id begins so.")
@click.option("--since", type=INSTANT, help="Only those that changed since: 30m, 2h, 3d, or ISO 8601.")
@listed
@with_client
def command(
    client: Client,
    wanted: str | None,
    account: str | None,
    event: str | None,
    since: str | None,
    form: Form,
) -> None:
    """List effects, those first that changed their status last; of a run by its people."""
    filters = {"status": wanted, "account": account, "event": event, "since": since}
    none = "no effects yet: they follow from events. What arrived: drumbeat events"
    if any(filters.values()):
        none = "no effects are so: drumbeat effects lists the newest of all"
    print_list(client, "/v1/effects", form, _columns, none=none, order="newest", **filters)


def _step(effect: Item) -> str:
    return f"{effect['flow']}.{effect['step']}"


def _columns(items: Sequence[Item]) -> Sequence[Column]:
    id, event = shortener([e["effectId"] for e in items]), shortener([e["eventId"] for e in items])
    return (
        Column("effect", lambda e: id(e["effectId"])),
        Column("id", lambda e: str(e["effectId"]), only_wide=True),
        Column("status", lambda e: str(e["status"]), is_status=True),
        Column("account", lambda e: str(e["account"]), least=6),
        Column("recipient", lambda e: e["recipient"] or "", least=11),
        Column("age", lambda e: age(e["changedAt"])),
        Column("version", lambda e: str(e["version"]), only_wide=True),
        Column("attempts", lambda e: str(e["attempts"]), only_wide=True),
        Column("due", lambda e: e["dueAt"] or "", only_wide=True),
        Column("event", lambda e: event(e["eventId"]), only_wide=True),
        Column("step", _step, only_wide=True),
        Column("reason, or step", lambda e: reason(e) or _step(e), least=12),
    )
