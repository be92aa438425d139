"""What "empty", "the same" and "one" mean where a text becomes what is sent: the table in docs/guarantees.md."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumbeat.core.actions import Action, Call, SendEmail, UpsertContact
from drumbeat.planning.render import Unrenderable
from drumbeat.planning.templating import Unfillable, compile_text, compile_value
from tests.unit.planning.test_render import rendered

JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False))
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def contact(payload: Mapping[str, object], semantics: int = 3, **properties: object) -> Mapping[str, str]:
    arguments = {"email": "ada@example.com", "properties": properties}
    made = rendered(payload, "crm", "upsert_contact", arguments, semantics)
    assert isinstance(made, UpsertContact)
    return made.properties


def call(payload: Mapping[str, object], semantics: int = 3, **arguments: object) -> Call:
    made = rendered(payload, "site", "call", {"method": "POST", "path": "/x"} | arguments, semantics)
    assert isinstance(made, Call)
    return made


def mail(payload: Mapping[str, object], semantics: int = 3, **arguments: object) -> Action:
    return rendered(payload, "mail", "send_email", {"to": "ada@example.com", "subject": "Hi"} | arguments, semantics)


# ---------------------------------------------------------------- empty

EMPTY: list[tuple[str, dict[str, object]]] = [
    ("{{ payload.name | default('') }}", {}),
    ("{{ payload.name }}", {"name": None}),
    ("{{ payload.name }}", {"name": ""}),
    ("{{ payload.name }}", {"name": " \n\t"}),
    ("{{ payload.name | trim }}", {"name": None}),
    ("{{ payload.name | title }}", {"name": None}),
    ("{{ payload.name.strip() }}", {"name": "  "}),
    ("{% if payload.name is defined %}{{ payload.name }}{% endif %}", {}),
    (" {{ payload.name }} ", {"name": None}),
    ("{{ '' }}", {}),
]


@pytest.mark.parametrize(("source", "payload"), EMPTY)
def test_a_property_that_comes_out_empty_is_left_out(source: str, payload: dict[str, object]) -> None:
    assert contact(payload, firstname=source, lifecyclestage="lead") == {"lifecyclestage": "lead"}


@pytest.mark.parametrize("written", ["", None])
def test_a_property_that_the_document_writes_as_empty_is_cleared(written: object) -> None:
    assert contact({}, firstname=written) == {"firstname": ""}


def test_by_the_rules_before_it_is_sent_as_empty() -> None:
    assert contact({"name": None}, 2, firstname="{{ payload.name }}") == {"firstname": ""}


@pytest.mark.parametrize(("value", "sent"), [(0, "0"), (False, "false"), (True, "true"), (3.5, "3.5"), ([], "[]")])
def test_what_is_not_empty_is_a_property_as_text(value: object, sent: str) -> None:
    assert contact({"v": value}, p="{{ payload.v }}") == {"p": sent}


@pytest.mark.parametrize(("source", "payload"), EMPTY)
def test_a_header_that_comes_out_empty_is_left_out(source: str, payload: dict[str, object]) -> None:
    given = {"X-Name": source.replace("\n", ""), "X-Kept": "", "X-Own": "1"}
    made = mail(payload, text="x", headers=given)

    assert call(payload, headers=given).headers == {"X-Kept": "", "X-Own": "1"}
    assert isinstance(made, SendEmail) and made.headers == {"X-Kept": "", "X-Own": "1"}


def test_a_mail_without_words_is_refused_and_an_empty_half_left_out() -> None:
    both = mail({"words": None}, text="{{ payload.words }}", html="<p>Hi</p>")

    assert isinstance(both, SendEmail) and (both.text, both.html) == (None, "<p>Hi</p>")
    with pytest.raises(Unrenderable, match="text and html are empty"):
        mail({"words": None}, text="{{ payload.words }}", html=" {{ payload.words }}\n")


def test_in_a_body_null_is_null_and_empty_is_empty() -> None:
    body = {"a": "{{ payload.null }}", "b": "{{ payload.empty }}", "c": None, "d": "", "e": "x{{ payload.null }}"}

    made = json.loads(call({"null": None, "empty": ""}, body=body).body)

    assert made == {"a": None, "b": "", "c": None, "d": "", "e": "x"}


# ---------------------------------------------------------------- the same: types


@given(JSON)
def test_a_value_that_is_one_expression_alone_is_the_same_in_a_body(value: Any) -> None:
    if isinstance(value, float) and value == 0:
        value = 0.0
    evaluate = compile_value("{{ payload.v }}")

    assert evaluate is not None
    assert evaluate({"payload": {"v": value}}) == value


def test_types_are_kept_wherever_the_expression_stands_alone() -> None:
    payload = {"qty": 3, "vip": True, "tags": ["a", "b"], "price": 1.5, "who": {"n": None}, "text": "7"}
    body = {
        "qty": "{{ payload.qty }}",
        "vip": "{{payload.vip}}",
        "tags": ["{{ payload.tags }}", "{{ payload.tags | first }}"],
        "sum": "{{ payload.qty * 2 }}",
        "price": "{{- payload.price -}}",
        "who": "{{ payload.who }}",
        "text": "{{ payload.text }}",
        "as_text": "{{ payload.qty | string }}",
        "words": "{{ payload.qty }} pieces",
        "two": "{{ payload.qty }}{{ payload.qty }}",
        "block": "{% if payload.vip %}{{ payload.qty }}{% endif %}",
        "all": "{{ payload.tags | map('upper') | list }}",
    }

    assert json.loads(call(payload, body=body).body) == {
        "qty": 3,
        "vip": True,
        "tags": [["a", "b"], "a"],
        "sum": 6,
        "price": 1.5,
        "who": {"n": None},
        "text": "7",
        "as_text": "3",
        "words": "3 pieces",
        "two": "33",
        "block": "3",
        "all": ["A", "B"],
    }
    assert json.loads(call(payload, 2, body={"qty": "{{ payload.qty }}"}).body) == {"qty": "3"}


def test_a_body_that_is_one_text_stays_that_text() -> None:
    assert call({"qty": 3}, body="{{ payload.qty }}").body == "3"
    assert call({"name": "Ada"}, body="{{ payload.name }}").body == "Ada"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (
            "{{ payload.nobody }}",
            r"body: its text uses payload\.nobody, which the event does not have; .* default\(''\)",
        ),
        ("{{ payload.v if payload.nobody is defined }}", "the event does not have"),
        ("{{ payload.v * 10 }}", "makes a number that JSON does not know"),
        ("{{ payload.items() }}", "the event does not have"),
        ("{{ range }}", "the event does not have"),
        ("{{ payload.half }}", "body holds half a character"),
    ],
)
def test_what_is_no_value_refuses_the_effect(source: str, reason: str) -> None:
    with pytest.raises(Unrenderable, match=reason):
        call({"v": 1e308, "half": "\ud800"}, body={"a": source})


def test_a_number_that_json_does_not_know_is_printed_nowhere() -> None:
    with pytest.raises(Unfillable, match="JSON does not know"):
        compile_text("x {{ payload.v }}")({"payload": {"v": float("inf")}})
    assert compile_text("x {{ payload.v }}", semantics=2)({"payload": {"v": float("inf")}}) == "x Infinity"


@pytest.mark.parametrize(
    ("source", "printed", "before"),
    [
        ("{{ payload.n | title }}", "", "None"),
        ("{{ payload.n | upper }}", "", "NONE"),
        ("{{ payload.n | urlencode }}", "", "None"),
        ("{{ payload.n | e }}", "", "None"),
        ("{{ payload.n | string }}", "", "None"),
        ("{{ payload.n | replace('N', 'x') }}", "", "xone"),
        ("{{ payload.yes | upper }}", "TRUE", "TRUE"),
        ("{{ payload.yes | string }}", "true", "True"),
        ("{{ payload.l | string }}", '["a",null]', "['a', None]"),
        ("{{ payload.l | join('-') }}", "a-", "a-None"),
        ("{{ payload.rows | join(',', attribute='v') }}", "1,,true", "1,None,True"),
        ("{{ payload.l | map('upper') | join(',') }}", "A,", "A,NONE"),
        ("{{ '%s/%s' | format(payload.n, payload.yes) }}", "/true", "None/True"),
        ("{{ {'a': payload.n, 'b': 1} | urlencode }}", "a=&b=1", "a=None&b=1"),
    ],
)
def test_filters_see_what_would_be_printed_and_not_the_words_of_python(source: str, printed: str, before: str) -> None:
    data = {"payload": {"n": None, "yes": True, "l": ["a", None], "rows": [{"v": 1}, {"v": None}, {"v": True}]}}

    assert compile_text(source)(data) == printed
    assert compile_text(source, html=True)(data).replace("&#34;", '"').replace("&amp;", "&") == printed
    assert compile_text(source, semantics=2)(data) == before


# ---------------------------------------------------------------- one: a name is a field

COLLIDING = ["items", "keys", "values", "get", "update", "pop", "copy", "clear", "count", "title", "index", "split"]


@pytest.mark.parametrize("name", COLLIDING)
@pytest.mark.parametrize("owner", [{}, {"x": {}}, {"x": []}, {"x": "text"}, {"x": 5}, {"x": None}])
def test_a_name_after_a_dot_is_a_field_or_nothing(name: str, owner: dict[str, object]) -> None:
    place = "payload.x" if owner else "payload"
    said = compile_text(
        f"{{{{ {place}.{name} | default('none') }}}} {{{{ {place}.{name} is defined }}}}"
        f" {{% for each in {place}.{name} | default([]) %}}*{{% else %}}-{{% endfor %}}"
    )

    assert said({"payload": owner}) == "none false -"


@pytest.mark.parametrize("name", COLLIDING)
def test_a_field_of_that_name_is_the_field_and_methods_are_there_where_they_are_called(name: str) -> None:
    data = {"payload": {name: [1, 2], "in": {name: "x"}}}

    assert compile_text(f"{{{{ payload.{name} }}}} {{{{ payload['in'].{name} }}}}")(data) == "[1,2] x"
    assert (
        compile_text("{{ payload.items() | list | length }} {{ payload.get('a', 'b') }} {{ payload.keys() | list }}")(
            data
        )
        == f'2 b ["{name}","in"]'
    )
    assert compile_text("{{ 'ada'.title() }} {{ payload['in'].values() | first }}")(data) == "Ada x"


def test_by_the_rules_before_a_method_is_seen_where_there_is_no_field() -> None:
    assert compile_text("{{ payload.items is defined }}", semantics=2)({"payload": {}}) == "true"


def test_a_method_that_is_not_called_is_named_as_what_the_event_lacks() -> None:
    with pytest.raises(Unfillable, match=r"payload\.name\.upper, which the event does not have"):
        compile_text("{{ payload.name.upper }}")({"payload": {"name": "Ada"}})
