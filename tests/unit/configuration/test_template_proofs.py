"""What `apply` says of templates of which no mail can be made: mistakes where that is so for all, else warnings."""

from collections.abc import Mapping

import pytest

from drumbeat.configuration.document import compile_document
from drumbeat.core.errors import ConfigError, Mistake
from tests.unit.configuration.samples import DOCUMENT

FRONT = "---\nsubject: Hi\n---\n"
WORDS = "{{ payload.name | default('you') }}\n"
ENDLESS_PART = {
    "a.html": FRONT + WORDS + '{% include "parts/p.html" %}',
    "parts/p.html": "\n\n{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
}


def told(files: Mapping[str, str], document: str = "version: 1") -> tuple[list[str], list[str]]:
    """Return mistakes and warnings, each with file and line."""
    warnings: list[Mistake] = []
    try:
        compile_document(document, files, warn=warnings.append)
    except ConfigError as refused:
        return [str(each) for each in refused.mistakes], []
    return [], [str(each) for each in warnings]


def step(words: str) -> str:
    return (
        f"{DOCUMENT}flows: {{f: {{on: LEAD_CAPTURE, steps: [{{id: s, account: mail, action: send_email, "
        f"with: {{to: a@b.example, {words}}}}}]}}}}"
    )


def subject(words: str) -> dict[str, str]:
    return {"a.txt": f"---\npreheader: x\nsubject: {words}\n---\n{WORDS}"}


def html(words: str) -> dict[str, str]:
    return {"a.html": FRONT + WORDS + words}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (subject('"one\\ntwo"'), "a.txt:3: subject holds a line break"),
        (subject("x" * 2001), "a.txt:3: subject is longer than 2,000 characters"),
        ({"a.html": '---\npreheader: "a\\nb"\n---\n<p>'}, "a.html:2: preheader holds a line break"),
        ({"a.html": f"---\npreheader: {'x' * 2001}\n---\n<p>"}, "a.html:2: preheader is longer than 2,000"),
        ({"a.mjml": FRONT}, "a.mjml:3: it has no words below its front matter"),
        ({"a.html": FRONT + "\n", "a.txt": ""}, "a.html:3: it has no words below its front matter"),
    ],
)
def test_what_keeps_each_mail_back_is_a_mistake_with_its_line(files: dict[str, str], expected: str) -> None:
    (mistake,), _ = told(files)

    assert mistake.startswith(f"templates/{expected}")


@pytest.mark.parametrize(
    ("files", "place", "expected"),
    [
        (subject('"{{ payload.a }}\\nb"'), "a.txt:3", "subject holds a line break"),
        (subject('"{{ payload.x }}' + "x" * 2001 + '"'), "a.txt:3", "subject is longer than 2,000 characters"),
        (subject('"{{ payload.x }}{{ 9**9**9 }}"'), "a.txt:3", "subject: its text raises a number to a power over 64"),
        (html("\n{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"), "a.html:6", "html: its text nests too deep"),
        (html("{% block b %}{{ self.b() }}{% endblock %}"), "a.html:5", "html: its text nests too deep"),
        (html("{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}"), "a.html:5", "html: its text nests too deep"),
        (ENDLESS_PART, "parts/p.html:3", "html: its text nests too deep"),
        (html('{{ "a" * 99999999 }}'), "a.html:5", "html: its text makes a value of more than 1,048,576 characters"),
        (html("{% for x in range(99999999) %}{% endfor %}"), "a.html:5", "html: its text makes a number or a range"),
        (html('\n{{ "".__class__ }}'), "a.html:6", "html: its text uses __class__, which is not available"),
        (
            html("{{ payload.since.strftime('%Y') }}"),
            "a.html:5",
            "html: its text uses strftime, which is not",
        ),
        ({"a.txt": FRONT + WORDS + "{{ 9**9**9 }}"}, "a.txt:5", "text: its text raises a number to a power over 64"),
        (html("{% if payload.vip %}\n{{ 9**9**9 }}{% endif %}"), "a.html:6", "html:"),
        (html("{{ payload.x | round }}"), "a.html:5", "html: its text and the event"),
        (html("{{ payload.x.strftime('%Y') if payload.x }}"), "a.html:5", "html:"),
    ],
)
def test_what_fails_with_made_up_values_is_a_warning_with_its_line(
    files: dict[str, str], place: str, expected: str
) -> None:
    mistakes, (warning,) = told(files)

    assert mistakes == []
    assert warning.startswith(f"templates/{place}: filled with made-up values it fails: {expected}")
    assert warning.endswith("see drumbeat preview a --lead ADDRESS")


