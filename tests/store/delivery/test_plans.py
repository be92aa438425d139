"""Plans: recorded once for an event, with all their effects."""

from tests.conftest import TestDatabase
from tests.store.rows import journal, new_effect, planned, recorded


def test_an_effect_due_at_birth_is_claimed_in_the_statement_that_records_it(database: TestDatabase) -> None:
    effect = new_effect(recorded(database), claim=True)

    (row,) = planned(database, effect)

    assert row["status"] == "claimed"
    assert journal(database, effect.id) == [">waiting", "waiting>claimed"]


def test_a_second_plan_of_the_same_event_adds_nothing(database: TestDatabase) -> None:
    event = recorded(database)
    planned(database, new_effect(event, "hello"))

    born = planned(database, new_effect(event, "another"))

    assert born == []
    assert database.run("SELECT count(*) AS n FROM effects") == [{"n": 1}]
