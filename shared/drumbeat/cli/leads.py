"""`drumbeat leads`: people by their address: import a file of them, export them."""

import click

from drumbeat.cli import leads_export, leads_import


@click.group()
def command() -> None:
    """People by their address."""


command.add_command(leads_import.command)
command.add_command(leads_export.command)
