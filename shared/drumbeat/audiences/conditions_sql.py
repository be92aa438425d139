"""The tree of an audience as one expression over one FROM clause: true, false or NULL for each lead."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import override

from psycopg.sql import SQL, Composable, Composed, Identifier

from drumbeat.audiences import attributes_sql, history_sql, standing_sql
from drumbeat.audiences.parameters import Parameters
from drumbeat.core.audiences import (
    AllOf,
    AnyOf,
    Attribute,
    Bucket,
    Counted,
    FromSource,
    Happened,
    InAudience,
    Node,
    Not,
    OnList,
)

_LEADS = SQL("leads")
_CONTACTS = SQL("JOIN contacts ON contacts.key = leads.contact")
_JOINED = SQL("LEFT JOIN ({}) AS {} ON {}.contact = leads.contact")
# Wide rows end here, and so do those that their attributes decide: OFFSET keeps the planner from carrying them on.
_JUDGED = SQL("(SELECT leads.contact {columns} FROM leads {conditions} OFFSET 0) AS leads")
_COLUMN = SQL(", {} AS {}")
_MAY_HOLD = SQL("({}) IS NOT FALSE")


class Conditions:
    """Conditions as expressions over one FROM clause, in which each thing that is asked of the history stands once."""

    def __init__(self, audiences: Mapping[str, Node], at: datetime, *, whole: bool = False) -> None:
        """`whole`: over all leads, and not those of a range."""
        self.parameters = Parameters()
        self._audiences, self._at, self._whole = audiences, at, whole
        self._asks_contacts = False
        self._histories: dict[Counted | FromSource, Identifier] = {}

    def leads(self) -> Composed:
        """Return what follows FROM, once every condition was asked for."""
        joined = [_JOINED.format(self._history(asked), alias, alias) for asked, alias in self._histories.items()]
        return SQL(" ").join([self._rows(), *([_CONTACTS] if self._asks_contacts else []), *joined])

    def range(self) -> Composable:
        """Return whether a row of leads is in the range."""
        return history_sql.within(SQL("leads.contact"), whole=self._whole)

    def verdict(self, node: Node) -> Composed:
        """Return whether a condition holds for a row of leads: true, false, or NULL."""
        match node:
            case AllOf(parts):
                return SQL("({})").format(SQL(" AND ").join(map(self.verdict, parts)))
            case AnyOf(parts):
                return SQL("({})").format(SQL(" OR ").join(map(self.verdict, parts)))
            case Not(part):
                return SQL("(NOT {})").format(self.verdict(part))
            case InAudience(audience):
                return self.verdict(self._audiences[audience])
            case Attribute():
                return SQL("({})").format(self.attribute(node))
            case OnList(name):
                self._asks_contacts = True
                return SQL("({})").format(standing_sql.given(self.parameters.text(name)))
            case FromSource():
                return SQL("({}.contact IS NOT NULL)").format(self._alias(node))
            case Happened(counted):
                return SQL("({})").format(standing_sql.often(node, self.happened(counted), self.parameters))
            case Bucket(percent):
                return SQL("({})").format(standing_sql.in_bucket(percent, self.parameters))

    def attribute(self, attribute: Attribute) -> Composed:
        """Return whether an attribute is as asked."""
        return attributes_sql.verdict(attribute, self.parameters)

    def happened(self, counted: Counted) -> Composed:
        """Return how often something happened."""
        return SQL("coalesce({}.n, 0)").format(self._alias(counted))

    def _rows(self) -> Composable:
        return _LEADS

    def _alias(self, asked: Counted | FromSource) -> Identifier:
        return self._histories.setdefault(asked, Identifier(f"history_{len(self._histories)}"))

    def _history(self, asked: Counted | FromSource) -> Composed:
        if isinstance(asked, FromSource):
            return history_sql.from_source(asked.source, self.parameters, whole=self._whole)
        return history_sql.counts(asked, self._at, self.parameters, whole=self._whole)


class AllLeads(Conditions):
    """The same over all leads. What attributes say is read once, and who is out by that goes no further."""

    def __init__(self, audiences: Mapping[str, Node], name: str, at: datetime) -> None:
        super().__init__(audiences, at, whole=True)
        self._name = name
        self._attributes: dict[Attribute, Identifier] = {}

    @override
    def attribute(self, attribute: Attribute) -> Composed:
        name = self._attributes.setdefault(attribute, Identifier(f"attribute_{len(self._attributes)}"))
        return SQL("leads.{}").format(name)

    def may_hold(self) -> Composed:
        """Return whether a row of leads is in or that is not known: by each condition where it is cheapest."""
        parts = self._conjuncts(self._audiences[self._name])
        return SQL(" AND ").join(_MAY_HOLD.format(self.verdict(part)) for part in parts)

    @override
    def _rows(self) -> Composable:
        judged = Conditions(self._audiences, self._at, whole=True)
        judged.parameters = self.parameters
        conjuncts = self._conjuncts(self._audiences[self._name])
        decisive = [_MAY_HOLD.format(judged.verdict(part)) for part in conjuncts if self._is_local(part)]
        if not self._attributes and not decisive:
            return super()._rows()
        columns = [_COLUMN.format(judged.attribute(each), name) for each, name in self._attributes.items()]
        where = SQL("WHERE {}").format(SQL(" AND ").join(decisive)) if decisive else SQL("")
        return _JUDGED.format(columns=SQL("").join(columns), conditions=where)

    def _conjuncts(self, node: Node) -> Iterator[Node]:
        """Yield the conditions without any of which no lead is in."""
        match node:
            case AllOf(parts):
                for part in parts:
                    yield from self._conjuncts(part)
            case InAudience(audience):
                yield from self._conjuncts(self._audiences[audience])
            case _:
                yield node

    def _is_local(self, node: Node) -> bool:
        """Whether a row of leads alone decides it."""
        match node:
            case AllOf(parts) | AnyOf(parts):
                return all(map(self._is_local, parts))
            case Not(part):
                return self._is_local(part)
            case InAudience(audience):
                return self._is_local(self._audiences[audience])
        return isinstance(node, Attribute | Bucket)
