"""Campaigns, with when each fires next and its newest run; or runs."""

import click
from rich.table import Table

from drumbeat.cli.client import Client, with_client
from drumbeat.cli.listing import age
from drumbeat.cli.output import moment, plain, print_json, show, status, table
from drumbeat.cli.runs_found import Run, short


@click.command("list")
@click.option("--runs", is_flag=True, help="List runs, newest first, instead of campaigns.")
@click.option("--state", help="Only runs in this state; `open`: those that have not ended.")
@click.option("-n", "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most so many runs.")
@with_client
def command(client: Client, *, runs: bool, state: str | None, limit: int) -> None:
    """List the campaigns in force, each with its newest run."""
    if runs or state:
        items = list(client.pages("/v1/runs", limit=limit, state=state))
    else:
        items = client.get("/v1/campaigns")["items"]
    if client.json:
        print_json({"items": items})
    elif not items:
        show("no runs" if runs or state else "no campaigns: drumbeat apply configures them")
    elif runs or state:
        show(runs_table(items))
    else:
        show(table(("campaign", "audience", "next", "newest run"), [_row(each) for each in items]))


def runs_table(runs: list[Run]) -> Table:
    """Lay out runs."""
    rows = [
        (short(each), plain(each["campaign"]), status(each["state"]), f"{each['people']:,}", age(each["createdAt"]))
        for each in runs
    ]
    return table(("run", "campaign", "state", "people", "age"), rows)


def _row(campaign: Run) -> tuple[str, ...]:
    run = campaign["newestRun"]
    following = moment(campaign["next"]) if campaign["next"] else "by hand" if campaign["schedule"] is None else "never"
    return (
        plain(campaign["name"]),
        plain(campaign["audience"] or "for flows"),
        following,
        f"{status(run['state'])} {short(run)}" if run else "",
    )
