import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2.filters import FILTERS

from drumbeat.planning.filter_limits import CHECKED, MODEST
from drumbeat.planning.templating import FILTER_NAMES, TemplateSyntaxError, Unfillable, compile_text

DATA = {
    "payload": {
        "name": "Ada Lovelace",
        "email": "ada@example.com",
        "empty": None,
        "yes": True,
        "items": [1, 2],
        "price": 12.5,
        "long": "x" * 2000,
        "rows": ["x"] * 5000,
        "lines": "x\n" * 5000,
        "spaces": " " * 20_000,
        "markup": "<b>&",
    }
}


BOUNDED = re.compile("its text (takes|grows|makes|gives|formats|raises|sums|wraps|puts|filters|nests|and the event)")


def filled(source: str, *, html: bool = False) -> str:
    return compile_text(source, html=html)(DATA)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("plain { text }", "plain { text }"),
        ("{{ payload.name }}", "Ada Lovelace"),
        ("{{ payload.empty }}", ""),
        ("a{{ payload.empty }}b", "ab"),
        ("{{ payload.yes }} {{ payload.price }}", "true 12.5"),
        ("{{ payload.items }}", "[1,2]"),
        ("{{ payload.nobody | default('there') }}", "there"),
        ("{{ payload.name.split(' ')[0] }}", "Ada"),
        ("{{ payload.get('nobody', 'x') }}", "x"),
        ("{% for n in payload['items'] %}{{ loop.index }}:{{ n }} {% endfor %}", "1:1 2:2 "),
        ("{{ 'a' ~ payload.empty ~ 1 }}", "a1"),
        ("{{ '%.2f' | format(payload.price) }}", "12.50"),
        ("{{ payload.name | replace('Ada', 'A.') | upper }}", "A. LOVELACE"),
        ("{{ 123456 | tojson }}", "123456"),
        ("{{ '%s %d' % (payload['items'], 7) }}", "[1,2] 7"),
        ("{{ '%s' % payload.empty }}|{{ '%s' % payload.yes }}", "|true"),
        ("{{ '%s' % {'a': [none, true]} }}", '{"a":[null,true]}'),
        ("{{ '%(a)s %(n).1f' % {'a': {'b': none}, 'n': 2} }}", '{"b":null} 2.0'),
        ("{{ '%s' | format({'a': true}) }}", '{"a":true}'),
        ("{{ '%s' | format(payload['items']) }}", "[1,2]"),
    ],
)
def test_a_text_is_filled_from_data(source: str, expected: str) -> None:
    assert filled(source) == expected


@pytest.mark.parametrize(
    ("source", "name"),
    [
        *((f"{{{{ 'x'.{name}() }}}}", name) for name in ("center", "format", "zfill", "encode", "__class__")),
        ("{{ payload.name.zfill(3) }}", "zfill"),
        ("{{ payload.pop('name') }}", "pop"),
        ("{{ payload['items'].append(1) }}", "append"),
        ("{{ payload.empty.strip() }}", "strip"),
        ("{{ payload.name.__class__ }}", "__class__"),
        ("{{ 'x'.__class__.__mro__ }}", "__class__"),
    ],
)
def test_a_method_that_templates_do_not_have_is_named_as_such(source: str, name: str) -> None:
    with pytest.raises(Unfillable) as failed:
        filled(source)

    assert str(failed.value) == f"its text uses {name}, which is not available there in templates"


def test_values_are_escaped_in_html_alone() -> None:
    assert filled("<i>{{ payload.markup }}</i>", html=True) == "<i>&lt;b&gt;&amp;</i>"
    assert filled("<i>{{ payload.markup }}</i>") == "<i><b>&</i>"
    assert filled("{{ '<i>' | safe ~ payload.markup }}", html=True) == "<i>&lt;b&gt;&amp;"


@pytest.mark.parametrize("source", ["{{ payload.nobody }}", "Dear {{ payload.nobody }}", "{{ payload.nobody.x }}"])
def test_a_missing_field_is_named(source: str) -> None:
    with pytest.raises(Unfillable, match=r"uses payload\.nobody(\.x)?, which the event does not have"):
        filled(source)


