"""A list by its name: what is asked of one that there is not is refused, with those that there are."""

from collections.abc import Collection

from drumbeat.core.consent import EVERY_LIST
from drumbeat.core.errors import Invalid
from drumbeat.core.suggestions import there_are
from drumbeat.ledger.database import Database
from drumbeat.people import lists_sql


def check(name: str, db: Database) -> None:
    """Raise Invalid when there is no such list, and never was: who was on one that was removed can still be found."""
    if name != EVERY_LIST and name not in (known := lists_sql.names(db)) and not lists_sql.ever(db, name):
        raise Invalid(unknown(name, known))


def unknown(name: str, known: Collection[str]) -> str:
    """Return the sentence about a list that there is not."""
    return f"There is no list {name[:64]!r}; {there_are(known)}."
