"""A condition is shown as it is written."""

import pytest

from drumbeat.audiences.wording import written
from drumbeat.cli.conditions import condition
from drumbeat.configuration.check_audiences import Named, check_audiences
from drumbeat.configuration.yaml_lines import read
from drumbeat.core.audiences import Node, tree

NAMED = Named({"a", "b"}, {"news"}, {"digest"}, {"hello"})


@pytest.mark.parametrize(
    "text",
    [
        "{field: plan, is: trial}",
        "{field: address.city, is_not: Berlin}",
        "{field: [utm.source], starts_with: news}",
        "{field: seats, in: [1, 2.5, beta, true]}",
        '{field: zip, is: "10115"}',
        '{field: beta, contains: "true"}',
        '{field: name, is: "a: {b}"}',
        "{field: seats, at_most: 3}",
        "{field: plan, exists: false}",
        "{list: news}",
        "{source: site}",
        "{audience: b}",
        '{bucket: "12.5%"}',
        "{happened: clicked}",
        "{happened: clicked, within: 30d, campaign: digest, step: hello}",
        "{happened: clicked, within: 90m, at_least: 2, at_most: 4}",
        "{happened: opened, at_most: 0}",
        "{happened: opened, at_least: 1, at_most: 3}",
        "{all: [{list: news}, {not: {any: [{source: site}, {source: shop}]}}]}",
    ],
)
def test_what_is_written_is_shown_and_means_the_same_again(text: str) -> None:
    shown = condition(written(_read(text))).replace("\\[", "[")

    assert shown == text
    assert _read(shown) == _read(text)


def test_an_instant_is_shown_with_its_offset() -> None:
    assert written(_read("{field: since, after: 2026-01-31}")) == {
        "field": "since",
        "after": "2026-01-31T00:00:00+00:00",
    }


def _read(text: str) -> Node:
    document = read(f"audiences:\n  a: {text}\n", "drumbeat.yaml")
    stored = check_audiences(document.data["audiences"], NAMED, document, None)
    assert document.mistakes == []
    return tree(stored["a"])
