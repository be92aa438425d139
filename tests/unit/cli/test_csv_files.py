"""CSV as spreadsheets and people write it."""

import csv
import hashlib
import tracemalloc
from io import BytesIO, StringIO
from typing import override

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drumbeat.cli import csv_records, leads_export
from drumbeat.cli.csv_files import DELIMITERS, Format, examine
from drumbeat.cli.csv_records import MAX_RECORD_CHARACTERS, NOT_CLOSED, NOT_DOUBLED, Broken, Record, records
from drumbeat.core.cells import formula_quoted, formula_unquoted

type Found = list[tuple[int, list[str] | str]]


def read(raw: bytes, form: Format | None = None) -> Found:
    """Return what a file holds: line with cells, or line with what is wrong."""
    form = form or examine(BytesIO(raw))
    return [
        (each.line, each.reason) if isinstance(each, Broken) else (each.line, list(each.cells))
        for each in records(BytesIO(raw), form)
    ]


def cells(raw: bytes) -> list[list[str] | str]:
    return [each for _, each in read(raw)]


TEXT = "email,näme\r\nada@example.com,Jörg „X“ €\r\n"


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"], ids=lambda name: name
)
def test_every_encoding_that_spreadsheets_write_is_read(encoding: str) -> None:
    raw = TEXT.encode(encoding)

    assert cells(raw) == [["email", "näme"], ["ada@example.com", "Jörg „X“ €"]]


@pytest.mark.parametrize("mark", [b"\xff\xfe", b"\xfe\xff"])
def test_utf_16_is_read_by_its_mark(mark: bytes) -> None:
    encoding = "utf-16-le" if mark == b"\xff\xfe" else "utf-16-be"

    assert cells(mark + TEXT.encode(encoding))[1] == ["ada@example.com", "Jörg „X“ €"]


@pytest.mark.parametrize("delimiter", DELIMITERS)
def test_every_delimiter_is_found_though_others_stand_in_the_texts(delimiter: str) -> None:
    others = "".join(each for each in DELIMITERS if each != delimiter)
    rows = [["email", "note", "n"], ["a@b.co", f"x{others}y", "1"], ["b@b.co", f"{others}", "2"]]
    raw = "\n".join(delimiter.join(row) for row in rows).encode()

    assert cells(raw) == rows


def test_the_line_that_tells_excel_the_delimiter_is_followed_and_is_no_row() -> None:
    assert read(b"sep=;\r\nemail;a,b\r\nx@y.co;1,2\r\n") == [(2, ["email", "a,b"]), (3, ["x@y.co", "1,2"])]


@pytest.mark.parametrize("line", ["sep=", 'sep="'])
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_a_line_for_excel_that_names_no_delimiter_is_no_row(line: str, end: str) -> None:
    assert read(end.join([line, "email;n", "x@y.co;1"]).encode()) == [(2, ["email", "n"]), (3, ["x@y.co", "1"])]


@pytest.mark.parametrize("delimiter", [*DELIMITERS, " ", "'", "^"])
def test_any_other_delimiter_is_one(delimiter: str) -> None:
    assert cells(f"sep={delimiter}\nemail{delimiter}n\n".encode()) == [["email", "n"]]


def test_one_byte_of_another_encoding_does_not_change_how_the_whole_file_is_read() -> None:
    raw = "email,n\na@b.co,Zoë\n".encode() + b"b@b.co,Zo\xeb\n"

    assert cells(raw)[1:] == [["a@b.co", "Zoë"], ["b@b.co", "Zo\udceb"]]


def test_an_encoding_that_shows_after_the_sample_counts() -> None:
    raw = b"email,n\n" + b"a@b.co,plain\n" * 10_000 + "b@b.co,Zoë\n".encode("cp1252")

    assert cells(raw)[-1] == ["b@b.co", "Zoë"]


def test_a_record_of_several_lines_is_named_by_the_first_of_them() -> None:
    raw = b'email,note\r\na@b.co,"one\r\ntwo ""2""\nthree"\r\n\r\nb@b.co,x\r\n'

    assert read(raw)[1:] == [(2, ["a@b.co", 'one\r\ntwo "2"\nthree']), (6, ["b@b.co", "x"])]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_as_any_system_ends_them(end: str) -> None:
    assert read(end.join(["email,n", "a@b.co,1", "", " , ", "b@b.co,2"]).encode())[1:] == [
        (2, ["a@b.co", "1"]),
        (5, ["b@b.co", "2"]),
    ]


