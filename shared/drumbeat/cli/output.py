"""What a terminal shows: tables and trees for people, one JSON document for programs."""

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import click
from rich.console import Console, RenderableType
from rich.markup import escape
from rich.table import Table

UNLIMITED_WIDTH = 10_000  # columns: one line a row, for grep

# The same colours wherever a status is shown.
COLOURS = {
    "accepted": "green",
    "done": "green",
    "running": "green",
    "waiting": "cyan",
    "planned": "cyan",
    "expanding": "blue",
    "finished": "green",
    "awaiting_approval": "bold yellow",
    "missed": "bold yellow",
    "recorded": "cyan",
    "claimed": "blue",
    "sending": "blue",
    "in_progress": "blue",
    "unknown": "yellow",
    "failing": "yellow",
    "probing": "yellow",
    "paused": "yellow",
    "held": "bold yellow",
    "attention": "bold yellow",
    "refused": "red",
    "cancelled": "dim",
}


def print_json(value: object) -> None:
    """Print one JSON document, in ASCII where the output cannot hold more."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")  # there may be no output at all
    except UnicodeEncodeError:
        text = json.dumps(value, indent=2)
    click.echo(text)


def show(*parts: RenderableType) -> None:
    """Print for people: as wide as the terminal, and as wide as it takes when the output is not a terminal."""
    console = Console(highlight=False, emoji=False, soft_wrap=False)
    if not console.is_terminal:
        console = Console(highlight=False, emoji=False, width=UNLIMITED_WIDTH)
    for part in parts:
        console.print(part)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """Lay out rows; cells are text, or markup made by the functions of this module.

    The first column is for what a person copies, such as an id: it is never cut. The others wrap, so that a table fits
    80 columns if its words do; give what can be long a column of its own, the last.
    """
    made = Table(box=None, pad_edge=False, header_style="bold")
    for place, name in enumerate(columns):
        made.add_column(name, no_wrap=place == 0, overflow="ignore" if place == 0 else "fold")
    for row in rows:
        made.add_row(*("" if cell is None else str(cell) for cell in row))
    return made


def status(name: str) -> str:
    """Colour a status."""
    return f"[{COLOURS.get(name, 'default')}]{plain(name)}[/]"


def plain(text: object) -> str:
    """Escape text from outside, so that it is neither markup nor a command to the terminal."""
    return escape(visible(text))


def visible(text: object) -> str:
    """Return text from outside without what commands a terminal; it may still be markup."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(text))


def list_name(name: str) -> str:
    """Return `list NAME`, or what `*` stands for."""
    return "every list" if name == "*" else f"list {plain(name)}"


def moment(text: str | None, now: datetime | None = None) -> str:
    """Show an instant as seen from now, and exactly: `3 min ago  2026-11-22 09:00:01Z`."""
    if text is None:
        return ""
    at = datetime.fromisoformat(text)
    return f"{ago(at, now)} [dim]{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z[/]"


def ago(at: datetime, now: datetime | None = None) -> str:
    """Return how long ago an instant was, or how far ahead it is."""
    seconds = ((now or datetime.now(UTC)) - at).total_seconds()
    return f"{span(seconds)} ago" if seconds >= 0 else f"in {span(-seconds)}"


def span(seconds: float) -> str:
    """Return a duration in its largest fitting unit."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    if seconds >= 1:
        return f"{seconds:.{0 if seconds >= 10 else 1}f} s"
    return f"{seconds * 1000:.0f} ms"


def count(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
