"""JMESPath under a meter: what is ordinary is found, and what would grow without end is refused in words."""

import pytest

from drumbeat.core.compatibility import SEMANTICS
from drumbeat.planning import queries
from drumbeat.planning.arguments import Unusable, text
from drumbeat.planning.condition_checks import check_condition
from drumbeat.planning.conditions import Undecidable, holds
from drumbeat.planning.context import Variables
from drumbeat.planning.queries import Unsearchable, search
from drumbeat.planning.text_checks import faults

DATA = {"items": [{"n": n, "tags": ["a", "b"]} for n in range(100)], "name": "Ada", "long": "x" * 100_000}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("name", "Ada"),
        ("items[?n > `97`].n", [98, 99]),
        ("items[].tags[] | length(@)", 200),
        ("sort_by(items, &n)[-1].n", 99),
        ("[name, missing]", ["Ada", None]),
        ("{a: name}", {"a": "Ada"}),
        ("join(', ', items[0].tags)", "a, b"),
        ("missing[]", None),
        ("name[]", None),
        ("max_by(items, &n).n", 99),
    ],
)
def test_ordinary_expressions_find_what_they_found(expression: str, expected: object) -> None:
    assert search(expression, DATA) == expected


@pytest.mark.parametrize(
    "expression",
    [
        "[@,@]" + " | [@,@]" * 60,
        "[@,@]" + " | [@,@][]" * 60,
        "{a:@,b:@}" + " | {a:@,b:@}" * 60 + " | to_string(@)",
        "long | [@,@]" + " | [join('', @), join('', @)]" * 40,
        "[long, items[].tags[]] | join(@[0], @[1])",
    ],
)
def test_what_grows_without_end_is_too_much_work(expression: str) -> None:
    with pytest.raises(Unsearchable, match="too much work"):
        search(expression, {**DATA, "long": "x" * 200_000})


def test_the_steps_of_one_search_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "MOST_STEPS", 150)

    assert search("items[:20].n", DATA) == list(range(20))
    with pytest.raises(Unsearchable, match="too much work"):
        search("items[].n", {**DATA, "items": DATA["items"] * 2})  # type: ignore[operator]


def test_a_condition_that_is_too_much_work_fails_its_flow_in_words() -> None:
    with pytest.raises(Undecidable, match="too much work"):
        holds("payload" + " | [@,@]" * 60 + " == `1`", {"type": "t", "source": "s", "payload": DATA})


@pytest.mark.parametrize(
    "source",
    [
        "{% for a in 'x' %}" * 25 + "{% endfor %}" * 25,
        "{% if 1 %}" * 200 + "{% endif %}" * 200,
        "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
    ],
)
def test_a_text_that_nests_too_deep_is_refused_by_apply_and_costs_only_its_effect(source: str) -> None:
    ((_, message),) = faults(source)

    assert "nests too deep" in message
    with pytest.raises(Unusable, match="subject: its text nests too deep"):
        text(source, "subject", Variables({}, SEMANTICS))


@pytest.mark.parametrize("expression", ["payload" + " | @" * 900, "!" * 2000 + "payload", "payload" + " | @" * 101])
def test_an_expression_that_nests_too_deep_is_refused_by_apply(expression: str) -> None:
    with pytest.raises(ValueError, match=r"nests over 100 levels|not JMESPath"):
        check_condition(expression)
