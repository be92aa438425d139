"""Templates that are made of several files: what one file may use of another, and that no more is possible."""

import json
from collections.abc import Mapping

import pytest

from drumbeat.configuration.document import compile_document
from drumbeat.core.actions import SendEmail
from drumbeat.core.compatibility import PARTS
from drumbeat.core.configuration import Config
from drumbeat.core.errors import ConfigError
from drumbeat.planning.render import Unrenderable, render
from tests.unit.configuration.samples import config, event
from tests.unit.planning.test_render import EFFECT

STEP = "{id: s, account: mail, action: send_email, with: {to: a@b.example, subject: Hi, template: letter}}"
FLOW = f"  f: {{on: LEAD_CAPTURE, steps: [{STEP}]}}"
LAYOUT = "<h1>{% block title %}Fernwood{% endblock %}</h1>{% block content %}{% endblock %}"
LETTER = """{% extends "layouts/plain.html" %}
{% block content %}{% for post in payload.posts %}{% include "parts/post.html" %}{% endfor %}{% endblock %}"""
POST = '{% import "parts/ui.html" as ui %}<p>{{ ui.link(post) }}</p>'
LINK = '{% macro link(post) %}<a href="{{ post.url }}">{{ post.title }}</a>{% endmacro %}'
FILES = {"letter.html": LETTER, "layouts/plain.html": LAYOUT, "parts/post.html": POST, "parts/ui.html": LINK}


def mail(payload: object, files: Mapping[str, str], version: Config | None = None) -> SendEmail:
    made = render(event(payload), version or config(FLOW, templates=files), "f", "s", effect_id=EFFECT)
    assert isinstance(made, SendEmail)
    return made


def mistakes(files: Mapping[str, str]) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        compile_document("version: 1", files)
    return [f"{each.file}:{each.line}: {each.message}" for each in refused.value.mistakes]


def test_a_template_is_filled_with_its_layout_and_its_parts() -> None:
    made = mail({"posts": [{"url": "https://a.example/1", "title": "One"}]}, FILES)

    assert made.html == '<h1>Fernwood</h1><p><a href="https://a.example/1">One</a></p>'


def test_what_is_filled_into_a_part_is_escaped_as_in_its_template() -> None:
    hostile = {"posts": [{"url": '"><script>', "title": "<b>{{ 7 * 7 }}"}]}
    text = {"letter.txt": '{% include "parts/post.txt" %}', "parts/post.txt": "{{ payload.posts[0].title }}"}

    made = mail(hostile, FILES | text)

    assert made.html is not None
    assert '<a href="&#34;&gt;&lt;script&gt;">&lt;b&gt;{{ 7 * 7 }}</a>' in made.html
    assert made.text == "<b>{{ 7 * 7 }}"


def test_a_version_keeps_its_own_parts() -> None:
    first = config(FLOW, templates=FILES)
    second = config(FLOW, templates=FILES | {"layouts/plain.html": LAYOUT.replace("Fernwood", "Oakfield")}, version=2)

    titles = [mail({"posts": []}, {}, version).html for version in (first, second, first)]

    assert titles == ["<h1>Fernwood</h1>", "<h1>Oakfield</h1>", "<h1>Fernwood</h1>"]


def test_a_release_that_knows_no_parts_does_not_act_on_a_version_with_some() -> None:
    plain = compile_document("version: 1", {"letter.html": "<p>"})
    parted = compile_document("version: 1", FILES)

    assert PARTS not in plain["must_understand"]
    assert PARTS in parted["must_understand"]
    assert json.loads(json.dumps(parted))["parts"].keys() == FILES.keys() - {"letter.html"}


def test_what_a_macro_counts_is_forgotten_with_its_mail() -> None:
    counter = "{% set seen = namespace(n=0) %}{% macro next() %}{% set seen.n = seen.n + 1 %}{{ seen.n }}{% endmacro %}"
    files = {"letter.html": '{% import "c.html" as c %}{{ c.next() }}{{ c.next() }}', "c.html": counter}
    version = config(FLOW, templates=files)

    assert [mail({}, {}, version).html for _ in range(2)] == ["12", "12"]


