"""Which id is meant by its beginning, as a person copies it from a list."""

from collections.abc import Mapping
from typing import Literal, LiteralString
from uuid import UUID

from drumbeat.ledger.database import Database

CANDIDATES_SHOWN = 5

type Kind = Literal["event", "effect", "run", "parked event"]

# The ids that begin so are a range of the primary key. A parked event may stand there with several bodies.
_BEGINNING: LiteralString = """
    SELECT id
      FROM {table}
     WHERE id BETWEEN %(first)s::uuid AND %(last)s::uuid
     ORDER BY id
     LIMIT %(limit)s
"""
STATEMENTS: Mapping[Kind, LiteralString] = {
    "event": _BEGINNING.format(table="events"),
    "effect": _BEGINNING.format(table="effects"),
    "run": _BEGINNING.format(table="runs"),
    "parked event": """
    SELECT DISTINCT event_id AS id
      FROM parked
     WHERE event_id BETWEEN %(first)s::uuid AND %(last)s::uuid
     ORDER BY event_id
     LIMIT %(limit)s
""",
}


def beginning(db: Database, kind: Kind, digits: str) -> list[UUID]:
    """Return the first ids that begin with these digits: more than `CANDIDATES_SHOWN` where there are more."""
    bounds = {"first": UUID(digits.ljust(32, "0")), "last": UUID(digits.ljust(32, "f"))}
    return [row["id"] for row in db.run(STATEMENTS[kind], {**bounds, "limit": CANDIDATES_SHOWN + 1})]
