"""The command `drumbeat leads import`: a CSV file, row by row, each of them once."""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from drumbeat.cli import lead_rows
from drumbeat.cli.client import Client, with_client
from drumbeat.cli.csv_files import Format, examine
from drumbeat.cli.csv_records import Broken, Record, records
from drumbeat.cli.lead_chunks import Sender, chunks
from drumbeat.cli.lead_report import Report
from drumbeat.cli.lead_rows import Columns, Refused, Row
from drumbeat.cli.output import count, plain, print_json, show


@dataclass
class Counts:
    """What became of the rows so far."""

    added: int = 0
    replayed: int = 0
    stay_out: int = 0  # of both: their people left the list
    refused: int = 0
    checked: int = 0  # only read, by a dry run

    @property
    def rows(self) -> int:
        """How many rows that is."""
        return self.added + self.replayed + self.refused + self.checked


type Shown = Callable[[int, str], object]


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--list", "mailing_list", metavar="NAME", help="The people of the file agreed to this list.")
@click.option("--consent", metavar="TEXT", help="Where their consent comes from; kept as the evidence.")
@click.option("--withdrawn", is_flag=True, help="They withdrew: from --list NAME, or from every list.")
@click.option("--suppress", is_flag=True, help="They must get no mail at all.")
@click.option("--map", "mapped", multiple=True, metavar="COLUMN=FIELD", help="Call a column (by name or place) FIELD.")
@click.option("--report", type=click.Path(dir_okay=False, path_type=Path), help="Where refused rows are written.")
@click.option("--dry-run", is_flag=True, help="Read and check the whole file; send and write nothing.")
@with_client
def command(
    client: Client,
    file: Path,
    mailing_list: str | None,
    consent: str | None,
    mapped: Sequence[str],
    report: Path | None,
    *,
    withdrawn: bool,
    suppress: bool,
    dry_run: bool,
) -> int:
    """Import the people of the CSV file FILE: each row becomes an event once, however often this runs.

    Any encoding and delimiter that spreadsheets write. One column holds the address: `email`, or name it by --map.
    Refused rows are written to NAME.refused.csv beside NAME.csv; correct them there, and import that file. A file of
    that name that holds something else stays: then it is NAME.refused-2.csv. No flow acts on the rows but one whose
    condition names their source, drumbeat:import.
    """
    mode = _mode(mailing_list, consent, withdrawn=withdrawn, suppress=suppress)
    place = _place(file, report, dry_run=dry_run)
    counts = Counts()
    with ExitStack() as opened:
        stream = opened.enter_context(_opened(file))
        shown = opened.enter_context(_progress(file, quiet=client.json))
        with _reading(file):
            form = examine(stream, lambda size: shown(size, "reading"))
            stream.seek(0)
        read = opened.enter_context(closing(_records(file, stream, form)))
        columns = _columns(read, mapped)
        said = {"file": form.sha256, "mode": mode, "list": mailing_list, "consent": consent}
        sender = None if dry_run else Sender(client, {name: value for name, value in said.items() if value is not None})
        with _interrupted(counts, dry_run=dry_run), Report(place, columns.head, form.delimiter) as refused:
            for chunk in chunks(lead_rows.rows(read, columns)):
                _take(chunk, sender, counts, refused)
                shown(stream.tell(), f"{counts.rows:,} rows")
    _print(client, file, form, columns, counts, refused, dry_run=dry_run)
    return 0 if counts.rows > counts.refused or not counts.rows else 1


def _mode(mailing_list: str | None, consent: str | None, *, withdrawn: bool, suppress: bool) -> str:
    if withdrawn and suppress:
        raise click.UsageError("--withdrawn and --suppress are two imports: give one of them; nothing was sent")
    if suppress and mailing_list:
        raise click.UsageError("--suppress is of every mail: leave --list out; nothing was sent")
    if withdrawn or suppress:
        return "withdrawn" if withdrawn else "suppress"
    if (mailing_list is None) != (consent is None or not consent.strip()):
        raise click.UsageError(
            'consent to a list needs both --list NAME and --consent "where it comes from"; nothing was sent'
        )
    return "none" if mailing_list is None else "given"


def _place(file: Path, report: Path | None, *, dry_run: bool) -> Path | None:
    """Return where refused rows are written; None: nowhere."""
    if dry_run:
        if report is not None:
            raise click.UsageError("--dry-run writes nothing, and so no --report: leave one of them out")
        return None
    report = report or file.with_name(f"{file.stem}.refused.csv")
    if report.exists() and report.samefile(file):
        raise click.UsageError("--report names the file that is imported; nothing was sent")
    return report


@contextmanager
def _opened(file: Path) -> Iterator[BinaryIO]:
    with _reading(file):
        opened = file.open("rb")
    with opened as stream:
        if not stream.seekable():
            raise click.ClickException(f"{file} can be read only once: save it as a file first. Nothing was sent")
        yield stream


