import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from drumbeat.core.registry import Registry


@pytest.fixture
def things(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry[list[int]]]:
    (tmp_path / "some_thing.py").write_text("THING = [1]\nOTHER = [2]\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield Registry("thing", {"one": "some_thing:THING", "two": "some_thing:OTHER", "gone": "no_module:THING"})
    sys.modules.pop("some_thing", None)


def test_a_thing_is_imported_when_it_is_first_asked_for_and_stays_the_same(things: Registry[list[int]]) -> None:
    assert things.names() == ("one", "two", "gone")
    assert "some_thing" not in sys.modules

    assert things.get("one") == [1]
    assert things.get("one") is things.get("one")
    assert things.get("two") == [2]


def test_a_name_that_is_not_in_the_table_is_a_key_error(things: Registry[list[int]]) -> None:
    with pytest.raises(KeyError):
        things.get("three")


def test_what_is_registered_is_found_until_it_is_taken_out(things: Registry[list[int]]) -> None:
    things.register("three", "some_thing:OTHER")
    assert things.names()[-1] == "three"
    assert things.get("three") == [2]

    things.unregister("three")

    assert "three" not in things.names()
    with pytest.raises(KeyError):
        things.get("three")


def test_a_name_stands_for_one_thing(things: Registry[list[int]]) -> None:
    with pytest.raises(ValueError, match="there is a thing one already"):
        things.register("one", "some_thing:OTHER")

    assert things.get("one") == [1]
