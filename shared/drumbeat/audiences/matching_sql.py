"""An audience as one parameterised SELECT: who is in it at an instant."""

from dataclasses import dataclass
from datetime import datetime

from psycopg.sql import SQL, Composed

from drumbeat.audiences.conditions_sql import Conditions
from drumbeat.core.configuration import Config

_MATCHING = SQL("SELECT leads.contact FROM {leads} WHERE {range} AND {verdict}")


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
    conditions = Conditions(config.audiences, at)
    verdict = conditions.verdict(config.audiences[name])
    statement = _MATCHING.format(leads=conditions.leads(), range=conditions.range(), verdict=verdict)
    return Matching(statement, conditions.parameters.values)