@pytest.mark.parametrize(
    "files",
    [
        subject('"{{ payload.a }}{{ payload.b | default(9) }}"'),
        {"a.html": FRONT + "\n", "a.txt": WORDS},
        html("{% if payload.x is not defined %}{{ 9**9**9 }}{% endif %}"),
        html("{% macro m() %}{{ 9**9**9 }}{% endmacro %}"),
        html("{% set n = 1 %}{% if payload.x %}{% set n = 2 %}{% endif %}{{ [0, 1, 2][n + 1] if n < 2 else 5 }}"),
        html("{% for list in [1] %}{{ list }}{% endfor %}{{ list.name }}"),
        html("{% set range = payload.x %}{{ range[99999999:] }}"),
        html("{% set range = payload.x | default([]) %}{% for n in range %}{% endfor %}{{ range | length }}"),
        html("{{ payload.since[:10].split('-')[0] }}"),
        ENDLESS_PART | {"parts/p.html": "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(9) }}"},
    ],
)
def test_nothing_is_said_of_a_template_that_can_be_filled(files: dict[str, str]) -> None:
    assert told(files) == ([], [])


def test_a_long_template_is_taken_up_to_its_limit_and_its_expressions_up_to_theirs() -> None:
    paragraphs = "<p>How a fern drinks.</p>\n" * 15_000

    mistakes, (warning,) = told(html(paragraphs))
    assert (mistakes, "its HTML has over 102 KiB" in warning) == ([], True)
    assert told({"a.txt": FRONT + WORDS + paragraphs}) == ([], [])
    (mistake,), _ = told(html(f"{{{{ '{'x' * 100_000}' }}}}"))
    assert mistake == (
        "templates/a.html:4: expressions and tags of over 100,000 characters in all; write fewer or shorter ones"
    )
    (mistake,), _ = told({}, step(f"subject: s, text: {'x' * 100_001}"))
    assert "a text of over 100,000 characters" in mistake


def test_a_layout_is_proven_with_what_stands_in_its_place() -> None:
    layout = {"layouts/l.html": "<p>{% block b %}{{ 9**9**9 }}{% endblock %}{{ payload.x }}"}
    extends = FRONT + '{% extends "layouts/l.html" %}'

    _, (warning,) = told(layout | {"a.html": extends})
    assert warning.startswith("templates/layouts/l.html:1: filled with made-up values it fails")
    assert told(layout | {"a.html": extends + "{% block b %}{{ payload.y }}{% endblock %}"}) == ([], [])


@pytest.mark.parametrize(
    ("files", "own"),
    [
        (subject('"one\\ntwo"'), "subject: Hi"),
        ({"a.mjml": FRONT}, "text: x"),
    ],
)
def test_words_that_a_step_writes_itself_keep_no_mail_back(files: dict[str, str], own: str) -> None:
    mistakes, (warning,) = told(files, step(f"template: a, {own}"))

    assert mistakes == []
    assert warning.startswith("templates/a.")
    assert len(told(files, step("template: a"))[0]) == 1


def test_the_preheader_of_a_text_alone_keeps_no_mail_back() -> None:
    mistakes, (warning,) = told({"a.txt": '---\npreheader: "a\\nb"\n---\nx'})

    assert (mistakes, warning.startswith("templates/a.txt:2: preheader holds a line break")) == ([], True)


def test_a_step_whose_subject_is_never_one_line_is_a_mistake() -> None:
    (mistake,), _ = told({}, step('subject: "one\\ntwo", text: t'))

    assert "subject holds a line break" in mistake
