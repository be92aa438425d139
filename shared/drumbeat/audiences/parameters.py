"""The values of a statement: each becomes a parameter with a name that no other statement uses, and never its text."""

import json
from collections.abc import Sequence

from psycopg.sql import SQL, Composed, Placeholder

from drumbeat.core.audiences import Scalar

PREFIX = "audience_"  # of every name but `low` and `high`


class Parameters:
    """The values so far, by name; equal ones are one."""

    def __init__(self) -> None:
        self.values: dict[str, object] = {}
        self._names: dict[tuple[type, str], str] = {}

    def text(self, value: str) -> Composed:
        """Return a place for a text."""
        return SQL("{}::text").format(self._place(value))

    def texts(self, values: Sequence[str]) -> Composed:
        """Return a place for several texts."""
        return SQL("{}::text[]").format(self._place(list(values)))

    def json(self, value: Scalar) -> Composed:
        """Return a place for a value as the ledger keeps it."""
        return SQL("{}::jsonb").format(self._place(json.dumps(value)))

    def jsons(self, values: Sequence[Scalar]) -> Composed:
        """Return a place for several such values."""
        return SQL("{}::jsonb[]").format(self._place([json.dumps(value) for value in values]))

    def numbers(self, values: Sequence[float]) -> Composed:
        """Return a place for several numbers, exact as they are written."""
        return SQL("{}::numeric[]").format(self._place([json.dumps(value) for value in values]))

    def integer(self, value: int) -> Composed:
        """Return a place for a count."""
        return SQL("{}::bigint").format(self._place(value))

    def instant(self, value: object) -> Composed:
        """Return a place for an instant."""
        return SQL("{}::timestamptz").format(self._place(value))

    def bytes(self, value: bytes) -> Composed:
        """Return a place for bytes."""
        return SQL("{}::bytea").format(self._place(value))

    def _place(self, value: object) -> Placeholder:
        known = (type(value), repr(value))
        name = self._names.setdefault(known, f"{PREFIX}{len(self._names)}")
        self.values[name] = value
        return Placeholder(name)
