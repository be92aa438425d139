"""Things of one kind by name, each imported when it is first asked for: what is not used costs nothing at start."""

from collections.abc import Mapping
from importlib import import_module
from typing import cast


class Registry[T]:
    """A table from names to where each thing is defined, written `module:attribute`."""

    def __init__(self, kind: str, table: Mapping[str, str]) -> None:
        self._kind = kind
        self._table = dict(table)
        self._loaded: dict[str, T] = {}

    def names(self) -> tuple[str, ...]:
        """Return every name, in the order of registration; nothing is imported."""
        return tuple(self._table)

    def get(self, name: str) -> T:
        """Return the thing of that name, imported at its first use. Raises KeyError when the name is not known."""
        if name not in self._loaded:
            module, _, attribute = self._table[name].partition(":")
            self._loaded[name] = cast(T, getattr(import_module(module), attribute))
        return self._loaded[name]

    def register(self, name: str, place: str) -> None:
        """Add the thing that is defined at `module:attribute`. Raises ValueError when the name is taken."""
        if name in self._table:
            raise ValueError(f"there is a {self._kind} {name} already")
        self._table[name] = place

    def unregister(self, name: str) -> None:
        """Take a name out again, as if it had never been registered. Raises KeyError when the name is not known."""
        del self._table[name]
        self._loaded.pop(name, None)