def test_a_file_that_others_use_need_not_be_a_mail_by_itself() -> None:
    layout = "{% block content required %}{% endblock %}"
    files = {"letter.html": '{% extends "layout.html" %}{% block content %}x{% endblock %}', "layout.html": layout}

    assert mail({}, files).html == "x"


def test_parts_that_multiply_cost_their_own_mail_alone() -> None:
    two = [f'{{% include "p/{n + 1}.html" %}}' * 2 for n in range(30)]
    twice = {f"p/{n}.html": f"{{% if payload %}}{each}{{% endif %}}" for n, each in enumerate(two)} | {"p/30.html": ""}

    with pytest.raises(Unrenderable, match="html: its text takes more than"):
        mail({"a": 1}, {"letter.html": '{% include "p/0.html" %}'} | twice)


def test_what_a_part_misses_is_named() -> None:
    with pytest.raises(Unrenderable, match=r"html: its text uses post\.title, which the event does not have"):
        mail({"posts": [{"url": "x"}]}, FILES)


def test_a_part_uses_what_the_file_that_includes_it_has_set() -> None:
    files = {"letter.html": '{% set n = 1 %}{% include "parts/n.html" %}', "parts/n.html": "{{ n }}"}

    assert mail({}, files).html == "1"


def test_a_file_of_the_folder_may_be_a_template_and_a_part() -> None:
    files = {"letter.html": '{% extends "base.html" %}', "base.html": "---\nsubject: Base\n---\n<p>base"}

    assert mail({}, files).html == "<p>base"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"a.html": "x\n{% include 'b.html' %}"}, "templates/a.html:2: there is no file b.html in the folder"),
        (
            {"a.html": "{% extends 'layout/b.html' %}", "layouts/b.html": ""},
            "there is no file layout/b.html in the folder of templates; did you mean layouts/b.html?",
        ),
        ({"a.html": "{% include '../drumbeat.yaml' %}"}, "a.html:1: there is no file ../drumbeat.yaml in the folder"),
        ({"a.html": "{% include '/etc/passwd' %}"}, "a.html:1: there is no file /etc/passwd in the folder"),
        ({"a.html": "{% include payload.x %}"}, "a.html:1: a part is named as it is called"),
        ({"a.html": "{% include ['b.html', 'c.html'] %}"}, "a.html:1: a part is named as it is called"),
        ({"a.html": "---\nsubject: a\n---\n\n{% extends 'a.html' %}"}, "a.html:5: it uses itself; take that out"),
        (
            {"a.html": "\n{% extends 'l/b.html' %}", "l/b.html": "{% include 'a.html' %}"},
            "templates/a.html:2: it uses itself: a.html uses l/b.html uses a.html; take one of these out",
        ),
        ({"a.txt": "{% include 'p/b.html' %}", "p/b.html": ""}, "a.txt:1: a txt file cannot use p/b.html"),
        ({"l/b.html": "---\nsubject: a\n---\n"}, "templates/l/b.html:1: front matter belongs to a template"),
        ({"l/b.html": "a\n{{ nobdy }}"}, "templates/l/b.html:2: a text sees"),
        ({"a.html": "{{ n }}", "l/b.html": "{% set n = 1 %}"}, "templates/a.html:1: a text sees"),
        ({"l/b.md": ""}, "templates/l/b.md:1: a template is NAME.mjml, NAME.html or NAME.txt, and a part one of these"),
        ({"html": ""}, "templates/html:1: a template is"),
        ({"../b.html": ""}, "templates/../b.html:1: a template is"),
        ({"/b.html": ""}, "templates//b.html:1: a template is"),
        ({"l//b.html": ""}, "templates/l//b.html:1: a template is"),
    ],
)
def test_a_reference_that_leads_nowhere_is_a_mistake(files: Mapping[str, str], expected: str) -> None:
    assert any(expected in each for each in mistakes(files)), mistakes(files)


def test_a_subject_has_no_parts() -> None:
    files = {"a.txt": "---\nsubject: \"{% include 'b.txt' %}\"\n---\n", "b.txt": ""}

    assert "templates/a.txt:2: subject: only files of the folder" in mistakes(files)[0]
