"""Columns and rows of a file of leads, the chunks in which they are sent, and the report of those that are not."""

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import click
import pytest

from drumbeat.cli.client import Refusal
from drumbeat.cli.csv_files import examine
from drumbeat.cli.csv_records import records
from drumbeat.cli.lead_chunks import Sender, chunks
from drumbeat.cli.lead_report import Report
from drumbeat.cli.lead_rows import Columns, Refused, Row, columns, rows
from drumbeat.core.lead_limits import MAX_IMPORT_BYTES


def read(text: str, **wanted: str) -> list[Row | Refused]:
    raw = text.encode("utf-8", "surrogateescape")
    found = records(BytesIO(raw), examine(BytesIO(raw)))
    head = next(found)
    return list(rows(found, columns(head.cells, wanted)))  # type: ignore[union-attr]


def told(row: Row | Refused) -> tuple[int, object]:
    return row.number, row.reason if isinstance(row, Refused) else dict(row.fields)


def test_each_row_has_its_line_and_a_field_for_each_cell_that_says_something() -> None:
    found = read("name,email,note\nAda,ada@x.co, \n\nBob,Bob <bob@x.co>,'=1\n")

    assert [told(row) for row in found] == [
        (2, {"name": "Ada", "email": "ada@x.co"}),
        (4, {"name": "Bob", "email": "Bob <bob@x.co>", "note": "=1"}),
    ]


@pytest.mark.parametrize(
    "name", ["email", "E-Mail", "EMAIL ADDRESS", "e-mail-adresse", "Email Address:", "mail", "'email"]
)
def test_the_column_of_addresses_is_known_by_its_usual_names(name: str) -> None:
    assert told(read(f"a,{name}\n1,ada@x.co\n")[0])[1] == {"a": "1", "email": "ada@x.co"}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("ada@x.co", "it has 1 cells, and the first line names 2 columns"),
        ("ada@x.co,1,2", "it has 3 cells, and the first line names 2 columns"),
        ("ada,1", "email is not an address: it holds no @"),
        (",1", "email is not an address: it is empty"),
        ("ada@x.co,\0", "note holds the character NUL"),
        ("ada@x.co,é\udcff", "note holds bytes that are no text in the file's encoding"),
    ],
)
def test_a_row_that_cannot_be_taken_is_refused_by_its_line(row: str, reason: str) -> None:
    found = read(f"email,note\n{row}\nbob@x.co,x\n")

    assert [told(each) for each in found] == [(2, reason), (3, {"email": "bob@x.co", "note": "x"})]


def test_empty_cells_beyond_the_last_column_are_no_mistake() -> None:
    assert told(read("email,note\nada@x.co,x,,\n")[0]) == (2, {"email": "ada@x.co", "note": "x"})


@pytest.mark.parametrize(
    ("head", "message"),
    [
        (["ada@x.co", "Ada"], "its first line holds an address"),
        (["name", "town"], "no column is called email"),
        (["E-Mail", "Mail"], "several columns may hold the address"),
        (["email", "name", "name"], "columns 2 and 3 are both 'name'"),
        (["email", "x" * 101], "the name of column 2 is longer than 100 characters"),
        (["email", "a\x07"], "the name of column 2"),
    ],
)
def test_a_file_whose_columns_are_not_clear_is_refused_as_a_whole(head: list[str], message: str) -> None:
    with pytest.raises(click.ClickException, match="Nothing was sent") as refused:
        columns(head, {})

    assert message in refused.value.message


def test_columns_are_mapped_by_name_or_place_and_left_out() -> None:
    mapped = columns(["Kontakt", "name", "name", "", "x"], {"Kontakt": "email", "3": "nick", "x": ""})

    assert mapped.fields == ["email", "name", "nick", None, None]
    assert mapped.left_out == ["column 4 (it has no name)", "x"]


@pytest.mark.parametrize("name", ["nme", "name", "9", "0"])
def test_a_column_that_is_mapped_is_one_of_the_file(name: str) -> None:
    with pytest.raises(click.ClickException, match=r"Its columns: 'email', 'name', 'name'"):
        columns(["email", "name", "name"], {name: "x"})


