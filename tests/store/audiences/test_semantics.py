"""The statement of an audience says of each lead what the audience means."""

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.sql import SQL

from drumbeat.audiences import counting_sql, standing_sql
from drumbeat.audiences.parameters import Parameters
from drumbeat.core.audiences import Attribute, Node, Not, OnList, Operator
from drumbeat.ledger.database import Database
from tests.store.audiences import trees
from tests.store.audiences.people import NOW, UNSET, Person, Said, config, lead, matched
from tests.store.audiences.reference import compared, holds, is_given

FRESH = "TRUNCATE leads, contacts, event_contacts, events, plans, effects, feedback, consents CASCADE"
ANY = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@given(trees.people, trees.audiences)
@ANY
def test_each_lead_is_judged_as_the_audience_means_it(
    database: Database, owner: Database, people: list[Person], audiences: dict[str, Node]
) -> None:
    owner.run("SET session_replication_role = replica")  # rows that refer to others need none
    owner.run(FRESH)
    for person in people:
        lead(owner, person)
    version = replace(config({}), audiences=audiences)
    verdicts = {person.key: holds(audiences["outer"], person, audiences, NOW) for person in people}

    found = matched(database, version, "outer")
    with counting_sql.snapshot(database):
        counts = counting_sql.counts(database, audiences, "outer", NOW)

    assert found == {key for key, verdict in verdicts.items() if verdict}
    assert (counts.leads, counts.matched) == (len(people), len(found))
    assert counts.undecided == sum(verdict is None for verdict in verdicts.values())
    assert (counts.undecided > 0) == bool(counts.unknown)


VALUES = (
    *trees.HOSTILE,
    *trees.NUMBERS,
    *trees.TIMES,
    "true",
    "false",
    "beta",
    "alphabet",
    None,
    True,
    False,
    0,
    3,
    3.0,
    0.5,
)
WILD: tuple[object, ...] = (
    10**400,
    -(10**30),
    1e-300,
    [],
    {},
    [3],
    ["beta", 3, None],
    [["beta"]],
    {"city": "beta"},
    ["3"],
)
LEAVES = [
    *(Attribute(("x",), operator, asked) for operator in (Operator.IS, Operator.IS_NOT) for asked in ("beta", 3, True)),
    Attribute(("x",), Operator.IN, ("beta", 3)),
    Attribute(("x",), Operator.IN, (0.5, False)),
    Attribute(("x",), Operator.IN, ("beta", "3", True)),
    *(Attribute(("x",), Operator.CONTAINS, asked) for asked in ("beta", "a", 3, True)),
    Attribute(("x",), Operator.STARTS_WITH, "al"),
    *(Attribute(("x",), operator, 0.5) for operator in (Operator.AT_LEAST, Operator.AT_MOST)),
    *(Attribute(("x",), one, "2026-01-31T09:00:00+00:00") for one in (Operator.BEFORE, Operator.AFTER)),
    Attribute(("x",), Operator.EXISTS, True),
    Attribute(("x", "city"), Operator.IS, "beta"),
    Attribute(("x", "0"), Operator.EXISTS, True),
]


def test_no_value_raises_and_each_is_compared_as_it_is_meant(database: Database) -> None:
    people = [Person(f"{place:03}".encode(), {"x": value}) for place, value in enumerate((*VALUES, *WILD))]
    for person in (*people, Person(b"unset", {"x": UNSET}), Person(b"absent")):
        lead(database, person)
    people += [Person(b"unset"), Person(b"absent")]

    for leaf in LEAVES:
        version = replace(config({}), audiences={"is": leaf, "not": Not(leaf)})
        verdicts = {person.key: compared(leaf, person) for person in people}

        assert matched(database, version, "is") == {key for key, verdict in verdicts.items() if verdict is True}, leaf
        assert matched(database, version, "not") == {key for key, verdict in verdicts.items() if verdict is False}, leaf


STATES = SQL("""
    SELECT count(*) AS n FROM contacts WHERE ({given}) IS DISTINCT FROM (consent_state(consents, {list}) = 'given')
""")


@given(st.lists(st.lists(trees.facts, max_size=6), min_size=1, max_size=12))
@ANY
def test_consent_is_given_as_the_ledger_itself_says(
    database: Database, owner: Database, histories: list[list[Said]]
) -> None:
    owner.run(FRESH)
    for place, said in enumerate(histories):
        lead(owner, Person(bytes([place]), said=said))

    for name in trees.LISTS:
        parameters = Parameters()
        statement = STATES.format(given=standing_sql.given(parameters.text(name)), list=parameters.text(name))
        assert database.run(statement, parameters.values)[0]["n"] == 0
        expected = {bytes([place]) for place, said in enumerate(histories) if is_given(said, name)}
        assert matched(database, replace(config({}), audiences={"a": OnList(name)}), "a") == expected
