"""What `apply` takes as an audience, and what it refuses."""

import json
from collections.abc import Collection

import pytest

from drumbeat.configuration.document import compile_document
from drumbeat.core.audiences import (
    DEEPEST,
    MOST_LEAVES,
    AllOf,
    AnyOf,
    Attribute,
    Bucket,
    Counted,
    FromSource,
    Happened,
    InAudience,
    Node,
    Not,
    OnList,
    Operator,
)
from drumbeat.core.compatibility import AUDIENCES
from drumbeat.core.configuration import Config
from drumbeat.core.errors import ConfigError

HEAD = """version: 1
accounts: {mail: {provider: resend, settings: {from: a@mg.example.com}, secrets: {api_key: env:MAIL}}}
lists: {newsletter: {title: News}}
campaigns: {digest: {schedule: rate(1 day)}}
flows:
  f:
    on: CAMPAIGN_TRIGGER
    steps: [{id: hello, account: mail, action: send_email, with: {to: x@y.example, subject: s, text: t}}]
audiences:
"""


def read(audiences: str, attributes: Collection[str] | None = None) -> dict[str, Node]:
    known = None if attributes is None else (lambda: attributes)
    compiled = compile_document(HEAD + audiences, {}, attributes=known)
    return dict(Config.load(1, json.loads(json.dumps(compiled))).audiences)


def mistakes(audiences: str) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        compile_document(HEAD + audiences, {})
    return [str(mistake) for mistake in refused.value.mistakes]


def warnings(audiences: str, attributes: Collection[str]) -> list[str]:
    found: list[str] = []
    compile_document(HEAD + audiences, {}, warn=lambda one: found.append(str(one)), attributes=lambda: attributes)
    return found


def test_a_tree_is_what_it_says() -> None:
    trees = read("""
  quiet:
    all:
      - {field: plan, is: trial}
      - {field: seats, at_least: 3}
      - {list: newsletter}
      - not: {happened: clicked, within: 30d}
      - any: [{field: country, in: [DE, AT, CH]}, {field: tags, contains: beta}]
""")

    assert trees["quiet"] == AllOf(
        (
            Attribute(("plan",), Operator.IS, "trial"),
            Attribute(("seats",), Operator.AT_LEAST, 3),
            OnList("newsletter"),
            Not(Happened(Counted("clicked", 30 * 86_400.0), 1, None)),
            AnyOf(
                (
                    Attribute(("country",), Operator.IN, ("DE", "AT", "CH")),
                    Attribute(("tags",), Operator.CONTAINS, "beta"),
                )
            ),
        )
    )


@pytest.mark.parametrize(
    ("written", "leaf"),
    [
        ("{field: address.city, is_not: Berlin}", Attribute(("address", "city"), Operator.IS_NOT, "Berlin")),
        ("{field: [utm.source], starts_with: news}", Attribute(("utm.source",), Operator.STARTS_WITH, "news")),
        ("{field: ok, exists: false}", Attribute(("ok",), Operator.EXISTS, False)),
        ("{field: n, at_most: 2.5}", Attribute(("n",), Operator.AT_MOST, 2.5)),
        ("{field: d, before: 2026-01-31}", Attribute(("d",), Operator.BEFORE, "2026-01-31T00:00:00+00:00")),
        (
            "{field: d, after: '2026-01-31T09:00:00+02:00'}",
            Attribute(("d",), Operator.AFTER, "2026-01-31T07:00:00+00:00"),
        ),
        ("{source: site}", FromSource("site")),
        ('{bucket: "12.5%"}', Bucket(12.5)),
        ("{happened: opened, at_most: 0}", Happened(Counted("opened"), 0, 0)),
        ("{happened: opened, at_least: 2, at_most: 4}", Happened(Counted("opened"), 2, 4)),
        (
            "{happened: delivered, campaign: digest, step: hello}",
            Happened(Counted("delivered", None, "digest", "hello"), 1, None),
        ),
        ("{happened: LEAD_CAPTURE}", Happened(Counted("LEAD_CAPTURE"), 1, None)),
    ],
)
def test_a_leaf_is_what_it_says(written: str, leaf: Node) -> None:
    assert read(f"  a: {written}\n  b: {{audience: a}}") == {"a": leaf, "b": InAudience("a")}


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("5", "a condition is a mapping, like {field: plan, is: trial} or all: [...]"),
        ("{}", "a condition is empty"),
        ("{feild: x, is: 1}", "there is no condition feild; did you mean field?"),
        ("{is: 1}", "is compares an attribute: say which, like {field: plan, is: ...}"),
        ("{all: []}", "all takes a list with at least one condition"),
        ("{any: {field: x, is: 1}}", "any takes a list with at least one condition"),
        ("{not: [{field: x, is: 1}]}", "a condition is a mapping"),
        ("{all: [{field: x, is: 1}], list: newsletter}", "a condition says one thing, and this says all and list"),
        ("{all: [{field: x, is: 1}], more: 1}", "more cannot stand beside all"),
        ("{field: x}", "say how x is compared: one of is, is_not, in"),
        ("{field: x, is: 1, is_not: 2}", "one comparison is all that field takes, and here are is and is_not"),
        ("{field: x, equals: 1}", "there is no field equals here"),
        ("{field: x, is: [1]}", "is must be a text, a number, or true or false"),
        ("{field: x, is: }", "is is empty; give it a value or delete the line"),
        ("{field: x, in: []}", "in needs at least one entry"),
        ("{field: x, in: [1, [2]]}", "in[1] must be a text, a number, or true or false"),
        ('{field: x, at_least: "3"}', "at_least must be a number without quotes"),
        ("{field: x, at_least: true}", "at_least must be a number without quotes"),
        ("{field: x, starts_with: 3}", "starts_with must be the beginning of a text"),
        ("{field: x, contains: ''}", "contains: is empty, and every text begins with that"),
        ("{field: x, before: monday}", "before must be a date or time like 2026-01-31"),
        ("{field: x, exists: 1}", "exists must be true or false"),
        ("{field: a..b, exists: true}", "field must be an attribute's name"),
        ("{list: newsleter}", "there is no list newsleter; did you mean newsletter?"),
        ("{audience: aa}", "there is no audience aa; did you mean a?"),
        ("{happened: cliked}", "happened: there is no cliked; did you mean clicked?"),
        ("{happened: other}", "happened: there is no other"),
        ("{happened: clicked, within: 1 week}", "within: a duration is a whole number"),
        ("{happened: clicked, at_least: 0}", "at_least must be at least 1"),
        ("{happened: clicked, at_least: 3, at_most: 1}", "at most 1 and at least 3 is never so"),
        ("{happened: clicked, campaign: digets}", "there is no campaign digets; did you mean digest?"),
        ("{happened: clicked, step: helo}", "there is no step helo; did you mean hello?"),
        ("{happened: LEAD_CAPTURE, step: hello}", "campaign and step say of which mail; LEAD_CAPTURE is not reported"),
        ("{bucket: 10}", "bucket must be a part of all people"),
        ('{bucket: "0%"}', "bucket must be a part of all people"),
        ('{bucket: "101%"}', "bucket must be a part of all people"),
    ],
)
def test_a_mistake_is_named_in_its_line(written: str, message: str) -> None:
    (mistake,) = mistakes(f"  b: {{field: x, is: 1}}\n  a:\n    {written}\n")

    # What is missing in a leaf is said where the leaf begins.
    assert mistake.startswith(("drumbeat.yaml:11: ", "drumbeat.yaml:12: "))
    assert message in mistake