@pytest.mark.parametrize(
    "source",
    [
        "{{ payload[payload.email] }}",
        "{{ payload['items'][payload.email] }}",
        "{{ payload.email + 1 }}",
        "{{ payload.email | int | format(payload.email) }}{{ 1 / 0 }}",
        "{{ payload.email.nobody }}",
    ],
)
def test_a_reason_never_holds_a_value(source: str) -> None:
    with pytest.raises(Unfillable) as refused:
        filled(source)

    assert "ada" not in str(refused.value)


@pytest.mark.parametrize(
    "source",
    [
        "{{ payload.name.split }}",
        "{{ payload.get | upper }}",
        "{{ range }}",
        "{{ self }}",
        "{{ payload.__class__ }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ payload.name.format(1) }}",
        "{{ payload.update({'a': 1}) }}",
        "{{ payload['items'].append(1) }}",
        "{{ lipsum() }}",
    ],
)
def test_nothing_but_data_comes_out_and_nothing_is_changed(source: str) -> None:
    with pytest.raises(Unfillable):
        filled(source)

    assert DATA["payload"]["items"] == [1, 2]


@pytest.mark.parametrize(
    "source",
    [
        "{% for a in range(1000) %}{% for b in range(1000) %}{% endfor %}{% endfor %}",
        "{% for a in payload.long %}{% for b in payload.long %}{% endfor %}{% endfor %}",
        "{% macro m(n) %}{{ m(n) }}{{ m(n) }}{% endmacro %}{{ m(1) }}",
        "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}",
        "{{ 'a' * 10 ** 9 }}",
        "{{ 10 ** 9 * 'a' }}",
        "{{ [0] * 10 ** 9 }}",
        "{{ 9 ** 9 ** 9 }}",
        "{{ 'a' | center(10 ** 9) }}",
        "{{ 'a' | indent(10 ** 9, true) }}",
        "{{ [] | batch(10 ** 9, 'x') | list }}",
        "{{ '%999999999s' | format('a') }}",
        "{{ '%*s' | format(10 ** 9, 'a') }}",
        "{{ '%999999999s' % 'a' }}",
        "{{ payload.long | replace('', payload.long) }}",
        "{{ payload.long.replace('x', payload.long) }}",
        "{{ range(10 ** 9) | list }}",
        "{% set n = namespace(x='xx') %}{% for i in range(60) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
        "{% set n = namespace(x='xx') %}{% for i in range(60) %}{% set n.x = n.x + n.x %}{% endfor %}",
        "{% set n = namespace(x=9) %}{% for i in range(60) %}{% set n.x = n.x * n.x %}{% endfor %}",
        "{% set n = namespace(x='xx') %}{% for i in range(60) %}"
        "{% set y %}{{ n.x }}{{ n.x }}{% endset %}{% set n.x = y %}{% endfor %}",
        "{% for a in range(1000) %}{{ payload.long }}{% endfor %}",
        "{{ payload.rows | join(payload.long) }}",
        "{{ payload.rows | map('upper') | join(payload.long) }}",
        "{{ range(10000) | join(payload.long) }}",
        "{{ payload.lines | indent(10000) }}",
        "{{ payload.lines | indent(payload.long) }}",
        "{{ payload.rows | tojson(10000) }}",
        "{{ payload.lines | wordwrap(1, wrapstring=payload.long) }}",
        "{{ payload.spaces | wordwrap(1) }}",
        "{{ '%(a)s' * 2000 % {'a': payload.long} }}",
        "{{ ('%(a)s' * 2000) | format(a=payload.long) }}",
        "{{ ('%(a)999s' * 2000) | format(a='x') }}",
        "{{ payload.rows | map('list') | sum(start=[]) }}",
        "{{ payload.rows | select('in', payload.rows) | list | length }}",
        "{{ (payload.rows * 20) | select('in', payload.rows * 20) | list | length }}",
        "{% set n = namespace(x=['xx']) %}{% for i in range(60) %}{% set n.x = [n.x, n.x] %}{% endfor %}{{ n.x }}",
        "{% set n = namespace(x=['xx']) %}{% for i in range(60) %}{% set n.x = {'a': n.x, 'b': n.x} %}{% endfor %}"
        "{{ n.x | string }}",
        "{% set n = namespace(x=['xx']) %}{% for i in range(60) %}{% set n.x = dict(a=n.x, b=n.x) %}{% endfor %}"
        "{{ n.x | upper }}",
        "{% set n = namespace(x=[]) %}{% for i in range(3000) %}{% set n.x = n.x + [payload.long ~ i] %}{% endfor %}",
        "{% for i in range(90000) %}{% set x = payload.spaces[1:] %}{% endfor %}",
        "{{ ([payload.items()] * 30000) | string }}",
        "{% set n = namespace(x=payload.spaces) %}{{ n | string }}",
        "{{ [namespace(x=1)] | string }}",
        "{% for i in range(90000) %}{% if payload.spaces == payload.spaces ~ '' %}{% endif %}{% endfor %}",
        "{% for i in range(90000) %}{% set x = payload.spaces | upper %}{% endfor %}",
        "{% for i in range(90000) %}{% set x = payload.spaces.upper() %}{% endfor %}",
    ],
)
def test_work_and_output_are_bounded(source: str) -> None:
    with pytest.raises(Unfillable, match=BOUNDED):
        filled(source)


