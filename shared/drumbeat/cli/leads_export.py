"""The command `drumbeat leads export`: what is known of people, as CSV that `drumbeat leads import` takes."""

import csv
import json
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import click

from drumbeat.cli.client import Client, with_client
from drumbeat.cli.output import count
from drumbeat.core.cells import formula_quoted

EMAIL = "email"


@click.command("export")
@click.option("--list", "mailing_list", metavar="NAME", help="Only people whose consent to this list is given.")
@click.option("--audience", metavar="NAME", help="Only people of this audience.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file.")
@with_client
def command(client: Client, mailing_list: str | None, audience: str | None, output: Path | None) -> None:
    """Export leads as CSV: the address and each attribute.

    Suppressed people are left out of the export of a list or audience.
    """
    if mailing_list is not None and audience is not None:
        raise click.UsageError("give --list or --audience: an audience can ask for consent to a list itself")
    with tempfile.TemporaryFile("w+", encoding="utf-8") as kept:
        names, leads = _keep(_leads(client, mailing_list, audience), kept)
        kept.seek(0)
        with _opened(output) as file:
            write(file, names, map(json.loads, kept))
    click.echo(f"{count(leads, 'lead')} exported{f' to {output}' if output else ''}", err=True)


def write(file: TextIO, names: Sequence[str], leads: Iterable[Mapping[str, object]]) -> None:
    """Write leads, given by their fields: a column each. No cell is one that a spreadsheet takes for a formula."""
    writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(map(formula_quoted, names))
    for lead in leads:
        writer.writerow([formula_quoted(_cell(lead.get(name))) for name in names])


def _leads(client: Client, mailing_list: str | None, audience: str | None) -> Iterator[dict[str, object]]:
    is_all = mailing_list is None and audience is None
    for lead in client.pages("/v1/leads", where=mailing_list and f"list:{mailing_list}", audience=audience):
        if is_all or not lead["suppressed"]:
            yield {EMAIL: lead["address"], **_attributes(lead)}


def _attributes(lead: Mapping[str, Any]) -> dict[str, object]:
    return {name: value for name, value in lead["attributes"].items() if name != EMAIL}


def _keep(leads: Iterable[Mapping[str, object]], file: TextIO) -> tuple[list[str], int]:
    """Keep all leads in a file, as the columns are known after the last; return the columns, and how many leads."""
    names, number = {EMAIL: None}, 0
    for lead in leads:
        names |= dict.fromkeys(lead)
        file.write(f"{json.dumps(lead)}\n")
        number += 1
    return [EMAIL, *sorted(names.keys() - {EMAIL})], number


@contextmanager
def _opened(output: Path | None) -> Iterator[TextIO]:
    if output is None:
        sys.stdout.reconfigure(encoding="utf-8", newline="")  # type: ignore[union-attr]
        yield sys.stdout
        sys.stdout.flush()  # before it is said how many were exported
        return
    try:
        with output.open("w", encoding="utf-8-sig", newline="") as file:
            yield file
    except OSError as error:
        raise click.ClickException(f"{output} cannot be written: {error.strerror}") from None


def _cell(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
