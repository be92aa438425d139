"""How long a statement may take before the ledger counts as unreachable."""

import psycopg
import pytest

from drumbeat.ledger.database import Database
from tests.conftest import TestDatabase

SLOW = "SELECT 1 AS one FROM pg_sleep(0.5)"


def test_what_reads_much_by_design_is_waited_for(database: TestDatabase) -> None:
    hasty = Database(database.url, patience=0.1)

    with hasty.patient(60):
        assert hasty.run(SLOW) == [{"one": 1}]
    with pytest.raises(psycopg.OperationalError):
        hasty.run(SLOW)


def test_without_a_limit_there_is_none_inside_either(database: TestDatabase) -> None:
    endless = Database(database.url)

    with endless.patient(0.1):
        assert endless.run(SLOW) == [{"one": 1}]
    endless.close()
