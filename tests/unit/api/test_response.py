"""How much fits into an answer is counted as Lambda counts it."""

import json
from dataclasses import dataclass

import pytest

from drumbeat.api import response
from drumbeat.api.response import Room, reply, weight
from drumbeat.local.front import MAX_PAYLOAD_BYTES


@dataclass(frozen=True)
class Item:
    """Something that is shown."""

    some_text: str


@pytest.mark.parametrize("text", ["plain", '"quoted"', "\0\n\\", "é \U0001f600", "half \ud83d"])
def test_an_item_weighs_what_it_adds_to_the_answer(text: str) -> None:
    """The answer is JSON of which the body is a text; the quotes around that are counted with each item."""
    lists = [[Item(text)] * count for count in (2, 3)]

    bodies = [json.dumps(reply(items).body, ensure_ascii=False).encode() for items in lists]

    assert len(bodies[1]) - len(bodies[0]) == weight(Item(text)) - len('""') + len(", ")


def test_a_room_is_full_once_and_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(response, "ANSWER_BYTES", 3 * weight("four"))
    fits = Room()

    assert [fits("four") for _ in range(4)] == [True, True, True, False]
    assert not fits("")


def test_the_items_of_a_page_leave_room_in_an_answer() -> None:
    assert response.ANSWER_BYTES <= MAX_PAYLOAD_BYTES // 2
