"""Verify through its route and its command: scope, cursor, metric, exit codes."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
from redis import Redis

from drumbeat.audit import verify
from drumbeat.cli.main import main
from drumbeat.delivery import plans_sql
from drumbeat.local.servers import Valkey
from drumbeat.services import Services
from tests.conftest import TestDatabase
from tests.functions.api.test_api import applied
from tests.functions.console import Console, build_services, close
from tests.functions.deployment import served
from tests.store.rows import LEASE, recorded


@pytest.fixture
def services(
    database: TestDatabase, redis: "Redis", valkey: Valkey, sqs_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Services]:
    services = build_services(database, valkey.url, sqs_endpoint, monkeypatch)
    yield services
    close(services)


@pytest.fixture
def deployment(services: Services, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The functions behind HTTP; the command line knows where, and has a key that may only read."""
    with served() as url:
        monkeypatch.setenv("DRUMBEAT_URL", url)
        monkeypatch.setenv("DRUMBEAT_KEY", Console(services).key("read"))
        monkeypatch.setenv("COLUMNS", "200")
        yield url


def without_effects(db: TestDatabase, count: int = 1) -> list[UUID]:
    """Record events that no flow acts on, with the plan that says so."""
    applied(db)
    events = [recorded(db, body=b'{"payload": {}}') for _ in range(count)]
    nothing = bytes.fromhex("4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945")
    plans_sql.record(db, [plans_sql.NewPlan(event, 1, nothing, {}) for event in events], [], LEASE)
    return events


def falsified(db: TestDatabase, event: UUID) -> None:
    """Change a recorded plan, as only the owner can."""
    with psycopg.connect(db.admin_url, autocommit=True) as owner:
        owner.execute("UPDATE plans SET hash = 'other' WHERE event_id = %s", (event,))


def in_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have chunks of two events."""

    def chunk(services: Services, *, after: UUID | None = None) -> object:
        return verify(services, after=after, limit=2)

    monkeypatch.setattr("drumbeat.audit.verify", chunk)


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["verify", *arguments])
    return int(ended.value.code or 0)


def document(printed: str) -> dict[str, Any]:
    """Return the JSON that the command printed, among the lines that the functions log."""
    own = [line for line in printed.splitlines() if not line.startswith('{"')]
    parsed: dict[str, Any] = json.loads("\n".join(own))
    return parsed


def test_a_chunk_names_violations_and_where_the_next_begins(
    services: Services, database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_pairs(monkeypatch)
    events = sorted(without_effects(database, 3))
    falsified(database, events[2])
    console = Console(services)

    code, first, _ = console.call("GET", "/v1/verify", key=console.key("read"))
    _, second, _ = console.call("GET", "/v1/verify", cursor=first["next"])

    assert code == 200
    assert first == {
        "items": [],
        "checked": {"events": 2, "effects": 0, "attempts": 0, "parked": 0},
        "next": str(events[1]),
    }
    assert second["next"] is None
    (item,) = second["items"]
    assert (item["invariant"], item["kind"], item["subject"], item["id"]) == (
        "I9", "plan-hash", "event", str(events[2])
    )  # fmt: skip


def test_verifying_needs_the_right_to_read_and_a_cursor_of_ours(services: Services) -> None:
    console = Console(services)

    assert console.call("GET", "/v1/verify", key=console.key("operate"))[0] == 403
    assert console.call("GET", "/v1/verify", cursor="next")[0] == 400


def test_violations_are_counted_for_an_alarm(
    services: Services, database: TestDatabase, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "drumbeat-test")
    console = Console(services)
    (event,) = without_effects(database)
    console.call("GET", "/v1/verify")
    before = capfd.readouterr().out
    falsified(database, event)

    console.call("GET", "/v1/verify")

    assert "LedgerViolations" not in before
    (metric,) = [json.loads(line) for line in capfd.readouterr().out.splitlines() if "LedgerViolations" in line]
    assert metric["LedgerViolations"] == [1.0]
    assert metric["service"] == "drumbeat-test"


def test_a_sound_ledger_is_exit_0(
    deployment: str, database: TestDatabase, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    in_pairs(monkeypatch)
    without_effects(database, 5)

    code = run()

    assert code == 0
    assert "no violation in 5 events, 0 effects, 0 attempts" in capfd.readouterr().out


def test_a_violation_is_exit_1_and_is_shown(
    deployment: str, database: TestDatabase, capfd: pytest.CaptureFixture[str]
) -> None:
    event, _ = without_effects(database, 2)
    falsified(database, event)

    code = run()

    printed = capfd.readouterr().out
    assert code == 1
    assert f"{event}" in printed
    assert "makes another plan of it now" in printed
    assert "1 violation in 2 events" in printed


def test_programs_get_one_document_for_all_chunks(
    deployment: str, database: TestDatabase, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    in_pairs(monkeypatch)
    events = without_effects(database, 3)
    falsified(database, events[0])

    code = run("--json")

    answer = document(capfd.readouterr().out)
    assert code == 1
    assert answer["checked"] == {"events": 3, "effects": 0, "attempts": 0, "parked": 0}
    assert [item["id"] for item in answer["items"]] == [str(events[0])]


def test_a_ledger_that_cannot_be_verified_is_exit_1(
    deployment: str, database: TestDatabase, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DRUMBEAT_KEY", "nonsense")

    code = run()

    assert code == 1
    assert "no violation" not in capfd.readouterr().out