def test_chunks_have_what_one_request_may_hold() -> None:
    short = [Row(number, {"email": "a@x.co"}, ()) for number in range(1200)]
    long = [Row(number, {"email": "a@x.co", "note": "é" * 60_000}, ()) for number in range(5)]

    assert [len(chunk) for chunk in chunks(short)] == [500, 500, 200]
    assert [len(chunk) for chunk in chunks(long)] == [2, 2, 1]
    assert all(
        len(json.dumps([row.fields for row in chunk if isinstance(row, Row)])) < MAX_IMPORT_BYTES
        for chunk in chunks(long)
    )
    assert list(chunks([])) == []


class Deployment:
    """Answers one request after another as it was told."""

    url, key, json = "http://test", None, False

    def __init__(self, *answers: Exception | None) -> None:
        self.answers, self.posted = list(answers), 0

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        self.posted += 1
        if (answer := self.answers.pop(0)) is not None:
            raise answer
        return {"results": {"added": len(body["rows"]), "replayed": 0, "refused": []}}


AWAY = click.ClickException("does not answer")
ROWS = [Row(2, {"email": "ada@x.co"}, ())]


def sender(deployment: Deployment) -> tuple[Sender, list[float]]:
    slept: list[float] = []
    return Sender(deployment, {}, sleep=slept.append), slept  # type: ignore[arg-type]


def test_a_request_without_an_answer_is_sent_again() -> None:
    deployment = Deployment(None, AWAY, Refusal(503, {}), None)
    sending, slept = sender(deployment)

    assert [sending.send(ROWS)["added"] for _ in range(2)] == [1, 1]
    assert (deployment.posted, slept) == (4, [0.5, 1.0])


def test_a_refusal_is_final_and_so_is_the_first_silence() -> None:
    refused, away = Deployment(None, Refusal(400, {})), Deployment(AWAY)

    sending, slept = sender(refused)
    sending.send(ROWS)
    with pytest.raises(Refusal):
        sending.send(ROWS)
    with pytest.raises(click.ClickException):
        sender(away)[0].send(ROWS)
    assert (refused.posted, away.posted, slept) == (2, 1, [])


def test_a_deployment_that_stays_away_is_given_up() -> None:
    deployment = Deployment(None, *[AWAY] * 6)
    sending, slept = sender(deployment)
    sending.send(ROWS)

    with pytest.raises(click.ClickException, match="does not answer"):
        sending.send(ROWS)
    assert (deployment.posted, sum(slept)) == (7, 15.5)


def test_a_report_that_was_corrected_is_imported_like_the_file_itself(tmp_path: Path) -> None:
    path = tmp_path / "refused.csv"
    with Report(path, ["email", "note"], ";") as report:
        report.add(Refused(7, "email is not an address", ["ada.x.co", "=1"]))
        report.add(Refused(9, "too long"))

    corrected = path.read_text("utf-8-sig").replace("ada.x.co", "ada@x.co")

    assert corrected.splitlines()[0].split(";") == ['"line"', '"reason"', '"email"', '"note"']
    assert [told(row) for row in read(corrected)] == [
        (2, {"email": "ada@x.co", "note": "=1"}),
        (3, "it has 2 cells, and the first line names 4 columns"),
    ]


def test_a_report_of_a_report_has_the_columns_of_one(tmp_path: Path) -> None:
    with Report(tmp_path / "r.csv", ["line", "reason", "email"], ",") as report:
        report.add(Refused(2, "why", ["7", "before", "ada"]))

    assert (tmp_path / "r.csv").read_text("utf-8-sig") == '"line","reason","email"\n"2","why","ada"\n'


def test_without_a_refused_row_there_is_no_report(tmp_path: Path) -> None:
    with Report(tmp_path / "r.csv", ["email"], ","):
        pass

    assert list(tmp_path.iterdir()) == []


def test_a_report_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    with (
        pytest.raises(click.ClickException, match="--report"),
        Report(tmp_path / "none" / "r.csv", ["email"], ",") as report,
    ):
        report.add(Refused(2, "why"))


def test_columns_of_a_report_are_no_fields() -> None:
    assert columns(["line", "reason", "email"], {}) == Columns(["line", "reason", "email"], [None, None, "email"])
