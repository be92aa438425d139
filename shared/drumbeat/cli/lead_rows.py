"""Rows of a CSV file as leads: which column is which field, and what is wrong with a row."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import click

from drumbeat.cli.csv_records import Broken, Record
from drumbeat.core.address import mailbox
from drumbeat.core.cells import formula_unquoted
from drumbeat.core.errors import InvalidAddress
from drumbeat.core.lead_limits import MAX_NAME_CHARACTERS

EMAIL = "email"
# As programs and spreadsheets call the column of addresses, without what is no letter.
_ADDRESS_NAMES = frozenset(
    {"email", "mail", "emailaddress", "mailaddress", "emailadresse", "mailadresse", "adresseemail", "emailid"}
)
REPORT = ("line", "reason")  # the first columns of a report of refused rows
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Row:
    """A row that can be sent. `number` is its line: what names it whenever the file is read."""

    number: int
    fields: Mapping[str, str]
    cells: Sequence[str]


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that cannot be taken, and why; a broken one has no cells."""

    number: int
    reason: str
    cells: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Columns:
    """The first record of a file, and the field that each column gives; None: it is left out."""

    head: Sequence[str]
    fields: Sequence[str | None]

    @property
    def left_out(self) -> list[str]:
        """Name the columns that give no field."""
        return [
            head.strip() or f"column {place} (it has no name)"
            for place, (head, field) in enumerate(zip(self.head, self.fields, strict=True), 1)
            if field is None
        ]


def columns(head: Sequence[str], wanted: Mapping[str, str]) -> Columns:
    """Read the names of the columns; `wanted` are those that a person maps, by name or place, to a field or to "".

    Raises click.ClickException: no column or several may hold the address, two give one field, or a name is of no use.
    """
    names = [_SURROGATE.sub("\N{REPLACEMENT CHARACTER}", formula_unquoted(cell).strip()) for cell in head]
    if any(map(_is_address, names)):
        raise _unusable("its first line holds an address, not the names of the columns: put a line of names before it")
    chosen = _mapped(names, wanted)
    fields = [chosen.get(place, name or None) for place, name in enumerate(names)]
    if tuple(names[: len(REPORT)]) == REPORT:  # a report that was corrected
        fields[: len(REPORT)] = (None,) * len(REPORT)
    _find_address(names, fields)
    _refuse_useless(fields)
    return Columns(head, fields)


def rows(read: Iterable[Record | Broken], columns: Columns) -> Iterator[Row | Refused]:
    """Turn each record after the first into a row, or say why not. A blank cell says nothing of its field."""
    for record in read:
        if isinstance(record, Broken):
            yield Refused(record.line, record.reason)
        else:
            yield _row(record, columns)


def _row(record: Record, columns: Columns) -> Row | Refused:
    cells = [formula_unquoted(cell) for cell in record.cells]
    width = len(columns.head)
    given = len(cells) if any(map(str.strip, cells[width:])) else min(len(cells), width)
    if given != width:
        return Refused(record.line, f"it has {given} cells, and the first line names {width} columns", cells)
    fields = {
        field: cell for field, cell in zip(columns.fields, cells, strict=False) if field is not None and cell.strip()
    }
    reason = _wrong(fields)
    return Refused(record.line, reason, cells) if reason else Row(record.line, fields, cells)


def _wrong(fields: Mapping[str, str]) -> str | None:
    for field, cell in fields.items():
        if "\0" in cell:
            return f"{field} holds the character NUL"
        if _SURROGATE.search(cell):
            return f"{field} holds bytes that are no text in the file's encoding"
    try:
        mailbox(fields.get(EMAIL, ""))
    except InvalidAddress as error:
        return f"{EMAIL} is not an address: {error}"
    return None


def _mapped(names: Sequence[str], wanted: Mapping[str, str]) -> dict[int, str | None]:
    """Return the field of each column that a person named, by its place."""
    chosen: dict[int, str | None] = {}
    for name, field in wanted.items():
        places = [place for place, each in enumerate(names) if each == name]
        if not places and name.isdecimal() and 1 <= int(name) <= len(names):
            places = [int(name) - 1]
        if len(places) != 1:
            why = "there is no column" if not places else "more than one column is called"
            raise _unusable(f"{why} {name!r} (--map). {_there_are(names)}")
        chosen[places[0]] = field or None
    return chosen


def _find_address(names: Sequence[str], fields: list[str | None]) -> None:
    if EMAIL in fields:
        return
    found = [
        place
        for place, (name, field) in enumerate(zip(names, fields, strict=True))
        if field is not None and _letters(name) in _ADDRESS_NAMES
    ]
    if len(found) != 1:
        why = "no column is called email" if not found else "several columns may hold the address"
        raise _unusable(f'{why}: write --map "COLUMN=email" for the one that does. {_there_are(names)}')
    fields[found[0]] = EMAIL


def _refuse_useless(fields: Sequence[str | None]) -> None:
    counted = Counter(field for field in fields if field is not None)
    for field, times in counted.items():
        if times > 1:
            places = " and ".join(str(place) for place, each in enumerate(fields, 1) if each == field)
            raise _unusable(
                f"columns {places} are both {field!r}: rename one (--map PLACE=FIELD) or leave it out (--map PLACE=)"
            )
        if len(field) > MAX_NAME_CHARACTERS or not field.isprintable():
            place = fields.index(field) + 1
            raise _unusable(
                f"the name of column {place} is longer than {MAX_NAME_CHARACTERS} characters or not printable: give it"
                f" another (--map {place}=FIELD) or leave it out (--map {place}=)"
            )


def _is_address(text: str) -> bool:
    try:
        mailbox(text)
    except InvalidAddress:
        return False
    return True


def _letters(name: str) -> str:
    return "".join(filter(str.isalpha, name.casefold()))


def _there_are(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name[:MAX_NAME_CHARACTERS]) for name in names[:20])
    return f"Its columns: {shown}{', …' if len(names) > 20 else ''}"


def _unusable(why: str) -> click.ClickException:
    return click.ClickException(f"{why}. Nothing was sent")
