"""The connection cutter cuts where it says."""

import psycopg
import pytest

from drumbeat.ledger.database import Database
from tests.chaos.connection_cutter import ConnectionCutter, Cut

COUNT = "SELECT count(*) AS events FROM events"
INSERT = """
    INSERT INTO events (id, source, key, type, door, fingerprint, received_at)
    VALUES (drumbeat_id('a', 'b'), 'a', 'b', 'LEAD_CAPTURE', 'api', '', drumbeat_now())
"""


@pytest.mark.parametrize(("where", "kept"), [(Cut.BEFORE, 0), (Cut.AFTER, 1)])
def test_a_statement_is_carried_out_or_not_and_its_answer_is_lost(database: Database, where: Cut, kept: int) -> None:
    url = psycopg.conninfo.conninfo_to_dict(database.url)
    with ConnectionCutter(int(str(url["port"]))) as connection_cutter:
        behind = Database(psycopg.conninfo.make_conninfo(database.url, port=connection_cutter.port))
        behind.run(COUNT)
        connection_cutter.cut(where)

        with pytest.raises(psycopg.OperationalError):
            behind.run(INSERT)

        assert behind.run(COUNT) == [{"events": kept}]
        behind.close()


def test_what_is_not_to_be_cut_is_forwarded(database: Database) -> None:
    url = psycopg.conninfo.conninfo_to_dict(database.url)
    with ConnectionCutter(int(str(url["port"]))) as connection_cutter:
        behind = Database(psycopg.conninfo.make_conninfo(database.url, port=connection_cutter.port))

        connection_cutter.stall(0.1)

        assert behind.run("SELECT repeat('x', 1000000) AS text")[0]["text"] == "x" * 1_000_000
        behind.close()
