"""What is wrong with a condition, and what it says of sources and fields."""

import re

import pytest

from drumbeat.planning.condition_checks import check_condition, check_mapping, condition_fields, pinned_sources

OPERATORS = "the operators are ==, !=, <, <=, >, >=, &&, ||"


@pytest.mark.parametrize(
    ("expression", "advice"),
    [
        ('source != "shop"', "a text stands in single quotes: 'shop'"),
        ('"shop" == source', "a text stands in single quotes: 'shop'"),
        ('payload.kind == "type"', "a text stands in single quotes: 'type'"),
        ('payload.list[?name == "x"] | [0]', "a text stands in single quotes: 'x'"),
        ('contains(payload.tags, "vip")', "a text stands in single quotes: 'vip'"),
        ("source == shop", "write 'shop' with single quotes if it is a text, payload.shop if it is a field"),
        ("sorce == 'x'", "did you mean source?"),
        ("email == 'x'", "did you mean payload.email?"),
        ("payload.ok == true", "true stands in backticks, `true`"),
        ("payload.list[?ok != false]", "false stands in backticks, `false`"),
        ("payload.x == null", "null stands in backticks, `null`"),
        ("payload.n == 3", "at character 14: a number stands in backticks: `3`"),
        ("payload.n > -3.5", "a number stands in backticks: `-3"),
        ("payload.a and payload.b", "write && for and, || for or, ! for not"),
        ("not payload.a", "write && for and, || for or, ! for not"),
        ("payload.x in ['a']", "contains(list, x) for in"),
        ("source = 'a'", OPERATORS),
        ("source === 'a'", OPERATORS),
        ("source <> 'a'", OPERATORS),
        ("payload.first-name == 'x'", 'payload."first-name"'),
        ("payload.x == “a”", "straight single quotes"),
        ("{{ payload.x }}", "it stands without {{ }}"),
        ("payload.id == `12345678901234567890`", "lies beyond 2^53 - 1"),
        ("payload.id == `[1e400]`", "lies beyond 2^53 - 1"),
    ],
)
def test_what_is_wrong_says_what_to_write(expression: str, advice: str) -> None:
    with pytest.raises(ValueError, match=re.escape(advice)):
        check_condition(expression)


@pytest.mark.parametrize(
    "expression",
    [
        "source != 'shop' && payload.ok == `true`",
        "payload.\"first-name\" == 'x'",
        "payload.list[?\"a b\" == 'x']",
        "payload.list[?price > cost]",
        "payload.a == payload.b",
        "type == 'FEEDBACK'",
        "payload.true == 'x'",
    ],
)
def test_what_is_right_is_taken(expression: str) -> None:
    assert check_condition(expression) == expression


def test_a_mapping_is_checked_the_same_way() -> None:
    assert check_mapping("data.items[?type == 'order'] | [0].id")
    with pytest.raises(ValueError, match="single quotes: 'order'"):
        check_mapping('data.items[?type == "order"] | [0].id')


@pytest.mark.parametrize(
    ("condition", "sources"),
    [
        ("source == 'a'", {"a"}),
        ("'a' == source && payload.x", {"a"}),
        ("source == 'a' || source == 'b'", {"a", "b"}),
        ("(source == 'a' || source == 'b') && payload.x == 'y'", {"a", "b"}),
        ("source == 'a' || payload.x == 'y'", set()),
        ("source != 'a'", set()),
        ("!(source == 'a')", set()),
        ("payload.source == 'a'", set()),
    ],
)
def test_the_only_sources_that_it_lets_through(condition: str, sources: set[str]) -> None:
    assert pinned_sources(condition) == sources


def test_the_fields_that_it_looks_at() -> None:
    condition = "payload.a == 'x' && starts_with(payload.b.c, 'y') || payload.list[?d == 'z'] && !(payload.\"e f\")"

    assert condition_fields(condition) == {"a", "b", "list", "e f"}
