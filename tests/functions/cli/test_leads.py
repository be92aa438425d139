"""`drumbeat leads import` against the real functions, and `drumbeat leads export` against a list of leads."""

import csv
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import click
import pytest
from redis import Redis

from drumbeat.cli import lead_chunks
from drumbeat.cli.client import Client
from drumbeat.cli.main import main
from drumbeat.local.servers import Valkey
from drumbeat.services import Services
from tests.conftest import TestDatabase
from tests.functions.api.test_leads_import import configured, state
from tests.functions.console import Console, build_services, close
from tests.functions.deployment import served


@dataclass
class Ended:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str


type Run = Callable[..., Ended]


@pytest.fixture
def services(
    database: TestDatabase, redis: Redis, valkey: Valkey, sqs_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Services]:
    services = build_services(database, valkey.url, sqs_endpoint, monkeypatch)
    configured(services)
    yield services
    close(services)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("COLUMNS", "250")

    def run(*arguments: object) -> Ended:
        with pytest.raises(SystemExit) as ended:
            main(["leads", *map(str, arguments)])
        printed = capfd.readouterr()
        own = [line for line in printed.out.splitlines() if not line.startswith('{"')]  # what the functions log
        return Ended(int(ended.value.code or 0), "\n".join(own), printed.err)

    return run


