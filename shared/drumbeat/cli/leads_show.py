"""The command `drumbeat leads show`: one person, and everything that happened, in order."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import quote

import click
from rich.tree import Tree

from drumbeat.cli.client import Client, with_client
from drumbeat.cli.output import moment, plain, print_json, show, status


@click.command("show")
@click.argument("person", metavar="EMAIL|ID")
@with_client
def command(client: Client, person: str) -> None:
    """Show one person: what is known since when, consent with its evidence, and everything that happened, in order."""
    # Encoded twice, for a path cannot hold every character that an address may.
    told = _whole(client, f"/v1/leads/{quote(quote(person, safe=''), safe='')}")
    if client.json:
        print_json(told)
    else:
        show(_tree(told))


def _whole(client: Client, path: str) -> dict[str, Any]:
    """Return the story with all its events and effects, page by page."""
    told: dict[str, Any] = client.get(path)
    while told["next"] is not None:
        older = client.get(path, cursor=told["next"])
        told |= {"next": older["next"]} | {name: told[name] + older[name] for name in ("events", "effects")}
    return told


def _tree(told: dict[str, Any]) -> Tree:
    root = Tree(f"[bold]{plain(told['address'] or 'no lead')}[/]  [dim]{told['id']}[/]", guide_style="dim")
    if told["suppressed"]:
        root.add(f"[red]suppressed: {plain(told['suppressed'])}[/] {moment(told['suppressedAt'])}")
    for each in told["attributes"]:
        root.add(f"{plain(each['name'])} {_value(each['value'])}  [dim]{_source(each)}[/]")
    for each in told["refused"]:
        root.add(f"[yellow]{plain(each['name'])} was not taken[/]: {plain(each['why'])}  [dim]{_source(each)}[/]")
    for each in told["consent"]:
        asked = f", asked again {moment(each['asked'])}" if each["asked"] else ""
        root.add(f"list {plain(each['list'])}: [bold]{each['state']}[/]{asked}")
    history = root.add("[bold]what happened[/]")
    for _, branch in sorted(_happened(told), key=lambda entry: entry[0]):
        history.add(branch)
    return root


def _happened(told: dict[str, Any]) -> Iterator[tuple[datetime, Tree]]:
    """Give everything with its instant."""
    for each in told["events"]:
        arrived = f"{plain(each['type'])} from {plain(each['source'])} by {plain(each['door'])}"
        yield _entry(each["receivedAt"], f"event {each['eventId']}  {status(each['status'])}  {arrived}")
    for each in told["consentHistory"]:
        by = "the person" if each["byPerson"] else "a program"
        at, branch = _entry(each["at"], f"[bold]{each['kind']}[/] list {plain(each['list'])}, by {by}")
        for name, value in (each["evidence"] or {}).items():
            branch.add(f"{plain(name)}: {_value(value)}")
        branch.add(f"[dim]event {each['eventId']}, recorded {plain(each['recordedAt'])}[/]")
        yield at, branch
    for each in told["suppressions"]:
        what = "suppression lifted" if each["lifted"] else "[red]suppressed[/]"
        yield _entry(each["at"], f"{what}: {plain(each['reason'])}, by {plain(each['actor'])}")
    for each in told["effects"]:
        yield _effect(each)


def _effect(effect: dict[str, Any]) -> tuple[datetime, Tree]:
    name = f"{plain(effect['flow'])}.{plain(effect['step'])}"
    at, branch = _entry(
        effect["openedAt"] or effect["updatedAt"],
        f"{name}  {status(effect['status'])}  {plain(effect['action'])} → {plain(effect['account'])}",
    )
    if effect["reason"]:
        branch.add(plain(effect["reason"]))
    request = effect["request"]
    if request is None:
        branch.add("[dim]not rendered, or its request is pruned[/]")
    elif request["subject"] is not None:
        branch.add(f"[bold]{plain(request['subject'])}[/]")
        for line in (request["text"] or request["html"] or "").splitlines():
            branch.add(plain(line))
    elif request["body"] is not None:
        branch.add(_value(request["body"]))
    branch.add(f"[dim]effect {effect['effectId']} of event {effect['eventId']}[/]")
    return at, branch


def _entry(at: str, text: str) -> tuple[datetime, Tree]:
    return datetime.fromisoformat(at), Tree(f"{moment(at)}  {text}", guide_style="dim")


def _source(entry: dict[str, Any]) -> str:
    return f"since {plain(entry['since'])}, event {entry['eventId']}"


def _value(value: object) -> str:
    return plain(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
