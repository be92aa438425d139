"""Who an audience matches."""

from psycopg.sql import SQL

from drumbeat.audiences import counting_sql
from drumbeat.audiences.matching_sql import matching
from drumbeat.core.audiences import DEEPEST, MOST_LEAVES
from drumbeat.ledger.database import Database
from tests.store.audiences.people import NOW, Person, config, lead, matched


def test_a_statement_is_a_part_of_another_and_restricted_to_a_range(database: Database) -> None:
    for key in (b"a", b"b", b"c", b"d"):
        lead(database, Person(key, {"plan": "trial"}))
    found = matching(config({"trials": {"field": ["plan"], "operator": "is", "value": "trial"}}), "trials", at=NOW)
    counted = SQL("WITH matching AS ({}) SELECT count(*) AS n, min(contact) AS first FROM matching")

    rows = database.run(counted.format(found.statement), {**found.parameters, "low": b"b", "high": b"d"})

    assert rows == [{"n": 2, "first": b"b"}]
    assert {name for name in found.parameters if not name.startswith("audience_")} == set()


def test_the_deepest_and_the_largest_audience_is_one_that_postgres_takes(database: Database) -> None:
    deep: dict[str, object] = {"field": ["plan"], "operator": "is", "value": "trial"}
    for _ in range(DEEPEST // 2):
        deep = {"all": [{"not": deep}]}
    wide = {"any": [{"field": [f"a{n}"], "operator": "at_least", "value": n} for n in range(MOST_LEAVES)]}
    lead(database, Person(b"ada", {"plan": "trial", "a7": "8"}))

    assert matched(database, config({"deep": deep, "wide": wide}), "deep") == {b"ada"}
    assert matched(database, config({"deep": deep, "wide": wide}), "wide") == {b"ada"}
    with counting_sql.snapshot(database):
        assert counting_sql.counts(database, config({"deep": deep}).audiences, "deep", NOW).matched == 1
