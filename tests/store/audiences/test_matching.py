"""Who an audience matches."""

from psycopg.sql import SQL

from drumbeat.audiences.matching_sql import matching
from drumbeat.ledger.database import Database
from tests.store.audiences.people import NOW, Person, config, lead


def test_a_statement_is_a_part_of_another_and_restricted_to_a_range(database: Database) -> None:
    for key in (b"a", b"b", b"c", b"d"):
        lead(database, Person(key, {"plan": "trial"}))
    found = matching(config({"trials": {"field": ["plan"], "operator": "is", "value": "trial"}}), "trials", at=NOW)
    counted = SQL("WITH matching AS ({}) SELECT count(*) AS n, min(contact) AS first FROM matching")

    rows = database.run(counted.format(found.statement), {**found.parameters, "low": b"b", "high": b"d"})

    assert rows == [{"n": 2, "first": b"b"}]
    assert {name for name in found.parameters if not name.startswith("audience_")} == set()