@pytest.fixture
def run(services: Services, command: Run, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    monkeypatch.setenv("DRUMBEAT_KEY", Console(services).key("operate"))
    with served() as url:
        monkeypatch.setenv("DRUMBEAT_URL", url)
        yield command


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Five rows, of which the third and the fifth are refused."""
    path = tmp_path / "people.csv"
    path.write_bytes(
        'Name;E-Mail\r\nAda;ada@x.co\r\n"Bob\r\nBuilder";bob@x.co\r\nEve;eve.x.co\r\nJörg;joerg@x.co\r\nMallory\r\n'.encode(
            "cp1252"
        )
    )
    return path


def imported(services: Services) -> list[dict[str, Any]]:
    rows = services.db.run("SELECT body FROM events JOIN payloads ON event_id = id ORDER BY received_at")
    return [json.loads(row["body"])["payload"] for row in rows]


PEOPLE = [
    {"Name": "Ada", "email": "ada@x.co"},
    {"Name": "Bob\r\nBuilder", "email": "bob@x.co"},
    {"Name": "Jörg", "email": "joerg@x.co"},
]


def test_a_file_is_imported_once_and_what_is_refused_is_reported_by_line(
    run: Run, services: Services, file: Path
) -> None:
    first, second = run("import", file), run("import", file)

    assert (first.code, second.code) == (0, 0)
    assert "3 rows imported, 0 known already, 2 refused" in first.out
    assert "0 rows imported, 3 known already, 2 refused" in second.out
    assert imported(services) == PEOPLE
    with file.with_name("people.refused.csv").open(encoding="utf-8-sig", newline="") as report:
        assert list(csv.reader(report, delimiter=";")) == [
            ["line", "reason", "Name", "E-Mail"],
            ["5", "email is not an address: it holds no @", "Eve", "eve.x.co"],
            ["7", "it has 1 cells, and the first line names 2 columns", "Mallory"],
        ]


def test_where_all_rows_were_refused_for_one_reason_the_screen_says_it(run: Run, tmp_path: Path, file: Path) -> None:
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("email,name\nada.x.co,Ada\nbob.x.co,Bob\n")

    same, different = run("import", wrong), run("import", file)

    assert (same.code, "each refused row: email is not an address: it holds no @" in same.out) == (1, True)
    assert "each refused row" not in different.out


def test_the_report_is_corrected_and_imported(run: Run, services: Services, file: Path) -> None:
    run("import", file)
    report = file.with_name("people.refused.csv")
    report.write_text(report.read_text("utf-8-sig").replace("eve.x.co", "eve@x.co"), "utf-8-sig")

    corrected = run("import", report)

    assert "1 row imported" in corrected.out
    assert imported(services)[-1] == {"Name": "Eve", "email": "eve@x.co"}


def test_a_report_that_was_edited_stays_and_the_next_is_written_beside_it(
    run: Run, services: Services, file: Path
) -> None:
    run("import", file)
    report, beside = file.with_name("people.refused.csv"), file.with_name("people.refused-2.csv")
    whole = report.read_bytes()
    edited = whole.replace(b"eve.x.co", b"eve@x.co")
    report.write_bytes(edited)

    again = run("import", file)

    assert (report.read_bytes(), beside.read_bytes()) == (edited, whole)
    assert "the refused rows are in" in again.out and "people.refused-2.csv" in again.out
    assert "people.refused.csv is not of this run" in again.out
    assert json.loads(run("import", file, "--json").out)["report"] == str(beside)
    assert not file.with_name("people.refused-3.csv").exists()

    beside.write_bytes(whole[: len(whole) // 2])  # as a run that was stopped leaves it
    run("import", file)
    assert beside.read_bytes() == whole

    file.write_text("email\nada@x.co\n")
    assert "people.refused.csv is not of this run" in run("import", file).out


def test_a_report_that_cannot_be_written_is_said_with_what_was_imported(run: Run, file: Path, tmp_path: Path) -> None:
    ended = run("import", file, "--report", tmp_path / "missing" / "r.csv")

    assert (ended.code, "say where with --report. Imported so far: 3 rows" in ended.err) == (1, True)


def test_a_dry_run_checks_everything_and_sends_and_writes_nothing(command: Run, file: Path) -> None:
    ended = command("import", file, "--dry-run", "--url", "http://127.0.0.1:1")

    assert (ended.code, "3 rows can be imported; nothing was sent, 2 refused" in ended.out) == (0, True)
    assert "line 5: email is not an address" in ended.out
    assert list(file.parent.iterdir()) == [file]


def test_consent_withdrawal_and_suppression_hold_when_the_command_has_ended(
    run: Run, services: Services, file: Path
) -> None:
    file.write_text("email\nada@x.co\n")

    given = run("import", file, "--list", "news", "--consent", "the fair")
    withdrawn = run("import", file, "--withdrawn", "--json")
    file.write_text("email\nada@x.co\neve@x.co\n")
    stays = run("import", file, "--list", "news", "--consent", "the fair")
    file.write_text("email\nada@x.co\n")
    suppressed = run("import", file, "--suppress")

    assert [given.code, withdrawn.code, suppressed.code] == [0, 0, 0]
    assert json.loads(withdrawn.out)["added"] == 1
    assert "1 of them left the list earlier and stays out" in stays.out
    assert state(services, "ada@x.co") == "suppressed"
    assert [row["key"].split(":", 2)[2] for row in services.db.run("SELECT key FROM events ORDER BY received_at")] == [
        "given:news",
        "withdrawn",
        "given:news",
        "given:news",
        "suppress",
    ]


def test_a_run_that_is_stopped_says_how_to_go_on_and_the_next_adds_what_is_missing(
    run: Run, services: Services, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lead_chunks, "MAX_IMPORT_ROWS", 1)
    post, sent = Client.post, []

    def until_stopped(client: Client, path: str, body: Any = None) -> Any:
        sent.append(body)
        if len(sent) == 2:
            raise KeyboardInterrupt
        return post(client, path, body)

    monkeypatch.setattr(Client, "post", until_stopped)
    stopped = run("import", file)
    rest = run("import", file)

    assert (stopped.code, "Imported so far: 1 row. Run the same command again" in stopped.err) == (1, True)
    assert "2 rows imported, 1 known already, 2 refused" in rest.out
    assert imported(services) == PEOPLE


def test_a_deployment_that_goes_away_is_asked_again_and_then_given_up(
    run: Run, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lead_chunks, "MAX_IMPORT_ROWS", 1)
    monkeypatch.setattr(lead_chunks, "WAITS_SECONDS", (0.0, 0.0))
    post, sent = Client.post, []

    def once(client: Client, path: str, body: Any = None) -> Any:
        sent.append(body)
        if len(sent) > 1:
            raise click.ClickException("does not answer")
        return post(client, path, body)

    monkeypatch.setattr(Client, "post", once)
    ended = run("import", file)

    assert (ended.code, len(sent)) == (1, 4)
    assert "does not answer. Imported so far: 1 row. Run the same command again" in ended.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--list", "news"], "needs both --list NAME and --consent"),
        (["--consent", "the fair"], "needs both --list NAME and --consent"),
        (["--withdrawn", "--suppress"], "are two imports"),
        (["--suppress", "--list", "news"], "leave --list out"),
        (["--map", "Name"], "is not COLUMN=FIELD"),
        (["--dry-run", "--report", "r.csv"], "--dry-run writes nothing"),
        (["--report", "{file}"], "names the file that is imported"),
    ],
)
def test_options_that_do_not_fit_are_refused_before_anything_is_sent(
    command: Run, file: Path, arguments: list[str], message: str
) -> None:
    ended = command("import", file, *(each.format(file=file) for each in arguments))

    assert ended.code == 2
    assert message in ended.err


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "the file is empty"),
        (b"ada@x.co,Ada\n", "its first line holds an address"),
        (b'"name,email\nAda,ada@x.co\n', "its first line cannot be read"),
        (b"name,email,name\nAda,ada@x.co,A\n", "columns 1 and 3 are both 'name'"),
        (b"name,town\nAda,Rome\n", "no column is called email"),
    ],
)
def test_a_file_that_is_no_list_of_people_is_refused_as_a_whole(
    command: Run, file: Path, raw: bytes, message: str
) -> None:
    file.write_bytes(raw)

    ended = command("import", file)

    assert (ended.code, message in ended.err, "Nothing was sent" in ended.err) == (1, True, True)


def test_a_list_that_there_is_not_is_named_with_those_that_there_are(run: Run, services: Services, file: Path) -> None:
    ended = run("import", file, "--list", "nws", "--consent", "the fair")

    assert (ended.code, "there are news, tips" in ended.err) == (1, True)
    assert imported(services) == []


# ---------------------------------------------------------------- export

LEADS = [
    {"address": "ada@x.co", "attributes": {"name": "=1+1", "n": 3, "tags": ["a"]}, "suppressed": None},
    {"address": "bob@x.co", "attributes": {"town": "Köln\n;"}, "suppressed": "complaint"},
    {"address": "+eve@x.co", "attributes": {}, "suppressed": None},
]


class _Leads(BaseHTTPRequestHandler):
    """Answers with two leads a page."""

    def do_GET(self) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        start = int(parse_qs(urlsplit(self.path).query).get("cursor", ["0"])[0])
        page = {"items": LEADS[start : start + 2], "next": str(start + 2) if start + 2 < len(LEADS) else None}
        raw = json.dumps(page).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


@contextmanager
def listed() -> Iterator[tuple[str, list[str]]]:
    with HTTPServer(("127.0.0.1", 0), _Leads) as server:
        asked: list[str] = []
        cast(Any, server).asked = asked
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join()


def test_leads_are_exported_as_csv_without_formulas(command: Run, tmp_path: Path) -> None:
    output = tmp_path / "leads.csv"

    with listed() as (url, _):
        ended = command("export", "--url", url, "--output", output)

    assert (ended.code, "3 leads exported" in ended.err) == (0, True)
    with output.open(encoding="utf-8-sig", newline="") as file:
        assert list(csv.reader(file)) == [
            ["email", "n", "name", "tags", "town"],
            ["ada@x.co", "3", "'=1+1", '["a"]', ""],
            ["bob@x.co", "", "", "", "Köln\n;"],
            ["'+eve@x.co", "", "", "", ""],
        ]


def test_an_export_is_imported_as_it_was(command: Run, run: Run, services: Services, tmp_path: Path) -> None:
    output = tmp_path / "leads.csv"
    with listed() as (url, _):
        command("export", "--url", url, "--output", output)

    assert run("import", output).code == 0
    assert imported(services) == [
        {"email": "ada@x.co", "n": "3", "name": "=1+1", "tags": '["a"]'},
        {"email": "bob@x.co", "town": "Köln\n;"},
        {"email": "+eve@x.co"},
    ]


def test_the_export_of_a_list_has_whom_it_may_reach(command: Run) -> None:
    with listed() as (url, asked):
        ended = command("export", "--url", url, "--list", "news")

    assert [line.partition(",")[0] for line in ended.out.splitlines()] == ['"email"', '"ada@x.co"', '"\'+eve@x.co"']
    assert all("where=list%3Anews" in each for each in asked)
