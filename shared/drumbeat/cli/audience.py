"""`drumbeat audience`: who is meant by an audience: how many, some of them, and why a person is in or not."""

import click

from drumbeat.cli import audience_explain, audience_list, audience_show


@click.group()
def command() -> None:
    """Audiences: who is meant."""


command.add_command(audience_list.command)
command.add_command(audience_show.command)
command.add_command(audience_explain.command)
