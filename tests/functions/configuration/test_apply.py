"""Applying a configuration, through the console's door and from the command line."""

from pathlib import Path

import pytest

from drumbeat.delivery import attempts_sql, plans_sql
from drumbeat.ledger import configs
from drumbeat.ledger.database import Database
from drumbeat.services import Services
from drumbeat.wakeups.queue import WakeUp
from tests.conftest import TestDatabase
from tests.functions.cli.test_cli import Run, run, services
from tests.functions.console import Console
from tests.store.audiences.people import Person, lead
from tests.store.rows import LEASE, claimed, new_effect, opening, planned, recorded

__all__ = ["run", "services"]

DOCUMENT = """\
version: 1
accounts:
  mail:
    provider: mailgun
    settings: {domain: mg.example.com, from: "Ada <ada@example.com>"}
    secrets: {api_key: "env:MAIL_KEY"}
flows:
  welcome:
    on: LEAD_CAPTURE
    steps:
      - {id: hello, account: mail, action: send_email, with: {to: "{{ payload.email }}", template: welcome}}
"""
TEMPLATES = {"welcome.txt": "---\nsubject: Welcome\n---\nHello {{ payload.email }}\n"}


@pytest.fixture
def console(services: Services) -> Console:
    return Console(services)


def put(console: Console, document: str = DOCUMENT, **more: object) -> tuple[int, dict[str, object]]:
    code, body, _ = console.call("PUT", "/v1/config", {"document": document, "templates": TEMPLATES, **more})
    return code, body


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "drumbeat.yaml").write_text(DOCUMENT)
    (tmp_path / "templates").mkdir()
    for name, text in TEMPLATES.items():
        (tmp_path / "templates" / name).write_text(text)
    return tmp_path


def test_a_document_becomes_the_version_in_force_and_again_changes_nothing(
    console: Console, database: TestDatabase
) -> None:
    first, again = put(console), put(console)

    assert (first[0], first[1]["version"], first[1]["changed"]) == (200, 1, True)
    assert (again[0], again[1]["version"], again[1]["changed"]) == (200, 1, False)
    assert (first[1]["accounts"], first[1]["flows"], first[1]["templates"]) == (["mail"], ["welcome"], ["welcome"])
    _, stored, _ = console.call("GET", "/v1/config")
    assert (stored["document"], stored["templates"], stored["appliedBy"]) == (DOCUMENT, TEMPLATES, "person:ada")
    loaded = configs.newest(database)
    assert loaded is not None
    assert loaded.accounts["mail"].settings["domain"] == "mg.example.com"


def test_an_attribute_that_no_newer_lead_has_is_said_and_the_audience_is_taken(
    console: Console, database: TestDatabase
) -> None:
    lead(database, Person(b"ada", {"plan": "trial", "seats": 3}))
    audiences = "audiences:\n  some: {all: [{field: plan, is: trial}, {field: saets, exists: true}]}\n"

    code, body = put(console, DOCUMENT + audiences)

    assert (code, body["audiences"]) == (200, ["some"])
    assert "no newer lead has an attribute saets: it counts as absent; did you mean seats?" in str(body["warnings"])


def test_mistakes_are_all_named_with_their_place_and_nothing_is_stored(
    console: Console, database: TestDatabase
) -> None:
    code, problem = put(console, DOCUMENT.replace("account: mail", "account: post").replace("domain:", "domian:"))

    mistakes = problem["mistakes"]
    assert isinstance(mistakes, list)
    assert code == 400
    assert {mistake["line"] for mistake in mistakes} >= {5, 11}
    assert all(mistake["file"] == "drumbeat.yaml" and mistake["message"] for mistake in mistakes)
    assert configs.newest_version(database) is None


def test_events_that_waited_for_a_configuration_are_notified(console: Console, database: TestDatabase) -> None:
    events = sorted(recorded(database) for _ in range(3))

    _, applied = put(console)

    assert (applied["rung"], applied["next"]) == (3, None)
    assert console.notified() == [WakeUp(events=tuple(events))]
    due_index = console.services.due_index.due(console.services.clock.now().timestamp() + 60.0)
    assert {f"event:{event}" for event in events} <= due_index.members


