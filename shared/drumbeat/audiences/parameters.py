"""The values of a statement: each becomes a parameter with a name that no other statement uses, and never its text."""

import json
from collections.abc import Sequence

from psycopg.sql import SQL, Composed, Placeholder

from drumbeat.core.audiences import Scalar

PREFIX = "audience_"  # of every name but `low` and `high`


class Parameters:
    """The values so far, by name; equal ones of one type are one."""

    def __init__(self) -> None:
        self.values: dict[str, object] = {}
        self._names: dict[tuple[str, str], str] = {}

    def text(self, value: str) -> Composed:
        """Return a place for a text."""
        return self._place(value, SQL("{}::text"))

    def texts(self, values: Sequence[str]) -> Composed:
        """Return a place for several texts."""
        return self._place(list(values), SQL("{}::text[]"))

    def json(self, value: Scalar) -> Composed:
        """Return a place for a value as the ledger keeps it."""
        return self._place(json.dumps(value), SQL("{}::jsonb"))

    def jsons(self, values: Sequence[Scalar]) -> Composed:
        """Return a place for several such values."""
        return self._place([json.dumps(value) for value in values], SQL("{}::jsonb[]"))

    def numbers(self, values: Sequence[float]) -> Composed:
        """Return a place for several numbers, exact as they are written."""
        return self._place([json.dumps(value) for value in values], SQL("{}::numeric[]"))

    def integer(self, value: int) -> Composed:
        """Return a place for a count."""
        return self._place(value, SQL("{}::bigint"))

    def instant(self, value: object) -> Composed:
        """Return a place for an instant."""
        return self._place(value, SQL("{}::timestamptz"))

    def bytes(self, value: bytes) -> Composed:
        """Return a place for bytes."""
        return self._place(value, SQL("{}::bytea"))

    def _place(self, value: object, form: SQL) -> Composed:
        name = self._names.setdefault((repr(form), repr(value)), f"{PREFIX}{len(self._names)}")
        self.values[name] = value
        return form.format(Placeholder(name))
