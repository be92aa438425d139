"""`drumbeat leads`: people by their address: list them, show one with everything that happened, import,
export, prove consent, erase."""

import click

from drumbeat.cli import leads_erase, leads_export, leads_import, leads_list, leads_receipt, leads_show


@click.group()
def command() -> None:
    """People by their address."""


command.add_command(leads_list.command)
command.add_command(leads_show.command)
command.add_command(leads_import.command)
command.add_command(leads_export.command)
command.add_command(leads_receipt.command)
command.add_command(leads_erase.command)
