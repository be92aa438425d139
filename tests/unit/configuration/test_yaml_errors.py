"""What is no YAML is explained by what was probably meant, in its line."""

import pytest

from tests.unit.configuration.test_document import mistakes

INDENTED = "this line is indented below one that has its value already"
NEIGHBOURS = "this line is indented otherwise than its neighbours"


@pytest.mark.parametrize(
    ("text", "line", "expected"),
    [
        ("flows:\n  f:\n    on: X\n     when: y\n", 4, INDENTED),
        ("a:\n  - x: 1\n     y: 2\n", 3, INDENTED),
        ("version: 1\n accounts: {}", 2, INDENTED),
        ("flows:\n  f:\n    on: X\n   when: y\n", 4, NEIGHBOURS),
        ("a:\n  - x: 1\n   y: 2\n", 3, NEIGHBOURS),
        ("  version: 1\naccounts:\n", 2, "the fields of the top begin at the same place"),
        ("a:\n  b: 1\n  - c", 3, "a list item (-) among fields"),
        ("- a\nb: c", 2, "this line does not belong to the list above it"),
        ("a: b: c", 1, "a second colon in one line; put quotes"),
        ("when: source == 'a': b", 1, "a second colon in one line; put quotes"),
        ("a:b\nc: d", 2, "the line above has no space after its colon"),
        ("a:\n  b: 1\n  c\n  d: 2", 3, "a field without its colon and value"),
        ("a: 'x\nb: 1", 1, "a quote that is opened in this line is not closed"),
        ('a: "x" y', 1, "a text goes on after its closing quote"),
        ("a: @x", 1, "a text cannot begin with this character"),
        ("a: {x: 1\nb: 2", 2, "a bracket, comma or quote is missing near here"),
    ],
)
def test_the_mistake_is_named(text: str, line: int, expected: str) -> None:
    (found,) = mistakes(text)

    assert found.startswith(f"drumbeat.yaml:{line}: not YAML: {expected}")
