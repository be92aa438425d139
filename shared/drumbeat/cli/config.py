"""`drumbeat config`: the configuration in force."""

import click

from drumbeat.cli.client import Client, with_client
from drumbeat.cli.output import moment, plain, print_json, show


@click.command()
@click.option("--document", is_flag=True, help="Print the document alone, as it was written.")
@with_client
def command(client: Client, document: bool) -> None:
    """Show which configuration is in force, and what it says."""
    stored = client.get("/v1/config")
    if client.json:
        print_json(stored)
    elif document:
        click.echo(stored["document"], nl=not stored["document"].endswith("\n"))
    else:
        show(
            f"[bold]configuration {stored['version']}[/]  applied {moment(stored['appliedAt'])}"
            f" by {plain(stored['appliedBy'])}  [dim]{stored['hash'][:12]}[/]"
        )
        for name in sorted(stored["templates"]):
            show(f"  template {plain(name)}")
        click.echo()
        click.echo(stored["document"])