def test_many_of_them_are_notified_in_chunks(
    console: Console, database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drumbeat.configuration.apply.EVENTS_A_REQUEST", 2)
    events = sorted(recorded(database) for _ in range(3))

    _, first = put(console)
    _, second = put(console, cursor=first["next"])

    assert (first["rung"], second["rung"], second["next"]) == (2, 1, None)
    assert [event for wake_up in console.notified() for event in wake_up.events] == events


def test_a_secret_that_a_version_gave_to_another_is_shown_to_no_receiver(console: Console) -> None:
    """Also where vendors are imitated: who applies could otherwise read a vendor's key."""
    bearer = """
version: 1
accounts:
  mine:
    provider: http
    settings: {base_url: "https://mine.example", headers: {Authorization: "Bearer {{ secret.token }}"}}
    secrets: {token: secret:REFERENCE}
"""
    vendor = 'version: 1\naccounts:\n  crm: {provider: hubspot, secrets: {token: "ssm:/drumbeat/dev/accounts/hubspot"}}'
    source = "version: 1\nsources:\n  shop: {webhook: github, secrets: [secret:shop], type: LEAD_CAPTURE}"

    applied = [put(console, each)[0] for each in (vendor, source, "version: 1", bearer.replace("REFERENCE", "mine"))]
    refused = [put(console, bearer.replace("REFERENCE", name)) for name in ("HubSpot", "shop")]
    moved = put(console, bearer.replace("REFERENCE", "mine").replace("mine.example", "other.example"))

    assert applied == [200, 200, 200, 200]
    for (code, problem), owner in zip(
        [*refused, moved], ("hubspot", "source shop", "https://mine.example"), strict=True
    ):
        assert (code, f"is a secret for {owner}" in str(problem["mistakes"])) == (400, True)


def test_an_account_with_open_outcomes_keeps_its_login(console: Console, database: TestDatabase) -> None:
    put(console)
    effect = new_effect(recorded(database))
    planned(database, effect)
    mine = claimed(database, effect.id)
    identity = _identity(database, console.services)
    attempts_sql.open_attempts(database, [opening(mine, identity=identity)])

    other, problem = put(console, DOCUMENT.replace("mg.example.com", "news.example.com"))
    same, _ = put(console, DOCUMENT.replace("Ada <", "Ada L. <"))

    assert (other, same) == (409, 200)
    assert "drumbeat effects --account mail --status unknown" in str(problem["detail"])


def test_failed_flows_are_planned_again_after_the_next_version(console: Console, database: TestDatabase) -> None:
    put(console)
    event = recorded(database)
    plans_sql.record(database, [plans_sql.NewPlan(event, 1, b"hash", {"welcome": "no such field"})], [], LEASE)

    _, applied = put(console, DOCUMENT + "# corrected\n")

    assert applied["version"] == 2
    assert console.notified() == [WakeUp(events=(event,))]


def test_the_doctor_asks_for_secrets_only_where_they_are_needed(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = DOCUMENT.replace("settings: {domain", 'settings: {base_url: "https://mail.example.com", domain')

    put(console)
    sandboxed = _secrets(console)
    put(console, own)
    missing = _secrets(console)
    monkeypatch.setenv("MAIL_KEY", "k")
    present = _secrets(console)

    assert sandboxed == {"secrets of account mail": True}
    assert missing == {"secret of account mail, api_key": False}
    assert present == {"secret of account mail, api_key": True}


# ---------------------------------------------------------------- from the command line


def test_a_folder_is_applied_with_its_templates(run: Run, folder: Path, database: TestDatabase) -> None:
    first = run("apply", str(folder))
    again = run("apply", str(folder / "drumbeat.yaml"))

    assert (first.code, again.code) == (0, 0)
    assert "configuration 1 is in force" in first.out
    assert "nothing changed" in again.out
    assert configs.newest_version(database) == 1
    assert "mg.example.com" in run("config").out
    assert run("config", "--document").out.strip() == DOCUMENT.strip()


def test_lists_are_named_beside_the_other_parts_of_a_configuration(run: Run, folder: Path) -> None:
    (folder / "drumbeat.yaml").write_text(f"{DOCUMENT}lists: {{news: {{title: News}}, club: {{title: Club}}}}\n")
    run("apply", str(folder))

    shown = run("apply", str(folder)).out

    assert "  lists      club, news" in shown
    assert "  accounts   mail" in shown


def test_what_would_change_is_shown_and_not_applied(run: Run, folder: Path, database: TestDatabase) -> None:
    first = run("apply", "--diff", str(folder))
    run("apply", str(folder))
    same = run("apply", "--diff", str(folder))
    (folder / "drumbeat.yaml").write_text(DOCUMENT.replace("mg.example.com", "mail.example.com"))
    (folder / "templates" / "new.txt").write_text("New\n")

    shown = run("apply", "--diff", str(folder))
    for_programs = run("--json", "apply", "--diff", str(folder)).json
    stored = configs.newest_version(database)
    applied = run("apply", str(folder))

    assert "no configuration is in force:" in first.out
    assert "added    account mail" in first.out
    assert "no difference" in same.out
    assert 'changed  account mail: settings.domain "mg.example.com" -> "mail.example.com"' in shown.out
    assert "added    template new.txt" in shown.out
    assert "nothing was applied" in shown.out
    assert (for_programs["version"], len(for_programs["changes"])) == (1, 2)
    assert stored == 1
    assert "configuration 2 is in force" in applied.out
    assert "added    template new.txt" in applied.out


def test_a_folder_without_a_configuration_is_named(run: Run, folder: Path) -> None:
    (folder / "drumbeat.yaml").unlink()

    refused = run("apply", str(folder))

    assert refused.code == 2
    assert "Go to the folder that holds your configuration" in refused.err


@pytest.mark.parametrize("here", [[], ["--check"], ["--diff"]])
def test_mistakes_are_printed_as_an_editor_reads_them(run: Run, folder: Path, here: list[str]) -> None:
    file = folder / "drumbeat.yaml"
    file.write_text(DOCUMENT.replace("account: mail", "account: post"))

    refused = run("apply", str(folder), *here)

    assert refused.code == 1
    assert refused.err.startswith(f"{file}:11: ")
    assert "nothing was stored" in refused.err


def test_a_check_for_a_local_stack_says_what_aws_would_refuse(run: Run, folder: Path) -> None:
    file = folder / "drumbeat.yaml"
    before = run("apply", str(folder), "--check")
    file.write_text(
        DOCUMENT.replace("accounts:\n", "accounts:\n  office: {provider: http, secrets: {signing_key: secret:key}}\n")
    )

    checked = run("apply", str(folder), "--check")

    assert (before.code, before.out) == (0, "no mistakes")
    assert checked.code == 0
    assert "AWS, where there is no sandbox, would refuse" in checked.out
    assert "setting base_url is missing" in checked.out


def test_a_mistake_in_a_template_names_the_template(run: Run, folder: Path) -> None:
    template = folder / "templates" / "welcome.txt"
    template.write_text("---\nsubject: Welcome\n---\n{{ payload. }}\n")

    refused = run("apply", str(folder))

    assert refused.code == 1
    assert f"{template}:" in refused.err


def test_what_cannot_be_read_is_reported_plainly(run: Run, folder: Path) -> None:
    (folder / "drumbeat.yaml").write_bytes(b"\xff\xfe")

    assert run("apply", str(folder)).code == 1
    assert run("apply", str(folder / "nothing.yaml")).code == 2


def _identity(db: Database, services: Services) -> str:
    from drumbeat.providers.login import login

    config = configs.newest(db)
    assert config is not None
    return login(config.accounts["mail"], services.settings.sandbox_url).identity


def _secrets(console: Console) -> dict[str, bool]:
    _, checks, _ = console.call("GET", "/v1/doctor")
    return {check["name"]: check["ok"] for check in checks["items"] if check["name"].startswith("secret")}
