"""What is asked for in order is read in few lots, none of which is large."""

import pytest

from drumbeat.views import ahead
from drumbeat.views.ahead import Ahead


class Shelf:
    """Gives values by key, and remembers in which lots it was asked."""

    def __init__(self, **values: str) -> None:
        self.values = values
        self.lots: list[list[str]] = []

    def read(self, keys: list[str]) -> dict[str, str]:
        self.lots.append(keys)
        return {key: self.values[key] for key in keys if key in self.values}


def test_lots_are_as_large_as_they_may_be_and_hold_one_at_least(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "BYTES_AT_ONCE", 10)
    shelf = Shelf(a="A", b="B", c="C", d="D")
    values = Ahead([("a", 4), ("b", 6), ("c", 50), ("d", 1)], shelf.read)

    assert [values.get(key) for key in "abcd"] == ["A", "B", "C", "D"]
    assert shelf.lots == [["a", "b"], ["c"], ["d"]]


def test_what_is_left_out_is_not_read_and_what_is_gone_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "BYTES_AT_ONCE", 1)
    shelf = Shelf(c="C")
    values = Ahead([("a", 1), ("b", 1), ("c", 1)], shelf.read)

    assert [values.get("a"), values.get("other"), values.get("c")] == [None, None, "C"]
    assert shelf.lots == [["a"], ["c"]]
