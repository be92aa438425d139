"""Conditions of audiences in words."""

from typing import Any

import pytest

from drumbeat.console.conditions import Line, saw, words, written


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ({"field": "plan", "is": "pro"}, 'plan is "pro"'),
        ({"field": ["utm.source", "x"], "in": ["a", 2, True]}, 'utm.source › x is one of "a", 2, true'),
        ({"field": "plan", "exists": True}, "plan is known"),
        ({"field": "plan", "exists": False}, "plan is not known"),
        ({"field": "seats", "at_least": 3}, "seats is at least 3"),
        ({"list": "news"}, "agreed to the list news"),
        ({"source": "shop"}, "an event of the source shop names them"),
        ({"audience": "trials"}, "is in the audience trials"),
        ({"bucket": "12.5%"}, "is in the same 12.5% of all people each time"),
        ({"happened": "clicked"}, "clicked at least once"),
        ({"happened": "soft_bounced", "at_most": 0}, "soft bounced never"),
        ({"happened": "opened", "at_most": 1}, "opened at most once"),
        ({"happened": "opened", "at_least": 1, "at_most": 3}, "opened 1 to 3 times"),
        (
            {"happened": "opened", "within": "30d", "campaign": "digest", "step": "mail", "at_least": 2},
            "opened at least 2 times within 30d, in the campaign digest, by the step mail",
        ),
    ],
)
def test_a_condition_is_a_sentence(condition: dict[str, Any], said: str) -> None:
    assert words(condition) == said


def test_groups_hold_their_parts() -> None:
    line = written({"all": [{"list": "news"}, {"not": {"any": [{"audience": "trials"}]}}]})

    assert line == Line(
        "all of these",
        parts=[
            Line("agreed to the list news"),
            Line(
                "not this",
                parts=[Line("at least one of these", parts=[Line("is in the audience trials", audience="trials")])],
            ),
        ],
    )


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        ("happened", 0, "never"),
        ("happened", 2000, "2,000 times"),
        ("bucket", 12.5, "stands at 12.5%"),
        ("field", None, "has none"),
        ("field", [1], "has 1"),
        ("source", False, "not named by it"),
        ("list", "pending", "is pending"),
    ],
)
def test_what_was_seen_is_said(kind: str, value: object, said: str) -> None:
    assert saw(kind, value) == said
