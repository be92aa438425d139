"""The command `drumbeat audience show`: how many are in an audience now, and some of them."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import click

from drumbeat.cli.client import Client, with_client
from drumbeat.cli.output import count, moment, plain, print_json, show, table

MOST = 100


@click.command("show")
@click.argument("name")
@click.option("--sample", type=click.IntRange(0, MOST), default=20, show_default=True, help="Show so many of them.")
@with_client
def command(client: Client, name: str, sample: int) -> None:
    """Count who is in the audience NAME now, and of whom that is not known; then show some of them.

    The same people are shown each time, as long as they are in.
    """
    found = client.get(f"/v1/audiences/{quote(name, safe='')}", sample=sample)
    if client.json:
        print_json(found)
        return
    show(*_counts(found))
    if found["sample"]:
        rows = [(plain(e["address"]), _what(e)) for e in found["sample"]]
        asks = any(what for _, what in rows)  # an audience may ask for no attribute
        show("", table(("address", "what") if asks else ("address",), rows if asks else [row[:1] for row in rows]))


def _counts(found: dict[str, Any]) -> Iterator[str]:
    yield f"[bold]{found['matched']:,}[/] of {count(found['leads'], 'lead')} in {plain(found['audience'])}"
    yield f"[dim]version {found['version']}, {moment(found['at'])}[/]"
    if found["undecided"]:
        yield f"[yellow]{people(found['undecided'])} left out: it is not known whether they are in[/]"
    for each in found["unknown"]:
        yield f"  {people(each['people'])}: {plain(each['field'])} {each['why']}"


def people(number: int) -> str:
    """Return a number of people."""
    return "1 person" if number == 1 else f"{number:,} people"


def _what(person: dict[str, Any]) -> str:
    known = person["attributes"]
    if not isinstance(known, dict):
        return plain(known)  # masked
    return plain("; ".join(f"{name} {_value(value)}" for name, value in known.items()))


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
