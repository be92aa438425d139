"""`drumbeat campaign`: campaigns and their runs: list, show, plan, approve, run, pause, resume, cancel, preview."""

import click

from drumbeat.cli import (
    campaign_approve,
    campaign_control,
    campaign_list,
    campaign_missing,
    campaign_plan,
    campaign_preview,
    campaign_run,
    campaign_show,
)


@click.group()
def command() -> None:
    """Campaigns and their runs.

    A RUN is named by its id, or by how that begins (4 digits or more). The name of a campaign stands for its run where
    only one can be meant; a plan that was not started is meant only where there is no run.
    """


command.add_command(campaign_list.command)
command.add_command(campaign_show.command)
command.add_command(campaign_plan.command)
command.add_command(campaign_approve.command)
command.add_command(campaign_run.command)
command.add_command(campaign_control.pause)
command.add_command(campaign_control.resume)
command.add_command(campaign_control.cancel)
command.add_command(campaign_missing.command)
command.add_command(campaign_preview.command)
