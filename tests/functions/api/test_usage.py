"""What a month took, measured in a real ledger, and the bill made of it."""

import json
from datetime import timedelta

import pytest

from drumbeat.cli.main import main
from drumbeat.ledger.database import Database
from drumbeat.views import usage
from tests.conftest import TestDatabase
from tests.store.rows import recorded, waiting


def at(owner: Database, minutes: float) -> None:
    """Let the ledger's clock stand some minutes after the start."""
    owner.run("UPDATE clock SET shift = make_interval(secs => %s)", [minutes * 60])


def test_an_empty_ledger_took_nothing(database: TestDatabase) -> None:
    used = usage(database)

    assert (used.events, used.effects, used.awake_seconds) == (0, 0, 0.0)
    assert used.ledger_bytes > 0


def test_only_the_last_month_counts(database: TestDatabase, owner: Database) -> None:
    at(owner, -31 * 24 * 60)
    recorded(database)
    at(owner, 0)
    waiting(database)

    used = usage(database)

    assert (used.events, used.effects) == (1, 1)
    assert used.until - used.since < timedelta(hours=1)


def test_a_database_is_awake_for_five_minutes_after_each_event_and_not_twice(
    database: TestDatabase, owner: Database
) -> None:
    for minutes in (-60, -58, -30):  # two close together, one by itself
        at(owner, minutes)
        recorded(database)
    at(owner, 0)

    awake = usage(database).awake_seconds / 60

    assert awake == pytest.approx(2 + 5 + 5, abs=0.2)


def test_a_bill_without_a_deployment_calls_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["cost", "--events", "15000", "--json", "--url", "http://127.0.0.1:1"])

    choices = json.loads(capsys.readouterr().out)["choices"]
    assert not ended.value.code
    assert choices["Neon + Upstash"]["total"] <= 12
