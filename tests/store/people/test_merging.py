"""The functions by which views of people are merged: in whatever order, grouping and number of times, the same."""

import json
import uuid
from functools import reduce
from itertools import permutations
from random import Random
from typing import Any

import pytest

from drumbeat.ledger.database import Database
from tests.conftest import TestDatabase

EVENTS = sorted(str(uuid.UUID(int=n << 120)) for n in range(1, 6))


def call(db: Database, function: str, *arguments: Any) -> Any:
    """Call a function on documents."""
    documents = ", ".join(["%s::jsonb"] * len(arguments))
    sql: Any = f"SELECT {function}({documents})::text AS made"
    return json.loads(db.run(sql, [json.dumps(each) for each in arguments])[0]["made"])


def lead(random: Random) -> dict[str, Any]:
    """Return entries as events make them: of one event and name there is one."""
    made = {}
    for name in random.sample([f"a{n}" for n in range(90)], random.randint(0, 70)):
        event, at = random.choice(EVENTS), random.randint(1, 3)
        made[name] = {"v": f"{name} of {event} at {at}", "t": at, "e": event}
    return made


def entry(random: Random) -> dict[str, Any]:
    event, at = random.choice(EVENTS), random.randint(1, 3)
    return {"v": f"{event} at {at}", "t": at, "e": event}


def consents(random: Random) -> dict[str, Any]:
    return {
        name: {
            slot: [random.randint(1, 3), kind, random.choice(EVENTS)]
            for slot, kind in (
                ("d", random.choice(["given", "withdrawn"])),
                ("m", "given"),
                ("p", "pending"),
                ("o", "pending"),
            )
            if random.random() < 0.7
        }
        or {"p": [1, "pending", EVENTS[0]]}
        for name in random.sample(["news", "offers", "*"], random.randint(0, 3))
    }


@pytest.mark.parametrize(
    ("function", "make"), [("lead_merged", lead), ("lead_newer", entry), ("consents_merged", consents)]
)
def test_merging_knows_no_order_no_grouping_and_no_number_of_times(
    database: TestDatabase, function: str, make: Any
) -> None:
    random = Random(function)
    for _ in range(15):
        one, two, three = make(random), make(random), make(random)
        whole = call(database, function, call(database, function, one, two), three)

        assert call(database, function, one, two) == call(database, function, two, one)
        assert call(database, function, one, call(database, function, two, three)) == whole
        assert call(database, function, whole, one) == whole


def test_the_aggregates_are_the_same_merge(database: TestDatabase) -> None:
    random = Random(7)
    leads, entries, said = ([make(random) for _ in range(5)] for make in (lead, entry, consents))

    for aggregate, function, values in (
        ("lead_merge", "lead_merged", leads),
        ("lead_newest", "lead_newer", entries),
        ("consents_merge", "consents_merged", said),
    ):
        sql: Any = f"SELECT {aggregate}(v)::text AS made FROM unnest(%s::jsonb[]) AS v"
        made = json.loads(database.run(sql, ([json.dumps(value) for value in values],))[0]["made"])
        assert made == reduce(lambda one, other, f=function: call(database, f, one, other), values)  # type: ignore[misc]


def test_the_newest_counts_and_of_the_same_instant_the_later_id(database: TestDatabase) -> None:
    old, new = {"v": "old", "t": 1, "e": EVENTS[4]}, {"v": "new", "t": 2, "e": EVENTS[0]}
    same = {"v": "same instant", "t": 2, "e": EVENTS[1]}

    assert call(database, "lead_merged", {"plan": new}, {"plan": old}) == {"plan": new}
    assert call(database, "lead_merged", {"plan": new}, {"plan": same}) == {"plan": same}
    assert call(database, "lead_newer", new, same) == same


def test_of_more_than_64_attributes_the_oldest_is_left_out_and_comes_back_when_it_is_said_anew(
    database: TestDatabase,
) -> None:
    full = {f"a{n:02}": {"v": n, "t": 10 + n, "e": EVENTS[0]} for n in range(64)}
    newest = {"late": {"v": 1, "t": 100, "e": EVENTS[1]}}

    merged = call(database, "lead_merged", full, newest)

    assert merged.keys() == full.keys() - {"a00"} | {"late"}
    again = {"a00": {"v": "again", "t": 101, "e": EVENTS[2]}}
    assert call(database, "lead_merged", merged, again).keys() == full.keys() - {"a01"} | {"late"}


def state(db: Database, *facts: tuple[str, str, bool, int], of: str = "news") -> set[str]:
    """Return the states that these facts (list, kind, by the person, minute) give, in every order."""
    found = set()
    events = [(list_name, kind, by, at, EVENTS[place]) for place, (list_name, kind, by, at) in enumerate(facts)]
    for order in permutations(events):
        (row,) = db.run(
            "SELECT consent_state(consents_merge(consent_fact(list, kind, by_person, to_timestamp(at * 60), event)"
            " ORDER BY place), %s) AS state"
            " FROM unnest(%s::text[], %s::text[], %s::bool[], %s::int[], %s::uuid[]) WITH ORDINALITY"
            " AS f (list, kind, by_person, at, event, place)",
            (of, *map(list, zip(*order, strict=True))),
        )
        found.add(row["state"])
    return found


@pytest.mark.parametrize(
    ("facts", "stands"),
    [
        ([("news", "pending", True, 1)], "pending"),
        ([("news", "given", False, 1)], "given"),
        ([("news", "given", True, 1)], "given"),
        ([("news", "pending", True, 1), ("news", "given", True, 2)], "given"),
        ([("news", "given", True, 1), ("news", "withdrawn", True, 2)], "withdrawn"),
        ([("news", "withdrawn", True, 1), ("news", "given", True, 2)], "given"),
        ([("news", "withdrawn", True, 2), ("news", "given", True, 2)], "withdrawn"),  # of the same instant
        ([("news", "withdrawn", False, 1), ("news", "given", False, 2)], "withdrawn"),  # no machine gives back
        ([("news", "given", False, 1), ("news", "withdrawn", True, 2), ("news", "given", False, 3)], "withdrawn"),
        ([("news", "withdrawn", True, 1), ("news", "pending", True, 2)], "withdrawn"),  # until it is confirmed
        ([("news", "given", True, 1), ("*", "withdrawn", True, 2)], "withdrawn"),
        ([("news", "given", False, 1), ("*", "withdrawn", True, 1)], "withdrawn"),
        ([("*", "withdrawn", True, 1), ("news", "given", True, 2)], "given"),
        ([("*", "withdrawn", True, 2), ("news", "given", True, 2)], "withdrawn"),
        ([("offers", "withdrawn", True, 2), ("news", "given", False, 1)], "given"),
        ([("news", "pending", True, 1), ("news", "given", False, 2)], "pending"),  # who was asked answers
        ([("news", "given", False, 1), ("news", "pending", True, 2)], "given"),
        ([("news", "given", False, 2), ("news", "pending", True, 1), ("news", "pending", True, 3)], "pending"),
        ([("news", "given", False, 1), ("news", "pending", True, 1)], "pending"),
    ],
)
def test_how_consent_stands_follows_from_what_was_said_and_not_from_when_it_came(
    database: TestDatabase, facts: list[tuple[str, str, bool, int]], stands: str
) -> None:
    assert state(database, *facts) == {stands}


def test_of_whom_nothing_is_known_there_is_no_consent(database: TestDatabase) -> None:
    assert database.run("SELECT consent_state('{}', 'news') AS state") == [{"state": "none"}]
    assert state(database, ("*", "withdrawn", True, 1), of="a list that came later") == {"withdrawn"}
