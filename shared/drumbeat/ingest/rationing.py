"""Counts what anyone can cause as often as they like, so that it fills no log: one line a kind and minute."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterator

EVERY_SECONDS = 60.0
MOST_KINDS = 500  # that are counted apart; sources are as few as the configuration has


class Ration[Kind: Hashable]:
    """Lets the first of a kind pass, and then once a minute how many there were since."""

    def __init__(self, elapsed: Callable[[], float]) -> None:
        self._elapsed = elapsed
        self._waiting: Counter[Kind] = Counter()
        self._passed_at: dict[Kind, float] = {}

    def add(self, kind: Kind, number: int = 1) -> None:
        """Count some more; of a kind that is one too many, nothing is remembered."""
        if kind in self._passed_at or len(self._passed_at) < MOST_KINDS:
            self._waiting[kind] += number
            self._passed_at.setdefault(kind, -EVERY_SECONDS)

    def due(self) -> Iterator[tuple[Kind, int]]:
        """Take what may pass now. Counts that a process still holds when it ends are lost."""
        now = self._elapsed()
        for kind in [kind for kind in self._waiting if now - self._passed_at[kind] >= EVERY_SECONDS]:
            self._passed_at[kind] = now
            yield kind, self._waiting.pop(kind)
