"""Lists that fit the terminal: one line a row, what is long ends in an ellipsis, and the next page has its cursor."""

import csv
import functools
import io
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import click
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from drumbeat.cli.client import PAGE_SIZE, Client
from drumbeat.cli.output import COLOURS, UNLIMITED_WIDTH, print_json, show, span, visible
from drumbeat.core.cells import formula_quoted

NARROW_WIDTH = 80  # where there is no terminal to ask
GAP = 2  # between columns
SHORT_ID = 8  # digits, unless two of a list begin so

type Item = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `least`: how narrow it may become; None: it is never cut. `only_wide`: left out of a narrow list."""

    name: str
    cell: Callable[[Item], str]
    least: int | None = None
    only_wide: bool = False
    is_status: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """How a list is shown."""

    wide: bool
    csv: bool
    limit: int
    cursor: str | None


def listed[R](command: Callable[..., R]) -> Callable[..., R]:
    """Give a command the options of a list, as its argument `form`."""

    @click.option("--wide", is_flag=True, help="Print whole ids and texts, however long the lines become.")
    @click.option("--csv", is_flag=True, help="Print CSV for spreadsheets.")
    @click.option("-n", "--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many.")
    @click.option("--cursor", help="Go on where a list ended: it says where.")
    @functools.wraps(command)
    def wrapped(*arguments: object, wide: bool, csv: bool, limit: int, cursor: str | None, **options: object) -> R:
        return command(*arguments, form=Form(wide, csv, limit, cursor), **options)

    return wrapped


def print_list(
    client: Client,
    path: str,
    form: Form,
    columns: Callable[[Sequence[Item]], Sequence[Column]],
    *,
    none: str,
    **query: object,
) -> None:
    """Read a list and print it; `none` is said instead of an empty one."""
    items, following = taken(client, path, form.limit, form.cursor, **query)
    if client.json:
        print_json({"items": items, "next": following})
        return
    if form.csv:
        click.echo(as_csv(items), nl=False)
    elif not items:
        show(none)
    else:
        print_rows(columns(items), items, wide=form.wide)
    if following is not None:
        click.echo(f"more: the same with --cursor {following}", err=True)


def taken(
    client: Client, path: str, limit: int, cursor: str | None, **query: object
) -> tuple[list[dict[str, Any]], str | None]:
    """Return up to `limit` items of a list after a cursor, and where the next begin; None: there are no more."""
    items: list[dict[str, Any]] = []
    while len(items) < limit:
        page = client.get(path, **query, cursor=cursor, limit=min(limit - len(items), PAGE_SIZE))
        items += page["items"]
        if (cursor := page["next"]) is None:
            break
    return items, cursor


def print_rows(columns: Sequence[Column], items: Sequence[Item], *, wide: bool = False) -> None:
    """Print rows as wide as the terminal is, 80 columns where there is none, or as they are."""
    shown = [column for column in columns if wide or not column.only_wide]
    rows = [[visible(column.cell(item)) for column in shown] for item in items]
    natural = [max(map(cell_len, texts)) for texts in zip([column.name for column in shown], *rows, strict=True)]
    width = UNLIMITED_WIDTH if wide else line_width()
    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, GAP, 0, 0))
    for column, narrowed in zip(shown, fitted(natural, [column.least for column in shown], width), strict=True):
        made.add_column(column.name, no_wrap=True, overflow="ellipsis", width=narrowed)
    for row in rows:
        made.add_row(*(styled(text, column) for text, column in zip(row, shown, strict=True)))
    Console(highlight=False, emoji=False, width=width).print(made)


def styled(text: str, column: Column) -> Text:
    """Colour a cell where it is a status."""
    return Text(text, style=COLOURS.get(text, "default") if column.is_status else "")


def fitted(natural: Sequence[int], least: Sequence[int | None], width: int) -> list[int]:
    """Return the widths of columns that fit a line: the last is cut first, each to twice its least, then to that."""
    widths = list(natural)
    for share in (2, 1):
        for place in reversed(range(len(widths))):
            over = sum(widths) + GAP * (len(widths) - 1) - width
            narrowest = least[place]
            if over > 0 and narrowest is not None:
                widths[place] = max(widths[place] - over, min(share * narrowest, widths[place]))
    return widths


def line_width() -> int:
    """Return how wide a line may be."""
    given = os.environ.get("COLUMNS", "")
    if given.isdecimal() and int(given) > 0:
        return int(given)
    terminal = Console()
    return terminal.width if terminal.is_terminal else NARROW_WIDTH


def shortener(ids: Sequence[str]) -> Callable[[str], str]:
    """Return what shortens each of these ids to its beginning, which stands for none of the others."""
    digits = SHORT_ID
    while digits < 36 and len({id[:digits] for id in ids}) < len(set(ids)):
        digits += 1
    return lambda id: id[:digits]


def age(instant: str | None, now: datetime | None = None) -> str:
    """Return how long ago an instant was: `3 min`."""
    if instant is None:
        return ""
    seconds = ((now or datetime.now(UTC)) - datetime.fromisoformat(instant)).total_seconds()
    return span(seconds) if seconds >= 1 else "now"


def reason(item: Item) -> str:
    """Return why something has its status, in as few words as there are."""
    code, detail = item["reasonCode"], item["reasonDetail"]
    if code is None or code == "legacy":
        return str(item["reason"] or "")
    return str(code).replace("_", " ") + (f": {detail}" if detail else "")


def as_csv(items: Sequence[Item]) -> str:
    """Return items as CSV, each field a column by its name; no cell is a formula."""
    written = io.StringIO()
    if items:
        writer = csv.writer(written, lineterminator="\n")
        writer.writerow(items[0])
        writer.writerows(
            [formula_quoted("" if value is None else str(value)) for value in item.values()] for item in items
        )
    return written.getvalue()
