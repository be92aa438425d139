"""The command `drumbeat leads list`: what is known of people, newest first."""

import json
from typing import Any

import click

from drumbeat.cli.client import Client, with_client
from drumbeat.cli.output import moment, plain, print_json, show, table

FILTER = "Only those: list:NAME, list:NAME=given|pending|expired|withdrawn, FIELD=VALUE, or suppressed."


@click.command("list")
@click.option("--where", help=FILTER)
@click.option("-n", "--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many.")
@with_client
def command(client: Client, where: str | None, limit: int) -> None:
    """List leads, newest first."""
    items = list(client.pages("/v1/leads", limit=limit, where=where))
    if client.json:
        print_json({"items": items})
    elif not items:
        show("no leads" if where is None else "no such leads")
    else:
        show(table(("address", "since", "what"), [(plain(e["address"]), moment(e["since"]), _what(e)) for e in items]))


def _what(lead: dict[str, Any]) -> str:
    known = [f"{plain(name)} {_value(value)}" for name, value in sorted(lead["attributes"].items())]
    agreed = [
        f"{'every list' if name == '*' else plain(name)}: {state}" for name, state in sorted(lead["consent"].items())
    ]
    barred = [f"[red]suppressed: {plain(lead['suppressed'])}[/]"] if lead["suppressed"] else []
    return "; ".join([*barred, *agreed, *known])


def _value(value: object) -> str:
    return plain(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
