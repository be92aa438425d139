"""A number comes out as it is written, or is a mistake with its line; what is read differently is said."""

import pytest

from drumbeat.configuration import yaml_lines
from drumbeat.configuration.document import compile_document
from drumbeat.core.errors import ConfigError
from tests.unit.configuration.test_document import step

BEYOND = "a number lies beyond 2^53 - 1, where JSON numbers lose digits; put quotes around it"


@pytest.mark.parametrize(
    ("written", "mistake"),
    [
        ("1e400", BEYOND),
        ("-1e400", BEYOND),
        ("1.5E+999", BEYOND),
        ("9007199254740992", BEYOND),
        ("-9007199254740993", BEYOND),
        ("123456789012345678", BEYOND),
        ("12345678901234567890", BEYOND),
        ("1e16", BEYOND),
        ("9" * 5000, BEYOND),
        ("1e-400", "a number so small that it would be 0; put quotes around it"),
        ("01067", "01067 would be sent as 1067; put quotes around it"),
        ("+4930123456", "+4930123456 would be sent as 4930123456; put quotes around it"),
        ("-0", "-0 would be sent as 0; put quotes around it"),
    ],
)
@pytest.mark.parametrize("place", ["body: {limit: VALUE}", "body: [[VALUE]]"])
def test_one_that_would_change_is_a_mistake_in_its_line(written: str, mistake: str, place: str) -> None:
    arguments = f"method: POST, path: /x,\n          {place.replace('VALUE', written)}"

    with pytest.raises(ConfigError) as refused:
        compile_document(step(f"{{id: a, account: site, action: call, with: {{{arguments}}}}}"), {})

    assert [str(one) for one in refused.value.mistakes] == [f"drumbeat.yaml:12: {mistake}"]


@pytest.mark.parametrize(
    ("written", "read"),
    [("0", 0), ("-7", -7), ("9007199254740991", 2**53 - 1), ("1.5", 1.5), ("0.0", 0.0), ("-1.25", -1.25)],
)
def test_any_other_is_itself(written: str, read: float) -> None:
    document = yaml_lines.read(f"a: {written}", "x")

    assert (document.data, document.mistakes, document.warnings) == ({"a": read}, [], [])
    assert type(document.data["a"]) is type(read)


@pytest.mark.parametrize("written", ["1.10", "1e5", ".5", "5.", "-0.0", "0e9"])
def test_another_spelling_is_taken_and_said(written: str) -> None:
    document = yaml_lines.read(f"a: {written}", "x")

    assert document.data == {"a": float(written)}
    assert str(document.data["a"]) != "-0.0"  # which Postgres does not keep
    assert [one.message for one in document.warnings] == [
        f"{written} is the number {document.data['a']!r} here; put quotes around it if the text is meant"
    ]


@pytest.mark.parametrize("written", [".inf", ".nan", "0x10", "1_000", "'1e400'", '"007"', "2026-01-01", "1e", "1 2"])
def test_what_is_no_number_is_text(written: str) -> None:
    document = yaml_lines.read(f"a: {written}", "x")

    assert document.data == {"a": written.strip("'\"")}
    assert document.mistakes == document.warnings == []


def test_what_aliases_repeat_is_bounded_in_characters_too() -> None:
    text = f"a: &a {'x' * 100_000}\nb: [{', '.join(['*a'] * 100)}]"

    assert [one.message for one in yaml_lines.read(text, "x").mistakes] == [
        "the document nests too deep, or repeats itself too much by aliases (*name); write it flatter"
    ]
