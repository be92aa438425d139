"""One campaign, or one run: how many of its people are where, or where each of them is."""

from urllib.parse import quote

import click

from drumbeat.cli.campaign_list import runs_table
from drumbeat.cli.client import Client, Refusal, with_client
from drumbeat.cli.following import until_at_rest
from drumbeat.cli.output import moment, plain, print_json, show
from drumbeat.cli.run_screens import show_people, show_run
from drumbeat.cli.runs_found import Run, newest_started, story
from drumbeat.core.status import Status

NOT_FOUND = 404


@click.command("show")
@click.argument("name")
@click.option("--follow", is_flag=True, help="Look on until the run rests; with a campaign's name, at its newest run.")
@click.option("--people", is_flag=True, help="List the people of the run; with a campaign's name, of its newest run.")
@click.option(
    "--status", type=click.Choice([each.value for each in Status]), help="Only people with a mail in this status."
)
@click.option("--left-out", metavar="REASON", help="Only people who are left out for it; `any`: whatever it is.")
@click.option("--lead", metavar="ADDRESS", help="Only this person, by address or id; takes the scope `people`.")
@click.option(
    "-n", "--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many people."
)
@with_client
def command(
    client: Client,
    name: str,
    *,
    follow: bool,
    people: bool,
    status: str | None,
    left_out: str | None,
    lead: str | None,
    limit: int,
) -> None:
    """Show a campaign with its newest runs, or a run by its id: how many are where, and with --people who."""
    people = people or status is not None or left_out is not None or lead is not None
    if follow and people:
        raise click.UsageError("--follow looks on at the whole run: leave out what lists people")
    campaign = None if follow or people else _campaign(client, name)
    if campaign is not None:
        _show(client, campaign)
        return
    run = newest_started(client, name)
    if people:
        path = f"/v1/runs/{run['runId']}/recipients"
        more = limit + 1  # by which is seen that not all are shown
        found = list(client.pages(path, limit=more, status=status, left_out=left_out, lead=lead))
        if client.json:
            print_json({"items": found[:limit]})
            return
        show_people(found[:limit])
        if not found and lead is not None and status is left_out is None:
            show(
                "this person is no one of the run; why, or whether it is so now: drumbeat audience explain NAME ADDRESS"
            )
        if len(found) > limit:
            show(f"[dim]{limit:,} shown; all: -n {run['people']}[/]")
        return
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
