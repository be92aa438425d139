"""A run as it would be: who, when, who is left out and why, quota and cost. Nothing is sent."""

import uuid
from urllib.parse import quote

import click

from drumbeat.cli.client import Client, with_client
from drumbeat.cli.following import until_planned
from drumbeat.cli.output import print_json, show
from drumbeat.cli.run_screens import show_plan
from drumbeat.cli.runs_found import Run, short


@click.command("plan")
@click.argument("name")
@with_client
def command(client: Client, name: str) -> None:
    """Plan a run of the campaign NAME: who would be mailed, when, and who is left out. Nothing is sent."""
    run = planned(client, name)
    if client.json:
        print_json(run)
        return
    show_plan(run)
    if run["plan"]["approval"]:
        show(f"a person has to approve it: drumbeat campaign approve {short(run)}")
    show(f"send it: drumbeat campaign run {short(run)}   [dim]a plan that is not started ends after a week[/]")


def planned(client: Client, name: str) -> Run:
    """Plan a run anew, and return it once it is planned. Raises click.ClickException."""
    key = {"idempotencyKey": f"plan-{uuid.uuid4()}"}
    look = "A plan may be recorded, which sends nothing: drumbeat campaign list --runs"
    return complete(client, client.post(f"/v1/campaigns/{quote(name, safe='')}/plan", key, look=look))


def complete(client: Client, run: Run) -> Run:
    """Return a run once it is planned. Raises click.ClickException: it ended before."""
    found = until_planned(client, run)
    if found["plan"] is None:
        raise click.ClickException(f"run {short(found)} is {found['state']}: {found['reason'] or 'no reason is known'}")
    return found
