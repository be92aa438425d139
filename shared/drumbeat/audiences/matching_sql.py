"""An audience as one parameterised SELECT: who is in it at an instant."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from psycopg.sql import SQL, Composable, Composed, Identifier

from drumbeat.audiences import attributes_sql, history_sql
from drumbeat.audiences.history_sql import HIGH, LOW
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
    Leaf,
    Node,
    Not,
    OnList,
)
from drumbeat.core.configuration import Config

# As consent_state(consents, list) = 'given', of which each row would cost a sort.
GIVEN = SQL("""
    CASE WHEN contacts.consents -> {list} -> 'd' IS NULL AND contacts.consents #> '{{*,d}}' IS NULL
         THEN coalesce((contacts.consents -> {list} #>> '{{m,0}}')::bigint
                       < coalesce((contacts.consents -> {list} #>> '{{o,0}}')::bigint, 9223372036854775807), false)
         WHEN contacts.consents #> '{{*,d}}' IS NULL THEN contacts.consents -> {list} #>> '{{d,1}}' = 'given'
         WHEN contacts.consents -> {list} -> 'd' IS NULL THEN contacts.consents #>> '{{*,d,1}}' = 'given'
         WHEN (contacts.consents -> {list} #>> '{{d,0}}')::bigint > (contacts.consents #>> '{{*,d,0}}')::bigint
         THEN contacts.consents -> {list} #>> '{{d,1}}' = 'given'
         WHEN (contacts.consents -> {list} #>> '{{d,0}}')::bigint < (contacts.consents #>> '{{*,d,0}}')::bigint
         THEN contacts.consents #>> '{{*,d,1}}' = 'given'
         ELSE contacts.consents -> {list} #>> '{{d,1}}' = 'given' AND contacts.consents #>> '{{*,d,1}}' = 'given'
    END
""")
IN_BUCKET = SQL("sha256('drumbeat:bucket'::bytea || leads.contact) < {}")

_MATCHING = SQL("SELECT leads.contact FROM {leads} WHERE {range} AND {verdict}")
_LEADS = SQL("leads JOIN contacts ON contacts.key = leads.contact")
_JOINED = SQL("LEFT JOIN ({}) AS {} ON {}.contact = leads.contact")


@dataclass(frozen=True, slots=True)
class Matching:
    """A SELECT of the `contact` of each lead in an audience, for use as a part of another statement.

    `low` and `high` are parameters that the other statement gives beside these: the contacts from `low` on and before
    `high`, None: without an end. A range costs what is in it.
    """

    statement: Composed
    parameters: dict[str, object]


def matching(config: Config, name: str, *, at: datetime) -> Matching:
    """Return who is in an audience at an instant, from which `within` counts back.

    Raises KeyError when the configuration has no audience of that name.
    """
    compiled = Compiled(config.audiences, at)
    verdict = compiled.verdict(config.audiences[name])
    statement = _MATCHING.format(leads=compiled.leads(), range=IN_RANGE, verdict=verdict)
    return Matching(statement, compiled.parameters.values)


IN_RANGE = SQL("leads.contact >= {} AND leads.contact < {}").format(LOW, HIGH)


class Compiled:
    """Conditions as expressions over one FROM clause, in which each thing that is asked of the history stands once."""

    def __init__(self, audiences: Mapping[str, Node], at: datetime) -> None:
        self._audiences, self._at = audiences, at
        self._histories: dict[Counted | FromSource, Identifier] = {}
        self.parameters = Parameters()

    def leads(self) -> Composed:
        """Return what follows FROM: once every condition was asked for."""
        joined = [_JOINED.format(self._history(asked), alias, alias) for asked, alias in self._histories.items()]
        return SQL(" ").join([_LEADS, *joined])

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
        return SQL("({})").format(self._leaf(node))

    def happened(self, counted: Counted) -> Composed:
        """Return how often something happened."""
        return SQL("coalesce({}.n, 0)").format(self._alias(counted))

    def _leaf(self, leaf: Leaf) -> Composable:
        match leaf:
            case Attribute():
                return attributes_sql.verdict(leaf, self.parameters)
            case OnList(name):
                return GIVEN.format(list=self.parameters.text(name))
            case FromSource():
                return SQL("{}.contact IS NOT NULL").format(self._alias(leaf))
            case Happened(counted, at_least, at_most):
                often = [SQL("{} >= {}").format(self.happened(counted), self.parameters.integer(at_least))]
                if at_most is not None:
                    often.append(SQL("{} <= {}").format(self.happened(counted), self.parameters.integer(at_most)))
                return SQL(" AND ").join(often)
            case Bucket(percent):
                return _bucket(percent, self.parameters)
            case InAudience(audience):
                return self.verdict(self._audiences[audience])

    def _alias(self, asked: Counted | FromSource) -> Identifier:
        return self._histories.setdefault(asked, Identifier(f"history_{len(self._histories)}"))

    def _history(self, asked: Counted | FromSource) -> Composed:
        if isinstance(asked, FromSource):
            return history_sql.from_source(asked.source, self.parameters)
        return history_sql.counts(asked, self._at, self.parameters)


def _bucket(percent: float, parameters: Parameters) -> Composable:
    """Compare a hash of the contact, of which no other part of an audience depends, with a part of all hashes."""
    share = int(Decimal(repr(percent)) * 2**64 / 100)
    if share >= 2**64:
        return SQL("true")
    return IN_BUCKET.format(parameters.bytes(share.to_bytes(8)))
