"""How many leads are in an audience, and of how many a value of the wrong type leaves that open."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from psycopg.sql import SQL, Identifier

from drumbeat.audiences import attributes_sql
from drumbeat.audiences.conditions_sql import AllLeads
from drumbeat.core.audiences import Attribute, Node, Operator, expanded
from drumbeat.ledger.database import Database

# Everything inside is seen as of one instant, and planned for what is asked: all leads are read, in parallel.
_SETTINGS = """
    SELECT set_config('enable_seqscan', 'on', true), set_config('plan_cache_mode', 'force_custom_plan', true),
           set_config('jit', 'off', true), set_config('work_mem', '32MB', true)
"""
_SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
_LEADS = "SELECT count(*) AS people FROM leads"
_COUNTED = SQL("""
    SELECT count(*) FILTER (WHERE verdict) AS matched, count(*) FILTER (WHERE verdict IS NULL) AS undecided {open}
      FROM (SELECT {verdict} AS verdict {columns} FROM {leads} WHERE {may_hold}) AS judged
""")
_COLUMN = SQL(", {} AS {}")
_OPEN = SQL(", count(*) FILTER (WHERE verdict IS NULL AND {} IS NULL) AS {}")


@dataclass(frozen=True, slots=True)
class Unknown:
    """An attribute whose value left open whether these people are in."""

    field: str
    why: str
    people: int


@dataclass(frozen=True, slots=True)
class Counts:
    """How many leads there are, how many are in, and of how many it is not known: by attribute, one or several each."""

    leads: int
    matched: int
    undecided: int
    unknown: tuple[Unknown, ...]


@contextmanager
def snapshot(db: Database) -> Iterator[None]:
    """Run what is inside on the ledger as it is at one instant; nothing is locked."""
    with db.transaction():
        db.run(_SNAPSHOT)
        db.run(_SETTINGS)
        yield


def counts(db: Database, audiences: Mapping[str, Node], name: str, at: datetime) -> Counts:
    """Count all leads; inside a `snapshot`."""
    conditions = AllLeads(audiences, name, at)
    verdict = conditions.verdict(audiences[name])
    asked = {
        Unknown(leaf.field, attributes_sql.why(leaf), 0): conditions.attribute(leaf)
        for leaf in expanded(name, audiences)
        if isinstance(leaf, Attribute) and leaf.operator is not Operator.EXISTS
    }
    names = [Identifier(f"open_{place}") for place in range(len(asked))]
    statement = _COUNTED.format(
        open=SQL("").join(_OPEN.format(each, each) for each in names),
        columns=SQL("").join(map(_COLUMN.format, asked.values(), names)),
        verdict=verdict,
        may_hold=conditions.may_hold(),
        leads=conditions.leads(),
    )
    (row,) = db.run(statement, conditions.parameters.values)
    found = (replace(each, people=row[f"open_{place}"]) for place, each in enumerate(asked))
    unknown = tuple(each for each in found if each.people)
    return Counts(db.run(_LEADS)[0]["people"], row["matched"], row["undecided"], unknown)
