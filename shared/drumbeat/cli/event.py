"""`drumbeat event`: one event with all that happened because of it."""

from urllib.parse import quote

import click

from drumbeat.cli.client import Client, with_client
from drumbeat.cli.output import print_json, show
from drumbeat.cli.story import tree


@click.command()
@click.argument("id")
@with_client
def command(client: Client, id: str) -> None:
    """Show the event ID: its plan, its effects, every attempt with its outcomes, and the journal."""
    event = client.get(f"/v1/events/{quote(id, safe='')}")
    if client.json:
        print_json(event)
    else:
        show(tree(event))
