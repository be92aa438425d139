"""Templates of MJML: filled first, then made HTML; what is wrong with one is found when it is applied."""

import subprocess
import sys
from collections.abc import Mapping

import pytest

from drumbeat.configuration.document import compile_document
from drumbeat.core.actions import SendEmail
from drumbeat.core.compatibility import MJML
from drumbeat.core.errors import ConfigError, Mistake
from drumbeat.planning.mjml import DEEPEST, NotMjml, to_html
from drumbeat.planning.render import Unrenderable, render
from tests.unit.configuration.samples import config, event
from tests.unit.planning.test_render import EFFECT
from tests.unit.planning.test_template_parts import FLOW


def mjml(content: str) -> str:
    return f"<mjml><mj-body><mj-section><mj-column>\n{content}\n</mj-column></mj-section></mj-body></mjml>"


ROWS = mjml("<mj-table>{% for row in payload.rows %}<tr><td>{{ row }}</td></tr>{% endfor %}</mj-table>")


def mail(payload: object, text: str, more: Mapping[str, str] | None = None, flow: str = FLOW) -> SendEmail:
    version = config(flow, templates={"letter.mjml": text, **(more or {})})
    made = render(event(payload), version, "f", "s", effect_id=EFFECT)
    assert isinstance(made, SendEmail)
    return made


def mistakes(files: Mapping[str, str]) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        compile_document("version: 1", files)
    return [f"{each.file}:{each.line}: {each.message}" for each in refused.value.mistakes]


def warnings(files: Mapping[str, str]) -> list[str]:
    found: list[Mistake] = []
    compile_document("version: 1", files, warn=found.append)
    return [f"{each.file}:{each.line}: {each.message}" for each in found]


def test_a_loop_in_a_table_makes_a_row_each() -> None:
    """What reads HTML first moves the loop out of the table, where it runs over nothing."""
    html = mail({"rows": ["a", "b", "<c>"]}, ROWS).html

    assert html is not None
    assert "<tr><td>a</td></tr><tr><td>b</td></tr><tr><td>&lt;c&gt;</td></tr></table>" in html
    assert "mj-" not in html.replace('"mj-', "").replace(".mj-", "").replace(" mj-", "")


def test_a_character_that_no_xml_holds_keeps_no_mail_back() -> None:
    html = mail({"rows": ["a\x07b\x0b\x1f\ufffe"]}, ROWS).html

    assert html is not None
    assert "<td>a b   </td>" in html


def test_the_same_event_gives_the_same_bytes() -> None:
    carousel = '<mj-carousel><mj-carousel-image src="https://a.example/1.png"/></mj-carousel>'

    assert len({mail({}, mjml(carousel)).html for _ in range(3)}) == 1


def test_what_the_step_writes_as_html_wins() -> None:
    assert (
        mail({}, mjml("<mj-text>a</mj-text>"), flow=FLOW.replace("subject: Hi", 'subject: Hi, html: "<p>b"')).html
        == "<p>b"
    )


def test_a_template_is_made_of_layouts_of_mjml() -> None:
    parts = {"layouts/base.mjml": mjml("{% block content %}{% endblock %}"), "p/hi.html": "<b>{{ payload.name }}</b>"}
    text = (
        '{% extends "layouts/base.mjml" %}{% block content %}<mj-text>{% include "p/hi.html" %}</mj-text>{% endblock %}'
    )

    html = mail({"name": "Ada & Co"}, text, parts).html

    assert html is not None
    assert "<b>Ada &amp; Co</b>" in html


def test_space_in_front_of_a_layout_is_none() -> None:
    layout = {"l.mjml": f"\n\n{mjml('{% block a %}{% endblock %}')}"}

    assert mail({}, '\n  {% extends "l.mjml" %}\n{% block a %}<mj-text>Hi</mj-text>{% endblock %}', layout).html


def test_nothing_is_fetched_that_a_template_does_not_name() -> None:
    html = to_html(mjml('<mj-text font-family="Roboto, Ubuntu">a</mj-text>'))

    assert "https://" not in html


def test_a_release_that_knows_no_mjml_does_not_act_on_a_version_with_some() -> None:
    assert MJML in compile_document("version: 1", {"a.mjml": mjml("")})["must_understand"]
    assert MJML not in compile_document("version: 1", {"a.html": "x"})["must_understand"]


@pytest.mark.parametrize("path", ["a.mjml", "https://a.example/a.mjml", "/etc/passwd"])
def test_files_are_not_included_by_means_of_mjml(path: str) -> None:
    with pytest.raises(NotMjml, match="mj-include is not available"):
        to_html(mjml(f'<mj-include path="{path}" />'))


