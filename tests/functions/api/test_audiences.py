"""Audiences through their routes and commands."""

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from drumbeat.cli.main import main
from drumbeat.configuration.document import compile_document
from drumbeat.ledger import configs
from drumbeat.local.servers import Valkey
from drumbeat.people.suppressions import suppress
from drumbeat.services import Services
from tests.conftest import TestDatabase
from tests.functions.console import Console, build_services, close
from tests.functions.deployment import served
from tests.store.people.history import said, tell

DOCUMENT = """
version: 1
defaults: {public_url: "https://hooks.example.com", postal_address: "Fernwood GmbH, Am Wald 1, 10115 Berlin"}
lists: {news: {title: Monday notes}}
audiences:
  trials:
    all:
      - {field: plan, is: trial}
      - {field: seats, at_least: 3}
      - not: {happened: clicked, within: 30d}
  reached: {all: [{audience: trials}, {list: news}, {source: site}, {bucket: "100%"}]}
  everyone: {field: plan, exists: true}
"""
PEOPLE: dict[str, dict[str, Any]] = {
    "ada@example.com": {"plan": "trial", "seats": 5, "name": "Ada"},
    "bob@example.com": {"plan": "trial", "seats": "4"},
    "eve@example.com": {"plan": "trial", "seats": "n/a"},
    "joe@example.com": {"plan": "paid", "seats": 9},
}


@pytest.fixture
def services(
    database: TestDatabase, redis: "Redis", valkey: Valkey, sqs_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Services]:
    services = build_services(database, valkey.url, sqs_endpoint, monkeypatch)
    apply(services, DOCUMENT)
    consent = [{"list": "news", "kind": "given"}]
    tell(
        services,
        *(
            said({"email": email, **known}, key=f"{place}", consent=consent)
            for place, (email, known) in enumerate(PEOPLE.items())
        ),
    )
    yield services
    close(services)


def apply(services: Services, document: str) -> None:
    for _ in range(2):  # events of tests are planned by one of two versions
        configs.insert(
            services.db,
            hash=document.encode() + str(configs.newest_version(services.db)).encode(),
            document=document,
            templates={},
            compiled=compile_document(document, {}),
            identities={},
            actor="test",
        )


@pytest.fixture
def console(services: Services) -> Console:
    return Console(services)


