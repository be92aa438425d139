"""The command `drumbeat audience explain`: why a person is in an audience or not."""

import json
from typing import Any
from urllib.parse import quote

import click
from rich.tree import Tree

from drumbeat.cli.client import Client, with_client
from drumbeat.cli.conditions import condition
from drumbeat.cli.output import moment, plain, print_json, show

MARKS = {True: "[green]yes[/]", False: "[red]no[/]", None: "[yellow]not known[/]"}
VERDICTS = {
    True: "[green]is in[/] {}",
    False: "[red]is not in[/] {}",
    None: "[yellow]is left out[/]: whether they are in {} is not known",
}


@click.command("explain")
@click.argument("name")
@click.argument("person", metavar="EMAIL|ID")
@with_client
def command(client: Client, name: str, person: str) -> None:
    """Show each condition of the audience NAME with the value that it saw of one person."""
    told = client.get(f"/v1/audiences/{quote(name, safe='')}/explain", lead=person)
    if client.json:
        print_json(told)
        return
    verdict = VERDICTS[told["verdict"]].format(plain(told["audience"]))
    root = Tree(f"[bold]{plain(told['address'])}[/] {verdict}", guide_style="dim")
    _add(root, told["tree"])
    show(root, f"[dim]version {told['version']}, {moment(told['at'])}[/]")


def _add(above: Tree, judged: dict[str, Any]) -> None:
    branch = above.add(f"{MARKS[judged['verdict']]}  {_words(judged)}")
    for part in judged["parts"]:
        _add(branch, part)


def _words(judged: dict[str, Any]) -> str:
    (kind, said), *_ = judged["condition"].items()
    if said is None:  # a group; its parts follow
        return f"[bold]{plain(kind)}[/]"
    if judged["parts"]:
        return condition(judged["condition"])
    why = f"[yellow], which {plain(judged['why'])}[/]" if judged["why"] else ""
    return f"{condition(judged['condition'])}  [dim]{_saw(kind, judged['saw'])}[/]{why}"


def _saw(kind: str, value: object) -> str:
    match kind:
        case "happened":
            return {0: "never", 1: "once"}.get(int(str(value)), f"{value} times")
        case "bucket":
            return f"stands at {value}%"
        case "field" if value is None:
            return "has none"
        case "source":
            return "named by it" if value else "not named by it"
        case "list":
            return plain(f"is {value}")
    return plain(f"has {json.dumps(value, ensure_ascii=False)}")
