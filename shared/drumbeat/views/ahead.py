"""Reads ahead what is asked for in a known order: in few statements what is small, and one by one what is large."""

from collections.abc import Callable, Hashable, Sequence

BYTES_AT_ONCE = 1024 * 1024


class Ahead[K: Hashable, V]:
    """The values of these keys, each with its bytes, which are asked for in this order."""

    def __init__(self, order: Sequence[tuple[K, int]], read: Callable[[list[K]], dict[K, V]]) -> None:
        self._order = order
        self._places = {key: place for place, (key, _) in enumerate(order)}
        self._read = read
        self._lot: dict[K, V] = {}

    def get(self, key: K) -> V | None:
        """Return the value of a key, None when there is none."""
        if key not in self._lot and key in self._places:
            self._lot = self._read(self._next(self._places[key]))
        return self._lot.get(key)

    def _next(self, place: int) -> list[K]:
        """Return the keys of the lot that begins there: at least one."""
        lot: list[K] = []
        size = 0
        for key, bytes in self._order[place:]:
            size += bytes
            if lot and size > BYTES_AT_ONCE:
                break
            lot.append(key)
        return lot