def test_a_quote_that_is_not_closed_costs_one_row() -> None:
    raw = b'email,n\na@b.co,"open\nb@b.co,2\nc@b.co,3\n'

    assert read(raw)[1:] == [(2, NOT_CLOSED), (3, ["b@b.co", "2"]), (4, ["c@b.co", "3"])]


def test_a_quote_that_another_row_seems_to_close_costs_one_row() -> None:
    raw = b'email,n\na@b.co,"open\nb@b.co,"2"\nc@b.co,"a"b"\nd@b.co,4\n'

    assert read(raw)[1:] == [(2, NOT_DOUBLED), (3, ["b@b.co", "2"]), (4, NOT_DOUBLED), (5, ["d@b.co", "4"])]


LONG = MAX_RECORD_CHARACTERS + 1


@pytest.mark.parametrize(
    ("cell", "next_line"),
    [
        ("x" * LONG, 3),
        (f'"{"x" * LONG}"', 3),
        (f'"{"x" * 30 * LONG}"', 3),
        ('"' + "x\n" * LONG + '"', LONG + 3),
        ('"' + "x\n" * 40 + "y" * LONG + '\n"', 44),
    ],
    ids=["one line", "quoted", "many times as long", "many lines", "a long line among short ones"],
)
def test_a_record_that_is_too_long_costs_one_row(cell: str, next_line: int) -> None:
    found = read(f"email,n\na@b.co,{cell}\nb@b.co,2\n".encode())[1:]

    assert [line for line, _ in found] == [2, next_line]
    assert str(found[0][1]).startswith("it is longer than 65,536 characters")
    assert found[1][1] == ["b@b.co", "2"]


@pytest.mark.parametrize("filler", ["x" * LONG, "x\n" * LONG], ids=["one line", "many lines"])
def test_a_long_cell_that_never_ends_costs_one_row(filler: str) -> None:
    found = read(f'email,n\na@b.co,"{filler}\nb@b.co,2\n'.encode())[1:]

    assert found[0] == (2, NOT_CLOSED)
    assert found[-1][1] == ["b@b.co", "2"]


GOOD = 4000  # rows, of more characters than a record may have


@pytest.mark.parametrize(
    ("row", "good", "flaw"),
    [
        ('17" screen,ada@x.co,"note', "b@b.co,x,plain row of a file", NOT_CLOSED),
        ('17" screen,ada@x.co,"note', 'b@b.co,x,"a quoted cell, and more"', NOT_DOUBLED),
        ('ada@x.co,5\' 10",a "b" "c",3 "', "b@b.co,x,plain row of a file,", None),
        ('"""a""",ada@x.co,"note', "b@b.co,17 inches,plain row of a file", NOT_CLOSED),
    ],
    ids=["never closed", "closed by another row's quote", "quotes within cells", "doubled quotes before"],
)
def test_a_quote_opens_a_cell_only_at_its_start_however_long_the_file_is(row: str, good: str, flaw: str | None) -> None:
    found = read("\n".join(["email,a,b", row, *[good] * GOOD]).encode())

    assert found[1] == (2, flaw or row.split(","))
    assert [line for line, _ in found[2:]] == list(range(3, GOOD + 3))
    assert {isinstance(each, list) for _, each in found[2:]} == {True}


class Counted(BytesIO):
    """Counts the bytes that are read."""

    count = 0

    @override
    def read1(self, size: int | None = -1, /) -> bytes:
        part = super().read1(size)
        self.count += len(part)
        return part


