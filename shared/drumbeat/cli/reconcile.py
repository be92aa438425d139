"""`drumbeat reconcile`: after a restore, list what may have been sent already, and record what was."""

from itertools import batched
from typing import TextIO

import click

from drumbeat.cli.client import Client, with_client
from drumbeat.cli.output import count, moment, plain, print_json, show, status, table


@click.command()
@click.argument("file", type=click.File("r", encoding="utf-8"), required=False)
@click.option("--account", help="Of this account; needed with a FILE.")
@click.option("--reason", help="Why you record this; kept with it. Needed with a FILE.")
@with_client
def command(client: Client, file: TextIO | None, account: str | None, reason: str | None) -> int:
    """List open effects whose time has come: after a restore, each may have been sent already.

    With a FILE of what the account's provider accepted since the restore point: record that, so that it is not sent
    again. A line is one provider key and, after a blank, the provider's own id. Harmless to repeat.
    """
    if file is None:
        _list(client, account)
        return 0
    if not (account and reason):
        raise click.UsageError("a FILE needs --account and --reason")
    from drumbeat.operations.reconcile import KEYS_PER_REQUEST

    words = [line.split(maxsplit=1) for line in file if line.strip()]
    accepted = {key: reference[0].strip() if reference else None for key, *reference in words}
    total: dict[str, list[str]] = {"recorded": [], "known": [], "unknown": []}
    for group in batched(accepted.items(), KEYS_PER_REQUEST, strict=False):
        answer = client.post("/v1/reconcile", {"account": account, "reason": reason, "accepted": dict(group)})
        for outcome, keys in answer.items():
            total[outcome] += keys
    if client.json:
        print_json(total)
        return 0
    show(
        f"{count(len(total['recorded']), 'effect')} recorded as accepted: not sent again",
        f"{len(total['known'])} known before, final or held",
        f"{len(total['unknown'])} unknown here: their events are lost, or they are another account's",
        *(f"  {plain(key)}" for key in total["unknown"]),
    )
    return 0


def _list(client: Client, account: str | None) -> None:
    items = list(client.pages("/v1/reconcile", account=account))
    if client.json:
        print_json({"items": items})
    elif not items:
        show("nothing is at risk")
    else:
        rows = [
            (
                each["providerKey"],
                plain(each["account"]),
                plain(f"{each['flow']}.{each['step']}"),
                status(each["status"]),
                moment(each["dueAt"]),
            )
            for each in items
        ]
        show(table(("provider key", "account", "step", "status", "due"), rows))