def test_the_filters_that_are_offered_are_those_that_have_been_judged() -> None:
    offered = set(FILTERS) - {"pprint", "random", "urlize", "xmlattr"}  # for debugging, by chance, or too costly

    assert offered == FILTER_NAMES == CHECKED.keys() | MODEST


def test_what_a_text_made_is_forgotten_with_it() -> None:
    makes_a_third_of_what_it_may = "{% for i in range(250) %}{% set x = payload.spaces | upper %}{% endfor %}"

    assert [filled(makes_a_third_of_what_it_may) for _ in range(4)] == [""] * 4


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ payload.rows | join(', ') | length }}", "14998"),
        ("{{ payload.lines | indent(2) | length }}", "19998"),
        ("{{ payload.name | wordwrap(3) }}", "Ada\nLov\nela\nce"),
        ("{{ '%s and %s' | format(payload.long, payload.name) | length }}", "2017"),
        ("{{ payload.rows | select('in', ['x']) | list | length }}", "5000"),
        ("{{ [[1, 2], [3, 4]] | map('sum') | sum }}", "10"),
        ("{{ {'a': [1]} | tojson(2) }}", '{\n  "a": [\n    1\n  ]\n}'),
        ("{% for a, b in [(1, 2)] %}{{ a + b }}{% endfor %}", "3"),
        ("{% if 1 < 2 < 3 and 'a' in payload.name %}yes{% endif %}", "yes"),
        ("{{ payload.rows | batch(2500) | map('length') | list }}", "[2500,2500]"),
    ],
)
def test_ordinary_work_is_done(source: str, expected: str) -> None:
    assert filled(source) == expected


def test_a_text_that_stays_small_while_it_burns_time_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drumbeat.planning.render_limits.CPU_LIMIT_SECONDS", -1.0)

    with pytest.raises(Unfillable, match="takes more than"):
        filled("{% for a in 'xy' %}{% endfor %}")


@pytest.mark.parametrize("source", ["{{ payload.name", "{% if %}", "{{ [1] | random }}", "{{ 1 | nobody }}"])
def test_what_is_no_template_is_told_when_compiled(source: str) -> None:
    with pytest.raises(TemplateSyntaxError):
        compile_text(source)


@given(
    st.dictionaries(st.sampled_from("abc"), st.one_of(st.none(), st.booleans(), st.integers(), st.text()), min_size=1)
)
def test_the_short_way_for_lone_variables_gives_what_jinja_gives(payload: dict[str, object]) -> None:
    for name in payload:
        lone, padded = compile_text(f"{{{{ payload.{name} }}}}"), compile_text(f"{{{{ payload.{name} }}}}{{# #}}")

        assert lone({"payload": payload}) == padded({"payload": payload})
