"""`drumbeat preview`: templates on disk, filled with made-up values, a file's, or what is known of a person."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from drumbeat.cli.main import main
from drumbeat.services import Services
from tests.functions.api.test_leads import console, deployment, services
from tests.store.people.history import said, tell

__all__ = ["console", "deployment", "services"]

DOCUMENT = """version: 1
defaults: {postal_address: "Fernwood GmbH, Berlin"}
lists: {news: {title: The Monday note}}
"""
LETTER = """---
subject: "Hi {{ lead.plan }}"
preheader: "About {{ lead.plan }}"
---
<body><p>{{ lead.email }} reads {{ list.title }}.</p>
<a href="{{ unsubscribe_url }}">Leave</a> {{ postal_address }}</body>
"""

type Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    folder = tmp_path / "campaigns"
    (folder / "templates").mkdir(parents=True)
    (folder / "drumbeat.yaml").write_text(DOCUMENT)
    (folder / "templates/letter.html").write_text(LETTER)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["preview", *arguments])
        printed = capfd.readouterr()
        own = [line for line in printed.out.splitlines() if not line.startswith('{"')]  # what the functions log
        return int(ended.value.code or 0), "\n".join(own), printed.err

    return run


def shown(out: str) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(out)
    return made


def test_a_template_is_shown_with_made_up_values_and_without_a_deployment(run: Run, tmp_path: Path) -> None:
    code, out, _ = run("letter")

    assert code == 0
    assert out.splitlines()[:4] == ["Hi Plan", "About Plan", "", "ada@example.com reads The Monday note."]
    assert "Leave (https://example.com/u/sample) Fernwood GmbH, Berlin" in out
    assert "ok   text part: 10 words" in out
    assert "look dark mode: nothing is said of it" in out
    file = tmp_path / ".drumbeat/preview/letter.html"
    assert "HTML: .drumbeat/preview/letter.html" in out
    assert "About Plan" in file.read_text()
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


SAMPLES = [
    ("a.json", '{"lead": {"email": "b@x.example", "plan": "team"}}'),
    ("a.yaml", "lead: {plan: team, email: b@x.example}"),
]


@pytest.mark.parametrize(("name", "text"), SAMPLES)
def test_a_sample_file_gives_the_values(run: Run, tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)

    made = shown(run("letter", "--sample", name, "--json")[1])

    assert (made["subject"], made["preheader"]) == ("Hi team", "About team")
    assert made["text"].startswith("b@x.example reads The Monday note.")
    assert {each["name"] for each in made["checks"]} == {"text part", "links", "images", "size", "dark mode"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("lead: {email: a@b.example}", "it cannot be filled with these values: subject: its text uses lead.plan"),
        ("laed: {}", "a text sees no laed; did you mean lead?"),
        ("[]", "must hold variables"),
        ("lead: {", "must hold variables"),
    ],
)
def test_a_sample_that_does_not_fit_says_so(run: Run, tmp_path: Path, text: str, expected: str) -> None:
    (tmp_path / "a.yaml").write_text(text)

    code, out, err = run("letter", "--sample", "a.yaml")

    assert (code > 0, out) == (True, "")
    assert expected in err
    assert not (tmp_path / ".drumbeat").exists()


def test_a_template_with_mistakes_is_not_filled(run: Run, tmp_path: Path) -> None:
    templates = tmp_path / "campaigns/templates"
    (templates / "l").mkdir()
    (templates / "bad.html").write_text('{% extends "l/base.html" %}')
    (templates / "l/base.html").write_text("\n{{ nobdy }}")

    code, _, err = run("bad")

    assert code == 1
    assert "it cannot be filled yet. Nothing was written\ncampaigns/templates/l/base.html:2: a text sees" in err
    assert run("letter")[0] == 0  # of which the mistake is not


def test_a_name_of_no_template_is_said_to_be_so(run: Run) -> None:
    code, _, err = run("lettr")

    assert (code, "there is no template lettr; did you mean letter?" in err) == (2, True)


def test_a_lead_gives_what_the_deployment_knows_of_it(run: Run, services: Services, deployment: str) -> None:
    tell(services, said({"email": "bob+1@example.com", "plan": "trial <b>"}, key="a"))

    made = shown(run("letter", "--lead", "bob+1@example.com", "--json")[1])

    assert made["subject"] == "Hi trial <b>"
    assert made["text"].startswith("bob+1@example.com reads")
    assert "About trial &lt;b&gt;" in made["html"]


def test_a_person_of_whom_nothing_is_known_is_said_to_be_so(run: Run, services: Services, deployment: str) -> None:
    code, out, err = run("letter", "--lead", "eve@example.com")

    assert (code, out) == (1, "")
    assert "no event, effect or suppression names this person" in err
