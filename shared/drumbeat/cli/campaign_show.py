"""One campaign, or one run: where each of its people is."""

from urllib.parse import quote

import click

from drumbeat.cli.campaign_list import runs_table
from drumbeat.cli.client import Client, Refusal, with_client
from drumbeat.cli.following import until_at_rest
from drumbeat.cli.output import moment, plain, print_json, show
from drumbeat.cli.run_screens import show_run
from drumbeat.cli.runs_found import Run, newest_begun, story

NOT_FOUND = 404


@click.command("show")
@click.argument("name")
@click.option("--follow", is_flag=True, help="Look on until the run rests; with a campaign's name, at its newest run.")
@with_client
def command(client: Client, name: str, *, follow: bool) -> None:
    """Show a campaign with its newest runs, or a run by its id."""
    campaign = None if follow else _campaign(client, name)
    if campaign is not None:
        _show(client, campaign)
        return
    run = newest_begun(client, name)
    shown = until_at_rest(client, run) if follow else story(client, run)
    if client.json:
        print_json(shown)
    else:
        show_run(shown)


def _campaign(client: Client, name: str) -> Run | None:
    try:
        found: Run = client.get(f"/v1/campaigns/{quote(name, safe='')}")
    except Refusal as error:
        if error.status != NOT_FOUND:
            raise
        return None
    return found


def _show(client: Client, answer: Run) -> None:
    if client.json:
        print_json(answer)
        return
    campaign = answer["campaign"]
    show(
        f"[bold]{plain(campaign['name'])}[/]  {plain(campaign['schedule'] or 'by hand')} {plain(campaign['timezone'])}"
    )
    if campaign["next"]:
        show(f"next {moment(campaign['next'])}")
    if campaign["audience"] is None:
        show("it has no audience: it fires an event, on which flows act")
        return
    show(f"to the audience {plain(campaign['audience'])}")
    for step in campaign["steps"]:
        show(f"step {plain(step['id'])}: {plain(step['action'])} by account {plain(step['account'])}")
    for name, label in (("pace", "pace"), ("quietHours", "quiet hours"), ("cap", "cap")):
        if campaign[name]:
            show(f"{label} {plain(campaign[name])}")
    if campaign["approve"]:
        show("a person approves each run")
    show(
        "",
        runs_table(answer["runs"])
        if answer["runs"]
        else "no run yet: drumbeat campaign plan " + plain(campaign["name"]),
    )
