"""The command `drumbeat leads list`: what is known of people, newest first."""

import json
from collections.abc import Sequence

import click

from drumbeat.cli.client import Client, with_client
from drumbeat.cli.listing import Column, Form, Item, age, listed, print_list

FILTER = "Only those: list:NAME, list:NAME=given|pending|expired|withdrawn, FIELD=VALUE, or suppressed."


@click.command("list")
@click.option("--where", help=FILTER)
@listed
@with_client
def command(client: Client, where: str | None, form: Form) -> None:
    """List leads, newest first."""
    none = "no leads" if where is None else "no such leads"
    print_list(client, "/v1/leads", form, _columns, none=none, where=where)


def _columns(_: Sequence[Item]) -> Sequence[Column]:
    return (
        Column("address", lambda e: str(e["address"]), least=24),
        Column("age", lambda e: age(e["since"])),
        Column("since", lambda e: str(e["since"]), only_wide=True),
        Column("what", _what, least=16),
    )


def _what(lead: Item) -> str:
    known = [f"{name} {_value(value)}" for name, value in sorted(lead["attributes"].items())]
    agreed = [f"{'every list' if name == '*' else name}: {state}" for name, state in sorted(lead["consent"].items())]
    barred = [f"suppressed: {lead['suppressed']}"] if lead["suppressed"] else []
    return "; ".join([*barred, *agreed, *known])


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
