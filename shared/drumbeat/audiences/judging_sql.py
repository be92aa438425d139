"""One person and every condition of an audience: whether it holds, and what it saw."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.sql import SQL, Composable, Identifier

from drumbeat.audiences import attributes_sql, standing_sql
from drumbeat.audiences.conditions_sql import Conditions
from drumbeat.core.audiences import Attribute, Bucket, FromSource, Happened, InAudience, Leaf, Node, OnList, expanded
from drumbeat.ledger.database import Database

# Of two keys of one person, the one that has the lead.
FOUND = """
    SELECT leads.contact, contacts.person, leads.address ->> 'v' AS address
      FROM leads
      JOIN contacts ON contacts.key = leads.contact
     WHERE leads.contact = ANY (%(keys)s::bytea[] || ARRAY(SELECT key FROM contacts WHERE person = %(id)s::uuid))
     ORDER BY leads.changed DESC
     LIMIT 1
"""
_JUDGED = SQL("SELECT {columns} FROM {leads} WHERE {range}")
_COLUMNS = SQL("{} AS {}, {} AS {}")


@dataclass(frozen=True, slots=True)
class Found:
    """A person who has a lead."""

    contact: bytes
    person: UUID
    address: str


@dataclass(frozen=True, slots=True)
class Saw:
    """Whether a condition holds for a person, None where that is not known; and the value that decides it."""

    verdict: bool | None
    value: object


def find(db: Database, keys: Collection[bytes], id: UUID | None) -> Found | None:
    """Return a person by the keys of an address or by id; None: no lead is theirs."""
    rows = db.run(FOUND, {"keys": list(keys), "id": id})
    return Found(**rows[0]) if rows else None


def judge(db: Database, audiences: Mapping[str, Node], name: str, contact: bytes, at: datetime) -> dict[Leaf, Saw]:
    """Return what each condition of an audience, and of those that it refers to, says of a person."""
    conditions = Conditions(audiences, at)
    asked = [leaf for leaf in dict.fromkeys(expanded(name, audiences)) if not isinstance(leaf, InAudience)]
    columns = [
        _COLUMNS.format(
            conditions.verdict(leaf),
            Identifier(f"verdict_{place}"),
            _value(leaf, conditions),
            Identifier(f"value_{place}"),
        )
        for place, leaf in enumerate(asked)
    ]
    statement = _JUDGED.format(columns=SQL(", ").join(columns), leads=conditions.leads(), range=conditions.range())
    only = {"low": contact, "high": contact + b"\0"}
    (row,) = db.run(statement, {**conditions.parameters.values, **only})
    return {leaf: Saw(row[f"verdict_{place}"], row[f"value_{place}"]) for place, leaf in enumerate(asked)}


def _value(leaf: Leaf, conditions: Conditions) -> Composable:
    match leaf:
        case Attribute():
            return attributes_sql.value(leaf, conditions.parameters)
        case OnList(name):
            return SQL("consent_state(contacts.consents, {})").format(conditions.parameters.text(name))
        case Happened(counted):
            return conditions.happened(counted)
        case Bucket():
            return standing_sql.PLACE
        case FromSource() | InAudience():
            return conditions.verdict(leaf)
