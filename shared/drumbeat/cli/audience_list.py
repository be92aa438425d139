"""The command `drumbeat audience list`: which audiences there are."""

import click

from drumbeat.cli.client import Client, with_client
from drumbeat.cli.conditions import condition
from drumbeat.cli.output import plain, print_json, show, table


@click.command("list")
@with_client
def command(client: Client) -> None:
    """List the audiences of the configuration in force."""
    found = client.get("/v1/audiences")
    if client.json:
        print_json(found)
    elif not found["items"]:
        show("no audiences: describe one under audiences in drumbeat.yaml, and apply it")
    else:
        show(table(("audience", "who"), [(plain(e["name"]), condition(e["condition"])) for e in found["items"]]))