@contextmanager
def _reading(file: Path) -> Iterator[None]:
    """Say that it is this file which fails, and around nothing else: others are written meanwhile."""
    try:
        yield
    except OSError as error:
        raise click.ClickException(f"{file} cannot be read: {error.strerror}") from None


def _records(file: Path, stream: BinaryIO, form: Format) -> Generator[Record | Broken]:
    with _reading(file):
        yield from records(stream, form)


@contextmanager
def _progress(file: Path, *, quiet: bool) -> Iterator[Shown]:
    """Show on a terminal how far it is: the file is read twice, once to know it."""
    terminal = Console(stderr=True)
    if quiet or not terminal.is_terminal:
        yield lambda _done, _text: None
        return
    parts = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    with Progress(*parts, console=terminal, transient=True) as progress:
        task = progress.add_task("reading", total=file.stat().st_size or 1)
        yield lambda done, text: progress.update(task, completed=done, description=text)


def _columns(read: Iterator[Record | Broken], mapped: Sequence[str]) -> Columns:
    first = next(read, None)
    if first is None:
        raise click.ClickException("the file is empty. Nothing was sent")
    if isinstance(first, Broken):
        raise click.ClickException(f"its first line cannot be read: {first.reason}. Nothing was sent")
    wanted = {}
    for each in mapped:
        name, equals, field = each.rpartition("=")
        if not equals or not name.strip():
            raise click.UsageError(f"--map {each!r} is not COLUMN=FIELD; nothing was sent")
        wanted[name.strip()] = field.strip()
    return lead_rows.columns(first.cells, wanted)


def _take(chunk: Sequence[Row | Refused], sender: Sender | None, counts: Counts, report: Report) -> None:
    """Send the rows of a chunk, and report those that are refused here or there, in their order."""
    sending = [row for row in chunk if isinstance(row, Row)]
    reasons: dict[int, str] = {}
    if sender is None:
        counts.checked += len(sending)
    elif sending:
        results = sender.send(sending)
        reasons = {each["row"]: each["reason"] for each in results["refused"]}
        counts.added += results["added"]
        counts.replayed += results["replayed"]
        counts.stay_out += results.get("stayOut", 0)  # a deployment of another release may not count them
    for row in chunk:
        reason = row.reason if isinstance(row, Refused) else reasons.get(row.number)
        if reason is not None:
            report.add(Refused(row.number, reason, row.cells))
            counts.refused += 1


@contextmanager
def _interrupted(counts: Counts, *, dry_run: bool) -> Iterator[None]:
    """Say what is done already when the rest is not."""
    try:
        yield
    except KeyboardInterrupt:
        raise click.ClickException(f"stopped. {_so_far(counts, dry_run=dry_run)}") from None
    except click.ClickException as error:
        if counts.rows == 0:
            raise
        raise click.ClickException(f"{error.message.rstrip('.')}. {_so_far(counts, dry_run=dry_run)}") from None


def _so_far(counts: Counts, *, dry_run: bool) -> str:
    if dry_run:
        return "Nothing was sent"
    done = count(counts.added + counts.replayed, "row")
    return f"Imported so far: {done}. Run the same command again; it adds what is missing"


def _print(
    client: Client, file: Path, form: Format, columns: Columns, counts: Counts, report: Report, *, dry_run: bool
) -> None:
    if client.json:
        sent = {"added": counts.added, "replayed": counts.replayed, "stayOut": counts.stay_out}
        done = {"checked": counts.checked} if dry_run else sent
        written = None if report.written is None else str(report.written)
        print_json({"file": form.sha256, "rows": counts.rows, **done, "refused": counts.refused, "report": written})
        return
    taken = (
        f"{count(counts.checked, 'row')} can be imported; nothing was sent"
        if dry_run
        else f"{count(counts.added, 'row')} imported, {counts.replayed:,} known already"
    )
    show(f"{plain(file)}: {taken}, {counts.refused:,} refused")
    if columns.left_out:
        show(f"left out: {plain(', '.join(columns.left_out))}")
    if counts.stay_out:
        stay = "stays" if counts.stay_out == 1 else "stay"
        show(f"{counts.stay_out:,} of them left the list earlier and {stay} out")
    if report.one_reason is not None and not dry_run:
        show(
            f"each refused row: {plain(report.one_reason)}"
            if report.rows > 1
            else f"refused: {plain(report.one_reason)}"
        )
    for each in report.first if dry_run else ():
        show(f"line {each.number}: {plain(each.reason)}")
    if dry_run and report.rows > len(report.first):
        show(f"and {report.rows - len(report.first):,} more")
    if report.written:
        show(f"the refused rows are in {plain(report.written)}, by line: correct them there, and import that file")
    if report.earlier:
        show(f"{plain(report.earlier)} is not of this run: it was there before, and stays as it was")