@pytest.fixture
def deployment(services: Services, console: Console, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The functions behind HTTP, and the command line at 80 columns."""
    with served() as url:
        monkeypatch.setenv("DRUMBEAT_URL", url)
        monkeypatch.setenv("DRUMBEAT_KEY", console.key("read", "operate"))
        monkeypatch.setenv("COLUMNS", "80")
        yield url


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return int(ended.value.code or 0)


def printed(capsys: pytest.CaptureFixture[str]) -> str:
    return "".join(line for line in capsys.readouterr().out.splitlines(keepends=True) if not line.startswith('{"'))


def test_an_audience_is_counted_with_those_of_whom_it_is_not_known(console: Console) -> None:
    code, shown, _ = console.call("GET", "/v1/audiences/trials")

    assert code == 200
    assert {name: shown[name] for name in ("audience", "version", "leads", "matched", "undecided", "unknown")} == {
        "audience": "trials",
        "version": 2,
        "leads": 4,
        "matched": 2,
        "undecided": 1,
        "unknown": [{"field": "seats", "why": "is not a number", "people": 1}],
    }
    assert {each["address"] for each in shown["sample"]} == {"ada@example.com", "bob@example.com"}
    # What the audience asks for, and no more of the person.
    assert {"plan": "trial", "seats": 5} in [each["attributes"] for each in shown["sample"]]


def test_a_sample_is_as_large_as_asked_and_the_same_again(console: Console) -> None:
    samples = [console.call("GET", "/v1/audiences/everyone", sample=size)[1]["sample"] for size in ("0", "2", "3")]

    assert [len(each) for each in samples] == [0, 2, 3]
    assert samples[2][:2] == samples[1]


@pytest.mark.parametrize("sample", ["-1", "101", "many", "٣" * 3, "9" * 400, "1.5"])
def test_a_sample_of_another_size_is_refused(console: Console, sample: str) -> None:
    code, problem, _ = console.call("GET", "/v1/audiences/trials", sample=sample)

    assert (code, problem["detail"]) == (400, "sample goes from 0 to 100")


def test_an_audience_that_there_is_not_is_refused_with_those_that_there_are(console: Console) -> None:
    code, problem, _ = console.call("GET", "/v1/audiences/trails")

    assert (code, problem["detail"]) == (
        404,
        "there is no audience 'trails'; did you mean trials?. Nothing was changed",
    )
    assert console.call("GET", "/v1/audiences/trails/explain", lead="ada@example.com")[0] == 404
    assert console.call("GET", "/v1/leads", audience="trails")[0] == 404


def test_the_audiences_are_listed_as_they_are_written(console: Console) -> None:
    _, listed, _ = console.call("GET", "/v1/audiences")

    assert [each["name"] for each in listed["items"]] == ["everyone", "reached", "trials"]
    assert listed["items"][2]["condition"] == {
        "all": [
            {"field": "plan", "is": "trial"},
            {"field": "seats", "at_least": 3},
            {"not": {"happened": "clicked", "within": "30d"}},
        ]
    }


def test_a_person_is_explained_by_every_condition_and_what_it_saw(console: Console) -> None:
    _, told, _ = console.call("GET", "/v1/audiences/reached/explain", lead="eve@example.com")

    assert (told["verdict"], told["address"]) == (None, "eve@example.com")
    trials, news, site, bucket = told["tree"]["parts"]
    plan, seats, quiet = trials["parts"][0]["parts"]
    assert (trials["condition"], trials["verdict"]) == ({"audience": "trials"}, None)
    assert (plan["verdict"], plan["saw"]) == (True, "trial")
    assert (seats["verdict"], seats["saw"], seats["why"]) == (None, "n/a", "is not a number")
    assert (quiet["verdict"], quiet["parts"][0]["saw"]) == (True, 0)
    assert (news["verdict"], news["saw"]) == (True, "given")
    assert (site["verdict"], site["saw"]) == (True, True)
    assert (bucket["verdict"], 0 <= bucket["saw"] < 100) == (True, True)
    by_id, _ = console.call("GET", "/v1/audiences/reached/explain", lead=told["person"])[1], None
    assert by_id["tree"] == told["tree"]


@pytest.mark.parametrize(
    ("lead", "code"),
    [("nobody", 400), ("", 400), ("who@example.com", 404), ("00000000-0000-0000-0000-000000000000", 404)],
)
def test_who_has_no_lead_cannot_be_explained(console: Console, lead: str, code: int) -> None:
    assert console.call("GET", "/v1/audiences/trials/explain", lead=lead)[0] == code


def test_a_key_without_people_gets_counts_and_no_person(console: Console) -> None:
    key = console.call("POST", "/v1/keys", {"name": "blind", "scopes": ["read"]})[1]["token"]

    code, shown, _ = console.call("GET", "/v1/audiences/trials", key=key)

    assert (code, shown["matched"], len(shown["sample"])) == (200, 2, 2)
    assert not re.search('example.com|trial"|Ada', json.dumps(shown["sample"]))
    assert console.call("GET", "/v1/audiences/trials/explain", key=key, lead="ada@example.com")[0] == 403
    assert console.call("GET", "/v1/leads", key=key, audience="trials")[0] == 403


def test_the_people_of_an_audience_are_listed_page_by_page(console: Console, services: Services) -> None:
    _, first, _ = console.call("GET", "/v1/leads", audience="everyone", limit="3")
    apply(services, "version: 1\naudiences: {other: {source: site}}")  # it goes on as it began

    _, rest, _ = console.call("GET", "/v1/leads", audience="everyone", limit="3", cursor=first["next"])

    assert (len(first["items"]), len(rest["items"]), rest["next"]) == (3, 1, None)
    assert {each["address"] for each in first["items"] + rest["items"]} == set(PEOPLE)
    assert set(first["items"][0]) == {"id", "address", "attributes", "consent", "suppressed", "since", "changed"}


@pytest.mark.parametrize(
    "cursor", ["x", "1-2", "1-2-zz", f"{'9' * 30}-1798761600000000-00", f"1-{'9' * 30}-00", "1-0-00", "1-1-00-00"]
)
def test_a_cursor_that_is_none_is_refused(console: Console, cursor: str) -> None:
    assert console.call("GET", "/v1/leads", audience="everyone", cursor=cursor)[0] == 400


def test_an_audience_and_a_filter_do_not_go_together(console: Console) -> None:
    assert console.call("GET", "/v1/leads", audience="everyone", where="plan=trial")[0] == 400


@pytest.mark.usefixtures("deployment")
def test_show_counts_first_and_fits_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("audience", "show", "trials", "--sample", "1") == 0
    out = printed(capsys)

    assert out.splitlines()[0] == "2 of 4 leads in trials"
    assert "1 person left out: it is not known whether they are in" in out
    assert "  1 person: seats is not a number" in out
    assert re.search(r"^(ada|bob)@example.com +plan trial; seats [54]$", out, re.MULTILINE)
    assert run("audience", "show", "trials", "--json") == 0
    assert run("audience", "list") == 0
    assert "everyone  {field: plan, exists: true}" in printed(capsys)


@pytest.mark.usefixtures("deployment")
def test_explain_prints_a_tree_with_values(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("audience", "explain", "reached", "eve@example.com") == 0
    out = printed(capsys)

    assert out.startswith("eve@example.com is left out: whether they are in reached is not known\n")
    for words in (
        "not known  {audience: trials}",
        'yes  {field: plan, is: trial}  has "trial"',
        'not known  {field: seats, at_least: 3}  has "n/a", which is not a number',
        "no  {happened: clicked, within: 30d}  never",
        "yes  {list: news}  is given",
        "yes  {source: site}  named by it",
    ):
        assert words in out


@pytest.mark.usefixtures("deployment")
def test_an_audience_is_exported_without_who_is_suppressed(
    services: Services, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suppress("bob@example.com", reason="asked", actor="test", services=services)

    assert run("leads", "export", "--audience", "trials", "-o", str(tmp_path / "out.csv")) == 0

    with (tmp_path / "out.csv").open(encoding="utf-8-sig") as file:
        assert [row["email"] for row in csv.DictReader(file)] == ["ada@example.com"]
    assert "1 lead exported" in capsys.readouterr().err
    assert run("leads", "export", "--audience", "trials", "--list", "news") == 2
