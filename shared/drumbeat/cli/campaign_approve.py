"""A person says that a plan may be sent: that very plan, as they see it."""

import click

from drumbeat.cli.campaign_plan import complete
from drumbeat.cli.client import Client, with_client
from drumbeat.cli.output import count, print_json, show, status
from drumbeat.cli.run_screens import counted, show_plan
from drumbeat.cli.runs_found import may_be, may_be_sent, short, to_approve


@click.command("approve")
@click.argument("run")
@click.option("--reason", help="Why it may be sent, where there is something to say; it is kept.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_client
def command(client: Client, run: str, *, reason: str | None, yes: bool) -> None:
    """Show the plan of RUN and approve it. What waited for that begins to be sent.

    The name of a campaign stands for its run that waits for approval, or for its newest plan.
    """
    planned = complete(client, to_approve(client, run))
    if not client.json:
        show_plan(planned)
    if not yes:
        then = "it is sent then" if planned["starts"] else "it is sent once it is started"
        click.confirm(f"approve {count(counted(planned), 'mail')}? {then}", abort=True, err=True)
    look = (may_be_sent if planned["starts"] else may_be)(planned, "approved")
    said = {"hash": planned["planHash"]} | ({"reason": reason} if reason else {})
    now = client.post(f"/v1/runs/{planned['runId']}/approve", said, look=look)
    if client.json:
        print_json(now)
        return
    show(f"run {short(now)} is approved and {status(now['state'])}")
    if now["state"] == "planned" and not now["starts"]:
        show(f"it is not started yet: drumbeat campaign run {short(now)}")
