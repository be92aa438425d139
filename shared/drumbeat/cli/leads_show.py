"""The command `drumbeat leads show`: one person, and everything that happened, in order."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import click
from rich.tree import Tree

from drumbeat.cli import sent_text
from drumbeat.cli.client import Client, with_client
from drumbeat.cli.output import list_name, moment, plain, print_json, show, status
from drumbeat.cli.story import told as reported
from drumbeat.core.left_out import LEFT_OUT
from drumbeat.core.token_links import without_tokens

NO_EFFECT = {"left": "the person left", "given_before": "it was given before"}
PAGED = ("events", "effects", "consentHistory", "suppressions")


@click.command("show")
@click.argument("person", metavar="EMAIL|ID")
@click.option("--full", is_flag=True, help="Show the whole text of what was sent, and links that act for the person.")
@with_client
def command(client: Client, person: str, *, full: bool) -> None:
    """Show one person: what is known since when, consent with its evidence, and everything that happened, in order.

    Of each mail the subject and the first two lines; with --json everything, as with --full.
    """
    # Encoded twice, for a path cannot hold every character that an address may.
    told = _whole(client, f"/v1/leads/{quote(quote(person, safe=''), safe='')}")
    if client.json:
        print_json(told)
    else:
        show(_tree(told, full=full))


def _whole(client: Client, path: str) -> dict[str, Any]:
    """Return the story with all that happened, page by page."""
    told: dict[str, Any] = client.get(path)
    while told["next"] is not None:
        older = client.get(path, cursor=told["next"])
        for name in PAGED:
            told[name] += older[name]
        told["next"] = older["next"]
    return told


def _tree(told: dict[str, Any], *, full: bool) -> Tree:
    root = Tree(f"[bold]{plain(told['address'] or 'no lead')}[/]  [dim]{told['id']}[/]", guide_style="dim")
    if told["suppressed"]:
        root.add(f"[red]suppressed: {plain(told['suppressed'])}[/] {moment(told['suppressedAt'])}")
    for each in told["attributes"]:
        root.add(f"{plain(each['name'])} {_value(each['value'])}  [dim]{_source(each)}[/]")
    for each in told["refused"]:
        root.add(f"[yellow]{plain(each['name'])} was not taken[/]: {plain(each['why'])}  [dim]{_source(each)}[/]")
    for each in told["consent"]:
        root.add(f"{list_name(each['list'])}: [bold]{each['state']}[/]{_until(each)}")
    history = root.add("[bold]what happened[/]")
    for _, branch in sorted(_happened(told, full=full), key=lambda entry: entry[0]):
        history.add(branch)
    return root


def _until(consent: dict[str, Any]) -> str:
    """Say until when a sign-up waits to be confirmed, or waited."""
    asked = f", asked again {moment(consent['asked'])}" if consent["asked"] else ""
    if consent["until"] is None:
        return asked
    until = moment(consent["until"])
    return f", not confirmed until {until}" if consent["state"] == "expired" else f"{asked} until {until}"


def _happened(told: dict[str, Any], *, full: bool) -> Iterator[tuple[datetime, Tree]]:
    """Give everything with its instant."""
    for each in told["events"]:
        yield _event(each)
    for each in told["consentHistory"]:
        yield _consent(each)
    for each in told["suppressions"]:
        what = "suppression lifted" if each["lifted"] else "[red]suppressed[/]"
        yield _entry(each["at"], f"{what}: {plain(each['reason'])}, by {plain(each['actor'])}")
    for each in told["effects"]:
        yield _effect(each, full=full)


def _event(event: dict[str, Any]) -> tuple[datetime, Tree]:
    arrived = f"{plain(event['type'])} from {plain(event['source'])} by {plain(event['door'])}"
    at, branch = _entry(event["receivedAt"], f"event {event['eventId']}  {status(event['status'])}  {arrived}")
    if report := event.get("report"):  # a deployment of another release may not say so
        of = f"  [dim]of {plain(report['mail'])}, effect {report['effectId']}[/]" if report["effectId"] else ""
        branch.add(reported(report) + of)
        if report["kind"] == "bounced" and report["effectId"]:
            branch.add("[red]no mail to this person[/] from then on, until a person lifts that")
    for step, why in (event.get("leftOut") or {}).items():  # as above
        branch.add(f"not mailed by step {plain(step)}: {LEFT_OUT.get(why, plain(why))}")
    if (press := event["unverified"]) is not None:
        still = "; the person can still confirm" if press["canConfirm"] else ""
        branch.add(f"[yellow]may have been pressed by a program[/]: {plain(press['why'])}")
        branch.add(f"from {plain(press['ip'] or 'unknown')}, {plain(press['userAgent'] or 'which gave no name')}")
        branch.add(f"it changed nothing{still}")
    return at, branch


def _consent(fact: dict[str, Any]) -> tuple[datetime, Tree]:
    by = "the person" if fact["byPerson"] else "a program"
    at, branch = _entry(fact["at"], f"[bold]{fact['kind']}[/]: {list_name(fact['list'])}, by {by}")
    if fact.get("noEffect"):  # a deployment of another release may not say so
        branch.add(f"[yellow]no effect: {NO_EFFECT[fact['noEffect']]}[/]")
    for name, value in (fact["evidence"] or {}).items():
        if value not in (None, "", [], {}):
            branch.add(f"{plain(name)}: {_value(value)}")
    branch.add(f"[dim]event {fact['eventId']}, recorded {plain(fact['recordedAt'])}[/]")
    return at, branch


def _effect(effect: dict[str, Any], *, full: bool) -> tuple[datetime, Tree]:
    name = f"{plain(effect['flow'])}.{plain(effect['step'])}"
    at, branch = _entry(
        effect["openedAt"] or effect["updatedAt"],
        f"{name}  {status(effect['status'])}  {plain(effect['action'])} → {plain(effect['account'])}",
    )
    if effect["reason"]:
        branch.add(plain(effect["reason"]))
    request = effect["request"]
    if request is None:
        branch.add(f"[dim]{_not_shown(effect)}[/]")
    else:
        if request["subject"] is not None:
            subject = request["subject"] if full else without_tokens(request["subject"])
            branch.add(f"[bold]{plain(subject)}[/]")
        for line in sent_text.lines(request, full=full):
            branch.add(plain(line))
    branch.add(f"[dim]effect {effect['effectId']} of event {effect['eventId']}[/]")
    return at, branch


def _not_shown(effect: dict[str, Any]) -> str:
    """Say why there is no request. It is kept from the first attempt on, and is rendered for that."""
    if effect["status"] in ("waiting", "claimed"):
        due = datetime.fromisoformat(effect["plannedFor"]) <= datetime.now(UTC)
        return f"not rendered: {'due, and not yet taken' if due else 'not yet due'}"
    if effect["openedAt"] is None:
        return f"not rendered: {plain(effect['status'])} before"
    return "its request is no longer kept"


def _entry(at: str, text: str) -> tuple[datetime, Tree]:
    return datetime.fromisoformat(at), Tree(f"{moment(at)}  {text}", guide_style="dim")


def _source(entry: dict[str, Any]) -> str:
    return f"since {plain(entry['since'])}, event {entry['eventId']}"


def _value(value: object) -> str:
    return plain(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
