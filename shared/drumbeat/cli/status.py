"""`drumbeat status`: the state of everything, on one screen."""

from collections.abc import Mapping
from typing import Any

import click
from rich.table import Table

from drumbeat.cli.accounts import state_of
from drumbeat.cli.campaign_list import runs_table
from drumbeat.cli.client import Client, disk_full, with_client
from drumbeat.cli.listing import SHORT_ID
from drumbeat.cli.output import count, moment, plain, print_json, show, span, table
from drumbeat.cli.output import status as coloured
from drumbeat.cli.runs_found import short
from drumbeat.core.status import Status

EVENTS = ("recorded", "planned", "in_progress", "done", "attention")


@click.command()
@with_client
def command(client: Client) -> None:
    """Show events and effects by status, accounts, what is late, and dead letters."""
    said = client.ask("GET", "/v1/status")
    answer = said.body
    if client.json:
        print_json(answer)
        return
    totals = answer["totals"]
    version = answer["configVersion"]
    show(f"[bold]{client.url}[/]  " + (f"configuration {version}" if version else "no configuration: drumbeat apply"))
    show(f"events of 24 h  {_counts(totals['events'], EVENTS)}")
    show(f"effects         {_counts(totals['effects'], tuple(Status))}")
    full = disk_full(said.headers)
    notes = [f"[bold red]{full}[/]"] if full else []
    show("", *(notes + _notes(answer) or ["[green]nothing to do[/]"]))
    if answer["accounts"]:
        show("", _accounts(answer["accounts"]))
    if answer.get("runs"):
        show("", runs_table(answer["runs"]))
    if answer.get("campaigns"):  # a deployment before this release has no such list
        show("", _campaigns(answer["campaigns"]))


def _counts(counts: Mapping[str, int], order: tuple[str, ...]) -> str:
    return "   ".join(f"{coloured(name)} {counts[name]:,}" for name in order if counts.get(name)) or "none"


def _notes(answer: Mapping[str, Any]) -> list[str]:
    """Return what a person should look at, and with which command."""
    totals = answer["totals"]
    notes = [_stop(each) for each in answer.get("stops", ())]
    notes += [_violation(each) for each in answer.get("violations", ())]
    if late := totals["oldestDue"]:
        notes.append(f"oldest due effect has been waiting for {span(late)}")
    if totals["unplanned"]:
        age = span(totals["oldestUnplanned"])
        notes.append(f"{count(totals['unplanned'], 'event')} without a plan, the oldest for {age}")
    if held := totals["effects"].get("held"):
        notes.append(f"{coloured('held')} {count(held, 'effect')} to decide about: drumbeat effects --status held")
    notes += [_unplannable(each) for each in answer.get("unplannable", ())]
    if wanting := totals["events"].get("attention"):
        notes.append(f"{coloured('attention')} {count(wanting, 'event')}: drumbeat events --status attention")
    if answer["deadLetters"]:
        notes.append(f"[yellow]{count(answer['deadLetters'], 'dead letter')}[/]: drumbeat dlq")
    elif answer["deadLetters"] is None:
        notes.append("[yellow]the queues do not answer[/]: drumbeat doctor")
    for run in answer.get("runs", ()):
        if (why := _wants(run)) is not None:
            notes.append(f"{coloured(run['state'])} run {short(run)} of {plain(run['campaign'])}: {why}")
    if parked := answer.get("parked"):
        notes.append(f"[yellow]{count(parked, 'event')}[/] of a revoked API key to decide about: drumbeat parked list")
    for name in sorted({each["campaign"] for each in answer["missed"]}):
        times = [each["scheduledAt"] for each in answer["missed"] if each["campaign"] == name]
        notes.append(f"[yellow]{plain(name)} missed {count(len(times), 'firing')}[/], the latest {moment(max(times))}")
    return notes


def _stop(stop: Mapping[str, Any]) -> str:
    what, how = plain(stop["account"] or "everything"), "drumbeat resume --all --reason WHY"
    if stop["invariant"]:
        how = f"drumbeat resume --invariant {plain(stop['invariant'])} --reason WHY"
    elif stop["account"]:
        how = f"drumbeat accounts resume {what}"
    return f"{coloured('stopped')} {what}, by {plain(stop['actor'])}: {plain(stop['reason'])}; {how}"


def _unplannable(found: Mapping[str, Any]) -> str:
    flow, reason, example = plain(found["flow"]), plain(found["reason"]), plain(found["example"])
    events = count(found["events"], "event")
    return f"[yellow]flow {flow}[/] of {events} could not be planned: {reason}; drumbeat event {example[:SHORT_ID]}"


def _violation(found: Mapping[str, Any]) -> str:
    name, what = plain(found["invariant"]), plain(f"{found['kind']} {found['subject']}")
    concerned = plain(found["account"] or (f"run {short(found)}" if found["runId"] else "everything"))
    return f"[bold red]{name}[/] {what}; {concerned} stands still: drumbeat resume --invariant {name}"


def _wants(run: Mapping[str, Any]) -> str | None:
    """Return what a person has to do about a run; None: nothing."""
    match run["state"]:
        case "awaiting_approval":
            return f"drumbeat campaign approve {short(run)}"
        case "missed":
            return f"it came too late: drumbeat campaign missing {short(run)}"
        case "paused" if run.get("reasonCode") == "invariant":
            return None  # the violation says what to do
        case "paused" if not run["resumesAt"]:
            return f"drumbeat campaign resume {short(run)}"
        case _:
            return None


def _campaigns(campaigns: list[dict[str, Any]]) -> Table:
    rows = [
        (
            plain(each["campaign"]),
            plain(f"{each['schedule']} {each['timezone']}") if each["schedule"] else "by hand",
            moment(each["next"]) if each["next"] else "[yellow]never[/]" if each["schedule"] else "",
        )
        for each in campaigns
    ]
    return table(("campaign", "schedule", "next"), rows)


def _accounts(accounts: list[dict[str, Any]]) -> Table:
    rows = [
        (
            plain(each["account"]),
            plain(each["provider"] or "not configured"),
            state_of(each),
            _counts(each["effects"], tuple(Status)),
        )
        for each in accounts
    ]
    return table(("account", "provider", "state", "effects"), rows)
