"""The same names in Python and in SQL."""

import random

from drumbeat.core import ids
from tests.conftest import TestDatabase

ALPHABET = "abz019 -_.:/@éßÿŁ漢字🙂\t\n\"'\\%"


def test_ids_are_the_same_in_python_and_sql_for_ten_thousand_inputs(database: TestDatabase) -> None:
    rng = random.Random(42)
    inputs = [["".join(rng.choices(ALPHABET, k=rng.randint(1, 40))) for _ in range(4)] for _ in range(10_000)]

    rows = database.run(
        "SELECT drumbeat_id(a, b) AS event, drumbeat_id(a, b, c, d) AS effect"
        "  FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[]) WITH ORDINALITY AS i (a, b, c, d, n) ORDER BY n",
        [list(column) for column in zip(*inputs, strict=True)],
    )

    assert [row["event"] for row in rows] == [ids.event_id(a, b) for a, b, _, _ in inputs]
    assert [row["effect"] for row in rows] == [ids.derive(*parts) for parts in inputs]