@pytest.mark.parametrize("tags", [("<b>", "</b>"), ("<mj-wrapper>", "</mj-wrapper>"), ("<é>", "</é>"), ("<b>", "")])
def test_what_nests_without_end_is_refused_before_it_ends_the_process(tags: tuple[str, str]) -> None:
    with pytest.raises(NotMjml):
        to_html(mjml(f"<mj-text>{tags[0] * 40_000}{tags[1] * 40_000}</mj-text>"))


def test_what_nests_as_deep_as_it_may_is_read() -> None:
    depth = DEEPEST - 5

    assert "<b><b>" in to_html(mjml(f"<mj-text>{'<b>' * depth}a{'</b>' * depth}</mj-text>"))


def test_many_rows_are_not_deep() -> None:
    assert to_html(mjml(f"<mj-text>{'<p>a<br></p>' * 500}</mj-text>")).count("<p>a") == 500


def test_what_grows_too_large_costs_its_own_mail_alone() -> None:
    rows = mjml("{% for row in payload.rows %}<mj-image />{% endfor %}")

    with pytest.raises(Unrenderable, match="html: its HTML grows over 512 KiB"):
        mail({"rows": [1] * 9000}, rows)


def test_a_text_that_is_only_sometimes_mjml_costs_its_own_mail_alone() -> None:
    text = mjml("<mj-text>{% if payload.name == 'x' %}<b>{% endif %}</mj-text>")

    assert mail({"name": "a"}, text).html
    with pytest.raises(Unrenderable, match="html: its MJML is not well-formed: each tag has to be closed"):
        mail({"name": "x"}, text)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"a.mjml": mjml("<mj-text>\n<b>x\n</mj-text>")}, "templates/a.mjml:3: <b> is not closed; write </b>"),
        ({"a.mjml": mjml('<mj-image src="https://a.example/x.png">')}, "a.mjml:2: <mj-image> is not closed"),
        ({"a.mjml": mjml("<mj-text>x</b></mj-text>")}, "a.mjml:2: </b> closes nothing"),
        ({"a.mjml": mjml("<mj-text>1 < 2</mj-text>")}, "a.mjml:2: a lone < is not MJML; write &lt;"),
        ({"a.mjml": mjml("<mj-text><a href=x>y</a></mj-text>")}, "a.mjml:2: an attribute without quotes"),
        ({"a.mjml": mjml("\n<mj-tekst>x</mj-tekst>")}, "a.mjml:3: MJML has no mj-tekst; did you mean mj-text?"),
        ({"a.mjml": mjml('<mj-include path="b.mjml" />')}, "a.mjml:1: mj-include is not available: parts are included"),
        ({"a.mjml": "---\nsubject: Hi\n---\n<p>Hello"}, "a.mjml:4: <p> is not closed"),
        ({"a.mjml": "<p>Hello</p>"}, "templates/a.mjml:1: its MJML is not well-formed"),
        (
            {"a.mjml": '{% extends "l/b.mjml" %}', "l/b.mjml": mjml("{% block a %}\n<mj-text>{% endblock %}")},
            "templates/l/b.mjml:3: <mj-text> is not closed",
        ),
        ({"a.mjml": mjml(""), "a.html": "<p>"}, "templates/a.mjml:1: a.html is there, too"),
        (
            {"a.mjml": mjml("{% for x in payload.a %}{% for y in x.b %}<b>{% endfor %}{% endfor %}")},
            "templates/a.mjml:2: <b> is not closed",
        ),
    ],
)
def test_what_cannot_be_read_is_a_mistake_with_its_line(files: Mapping[str, str], expected: str) -> None:
    assert any(expected in each for each in mistakes(files)), mistakes(files)


def test_a_template_is_read_whatever_its_values_are_like() -> None:
    """Made-up values do not fit every filter; that is no mistake, and said all the same."""
    (found,) = warnings({"a.mjml": mjml("<mj-text>{{ payload.x | round }}{{ payload.y.z.strip(1) }}</mj-text>")})

    assert found.startswith("templates/a.mjml:2: filled with made-up values it fails: html: its text and the event do")


def test_a_mail_that_gmail_would_cut_is_warned_of() -> None:
    (found,) = warnings({"a.html": "{% for _ in range(14000) %}<p>{{ payload.x }}</p>{% endfor %}"})

    assert found.startswith("templates/a.html:1: its HTML has over 102 KiB: Gmail shows no more of it")


def test_a_mail_without_mjml_does_not_load_its_library() -> None:
    program = (
        "import sys, drumbeat.planning.render, drumbeat.configuration.document\n"
        "from drumbeat.planning import actions\n"
        "actions.get('send_email'); print('mjml' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout == "False\n"