def test_a_circle_of_audiences_is_named_with_its_lines_once() -> None:
    (mistake,) = mistakes("  a: {audience: b}\n  b: {not: {audience: c}}\n  c: {all: [{audience: a}, {source: s}]}\n")

    assert mistake == (
        "drumbeat.yaml:10: audiences refer to each other in a circle: a -> b (line 10) -> c (line 11) -> a (line 12);"
        " take one of them out"
    )
    assert len(mistakes("  a: {audience: a}\n  b: {audience: c}\n  c: {audience: b}\n")) == 2


def test_audiences_that_double_each_other_are_refused_before_they_become_a_statement() -> None:
    doubled = "".join(f"  a{n}: {{all: [{{audience: a{n + 1}}}, {{audience: a{n + 1}}}]}}\n" for n in range(12))

    found = mistakes(f"{doubled}  a12: {{field: x, is: 1}}\n")

    assert "conditions, with those of the audiences that it refers to" in found[0]


def test_a_long_chain_of_audiences_is_refused_and_does_not_exhaust_the_stack() -> None:
    chain = "".join(f"  a{n}: {{audience: a{n + 1}}}\n" for n in range(3_000))

    found = mistakes(f"{chain}  a3000: {{field: x, is: 1}}\n")

    assert len(found) == 3_000 - DEEPEST


def test_groups_nest_so_deep_and_no_deeper_also_across_audiences() -> None:
    nested = "{not: " * 29 + "{audience: b}" + "}" * 29

    assert read(f"  a: {nested}\n  b: {'{not: ' * 30}{{field: x, is: 1}}{'}' * 30}\n")
    (mistake,) = mistakes(f"  a: {nested}\n  b: {'{not: ' * 31}{{field: x, is: 1}}{'}' * 31}\n")
    assert "a nests 61 groups, with those of the audiences that it refers to" in mistake


def test_one_that_refers_to_none_may_be_as_large_and_as_deep_as_others_and_no_more() -> None:
    def wide(most: int) -> str:
        return f"  a: {{any: [{', '.join(f'{{field: f{n}, at_least: {n}}}' for n in range(most))}]}}\n"

    def deep(most: int) -> str:
        return f"  a: {'{all: [' * most}{{field: x, is: 1}}{']}' * most}\n"

    assert read(wide(MOST_LEAVES)) and read(deep(DEEPEST))
    assert f"a has {MOST_LEAVES + 1} conditions" in mistakes(wide(MOST_LEAVES + 1))[0]
    assert f"a nests {DEEPEST + 1} groups" in mistakes(deep(DEEPEST + 1))[0]


def test_an_attribute_that_no_lead_has_is_said_where_it_can_be_known() -> None:
    audiences = "  a:\n    all:\n      - {field: plan.name, is: x}\n      - {field: seets, exists: true}\n"

    assert warnings(audiences, {"plan", "seats"}) == [
        "drumbeat.yaml:13: no newer lead has an attribute seets: it counts as absent; did you mean seats?"
    ]
    assert warnings(audiences, set()) == []
    assert read(audiences)  # offline


def test_an_earlier_release_does_not_act_on_audiences() -> None:
    assert AUDIENCES in compile_document(f"{HEAD}  a: {{source: s}}\n", {})["must_understand"]
    assert AUDIENCES not in compile_document("version: 1", {})["must_understand"]
