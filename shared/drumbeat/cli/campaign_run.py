"""A run is started, after its plan was shown."""

import uuid
from urllib.parse import quote

import click

from drumbeat.cli.campaign_plan import complete, planned
from drumbeat.cli.campaign_show import NOT_FOUND
from drumbeat.cli.client import Client, Refusal, with_client
from drumbeat.cli.following import until_at_rest
from drumbeat.cli.output import count, plain, print_json, show, status
from drumbeat.cli.run_screens import counted, reached_no_one, show_plan, show_run
from drumbeat.cli.runs_found import PLAN, Run, by_id, kind, may_be_sent, of_campaign, say_left_aside, short
from drumbeat.core.runs import sentence


@click.command("run")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--follow", is_flag=True, help="Look on until it is sent.")
@with_client
def command(client: Client, name: str, *, yes: bool, follow: bool) -> int:
    """Send the campaign NAME, or a plan by its id: show who is mailed, ask, and start it.

    A plan of the campaign that is approved and not started is the one that is sent; without one it is planned anew.
    """
    campaign = _campaign(client, name)
    if campaign is not None and campaign["audience"] is None:
        return _fire(client, name, yes=yes)
    run = _plan_of(client, name) if campaign is not None else complete(client, _named(client, name))
    if not client.json:
        show_plan(run)
    if (why := _why_not(client, run)) is not None:
        raise click.ClickException(why)
    if not yes:
        click.confirm(_question(run), abort=True, err=True)
    where = f"/v1/campaigns/{quote(run['campaign'], safe='')}/runs"
    started = client.post(where, {"plan": run["runId"]}, look=may_be_sent(run, "started"))
    now = until_at_rest(client, started) if follow else started
    if client.json:
        print_json(now)
    elif follow:
        show_run(now)
    else:
        _say(now)
    return int(follow and reached_no_one(now))


def _plan_of(client: Client, name: str) -> Run:
    plans = [run for run in client.pages("/v1/runs", campaign=name, state="planned") if kind(run) == PLAN]
    approved = next((run for run in plans if run["approved"] and run["planned"]), None)
    if approved is None:
        return planned(client, name)
    found = complete(client, approved)
    if found["plan"]["changed"]:  # it cannot be started any more, and would stand in the way for a week
        click.echo(f"plan {short(found)} was approved, but the configuration changed since: planned anew", err=True)
        return planned(client, name)
    say_left_aside(found, plans)
    return found


def _question(run: Run) -> str:
    mails = count(counted(run), "mail")
    if (approval := run["plan"]["approval"]) is None:
        return f"send {mails}?"
    return f"nothing is sent yet: a person has to approve it, for {sentence(approval, None)}. Ask for {mails}?"


def _named(client: Client, word: str) -> Run:
    """Return the run whose id begins so. Raises click.ClickException: there is none, or a campaign was called so."""
    if (newest := next(of_campaign(client, word), None)) is not None:
        raise click.ClickException(_gone(newest))
    return by_id(client, word)


def _gone(run: Run) -> str:
    plan = f", or end the plan: drumbeat campaign cancel {short(run)} --reason …" if kind(run) == PLAN else ""
    return (
        f"campaign {run['campaign']} is not configured any more, so nothing of it can be started. Nothing was"
        f" changed. Configure it again with drumbeat apply{plan}"
    )


def _why_not(client: Client, run: Run) -> str | None:
    if run["plan"]["changed"] and _campaign(client, run["campaign"]) is None:
        return _gone(run)
    if run["plan"]["changed"]:
        return f"the configuration changed since it was planned: plan it anew, drumbeat campaign plan {run['campaign']}"
    if run["starts"] or run["state"] != "planned":
        return f"run {short(run)} was started already and is {run['state']}: drumbeat campaign show {short(run)}"
    if not counted(run):
        return "no person would be mailed. Nothing was started"
    return None


def _say(run: Run) -> None:
    show(f"run {short(run)} is {status(run['state'])}")
    if run["state"] == "awaiting_approval":
        show(f"it waits for a person, for {plain(run['reason'])}: drumbeat campaign approve {short(run)}")
    else:
        show(f"look on: drumbeat campaign show {short(run)} --follow")
        show(f"stop it: drumbeat campaign pause {short(run)} --reason …")


def _fire(client: Client, name: str, *, yes: bool) -> int:
    if not yes:
        click.confirm(f"{name} has no audience: fire its event, for flows to act on?", abort=True, err=True)
    key = {"idempotencyKey": f"run-{uuid.uuid4()}"}
    look = f"Its event may be recorded, and flows act on it then: drumbeat events --source {name}"
    answer = client.post(f"/v1/campaigns/{quote(name, safe='')}/trigger", key, look=look)
    if client.json:
        print_json(answer)
    else:
        show(f"event {answer['eventId']} is recorded: drumbeat event {answer['eventId']}")
    return 0


def _campaign(client: Client, name: str) -> Run | None:
    try:
        found: Run = client.get(f"/v1/campaigns/{quote(name, safe='')}")["campaign"]
    except Refusal as error:
        if error.status != NOT_FOUND:
            raise
        return None
    return found