@pytest.mark.parametrize("row", ['17",ada@x.co,"note', f'17",{"x" * LONG},"note'], ids=["short", "long"])
def test_a_file_of_open_quotes_is_not_read_to_its_end_for_each_of_them(row: str) -> None:
    """Read alone, each row has a cell that is never closed: the next row closes it, and opens another."""
    rows = max(20, 200_000 // len(row))
    stream = Counted("\n".join([row] * rows).encode())

    found = list(records(stream, Format("", "utf-8", ",", hinted=False)))

    assert [each.line for each in found] == list(range(1, rows + 1))
    assert {each.reason for each in found if isinstance(each, Broken)} == {NOT_CLOSED}
    assert stream.count < 4 * len(stream.getvalue())


@pytest.mark.parametrize("less", range(4))
def test_an_end_of_line_is_one_wherever_a_part_ends(less: int) -> None:
    long = "x" * (MAX_RECORD_CHARACTERS - less)

    for cell in (long, f'"{long}\r\n{long}"'):
        found = read(f"{cell}\r\na@b.co\r\n".encode(), Format("", "utf-8", ",", hinted=False))
        assert found[-1] == (2 + cell.count("\r"), ["a@b.co"])
        assert len(found) == 2


def by_csv_alone(text: str, most: int) -> Found:
    """Read a text as `records` does, each record by csv's own reader from its first line on."""
    lines, place = StringIO(text, newline="").readlines(), 0
    found: Found = []
    while place < len(lines):
        reader = csv.reader(lines[place:], delimiter=",", skipinitialspace=True, strict=True)
        try:
            cells, taken = next(reader), reader.line_num
        except csv.Error as error:
            found.append((place + 1, NOT_CLOSED if "end of data" in str(error) else NOT_DOUBLED))
            place += 1
            continue
        if sum(map(len, lines[place : place + taken])) > most:
            until = f" (it ends on line {place + taken:,})" if taken > 1 else ""
            found.append((place + 1, f"it is longer than {most:,} characters{until}"))
        elif any(map(str.strip, cells)):
            found.append((place + 1, cells))
        place += taken
    return found


@given(st.text(alphabet='"",,\r\n a', max_size=60), st.integers(1, 12), st.integers(1, 5))
@settings(max_examples=500)
def test_a_record_that_is_too_long_is_passed_over_by_csvs_own_rules(text: str, most: int, part: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_records, "MAX_RECORD_CHARACTERS", most)
        patch.setattr(csv_records, "PART_CHARACTERS", part)

        assert read(text.encode(), Format("", "utf-8", ",", hinted=False)) == by_csv_alone(text, most)


def test_memory_does_not_grow_with_a_cell_or_a_file() -> None:
    stream = BytesIO(b'email,n\na@b.co,"' + b"x" * 4 * 1024 * 1024 + b'"\n' + b"a@b.co,1\n" * 20_000)

    tracemalloc.start()
    try:
        form = examine(stream)
        stream.seek(0)
        tracemalloc.reset_peak()
        count = sum(1 for _ in records(stream, form))
        used = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert count == 20_002
    assert used < 1024 * 1024


def test_a_file_is_named_by_its_bytes() -> None:
    assert examine(BytesIO(TEXT.encode())).sha256 == hashlib.sha256(TEXT.encode()).hexdigest()


@pytest.mark.parametrize("raw", [b"", b"\n\n", b"\xef\xbb\xbf", b" \r\n,,\r\n"])
def test_a_file_without_anything_has_no_records(raw: bytes) -> None:
    assert read(raw) == []


@given(st.binary(max_size=300) | st.text(alphabet='",;\r\n\0a@é', max_size=300).map(str.encode))
def test_no_file_stops_the_reader_and_lines_grow(raw: bytes) -> None:
    lines = [line for line, _ in read(raw)]

    assert lines == sorted(set(lines))


def test_formulas_are_quoted_and_the_quotes_taken_off() -> None:
    written = {"=1+1": "'=1+1", "'=1": "''=1", "-3": "'-3", "\tx": "'\tx", "it's": "it's", "'s": "'s", "": ""}

    assert {cell: formula_quoted(cell) for cell in written} == written
    assert [formula_unquoted(quoted) for quoted in written.values()] == list(written)


CELLS = st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12) | st.text(
    alphabet="'=+-@\t\r\n\",; a", max_size=8
)


@given(st.lists(st.tuples(st.just("ada@x.co"), CELLS, CELLS), max_size=6))
def test_what_is_exported_is_read_back_the_same(leads: list[tuple[str, str, str]]) -> None:
    names, file = ["email", "a", "b"], StringIO(newline="")

    leads_export.write(file, names, (dict(zip(names, lead, strict=True)) for lead in leads))

    raw = file.getvalue().encode("utf-8-sig")
    found = [each for each in records(BytesIO(raw), examine(BytesIO(raw))) if isinstance(each, Record)]
    assert [[formula_unquoted(cell) for cell in each.cells] for each in found][1:] == [list(lead) for lead in leads]
