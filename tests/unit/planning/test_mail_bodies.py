"""What a mail consists of beside its words: a text, a preheader, images by https; and none of it by older rules."""

import pytest

from drumbeat.configuration.document import compile_document
from drumbeat.core.actions import SendEmail
from drumbeat.core.configuration import Config
from drumbeat.core.errors import ConfigError, Mistake
from drumbeat.planning.preheader import with_preheader
from drumbeat.planning.render import Unrenderable, render
from tests.unit.configuration.samples import config, event
from tests.unit.planning.test_mjml import mjml
from tests.unit.planning.test_render import EFFECT
from tests.unit.planning.test_template_parts import FLOW

FRONT = '---\npreheader: "News for {{ payload.name }}"\n---\n'


def mail(version: Config, name: str = "Ada", **payload: object) -> SendEmail:
    made = render(event({"name": name, **payload}), version, "f", "s", effect_id=EFFECT)
    assert isinstance(made, SendEmail)
    return made


def letter(html: str, *, text: str | None = None, kind: str = "html") -> Config:
    return config(FLOW, templates={f"letter.{kind}": html} | ({} if text is None else {"letter.txt": text}))


def mistakes(text: str, kind: str = "html") -> list[str]:
    try:
        compile_document("version: 1", {f"a.{kind}": text})
    except ConfigError as refused:
        return [f"{each.file}:{each.line}: {each.message}" for each in refused.mistakes]
    return []


@pytest.mark.parametrize("kind", ["html", "mjml"])
def test_a_mail_without_a_text_has_one_of_its_html(kind: str) -> None:
    words = '<p>Hi {{ payload.name }}, <a href="https://a.example">look</a>.</p>'
    whole = words if kind == "html" else mjml(f"<mj-text>{words}</mj-text>")

    assert mail(letter(whole, kind=kind), "A & B").text == "Hi A & B, look (https://a.example).\n"


def test_a_text_that_is_written_stays() -> None:
    assert mail(letter("<p>html</p>", text="text")).text == "text"


def test_a_text_that_comes_out_empty_is_left_out() -> None:
    assert mail(letter("<p>html</p>", text="{% if payload.name == 'x' %}text{% endif %}")).text is None


def test_by_older_rules_a_mail_is_what_is_written() -> None:
    version = letter(f'{FRONT}<body><img src="{{{{ payload.x }}}}">')

    made = mail(version.by(4), x="http://a.example")

    assert (made.html, made.text) == ('<body><img src="http://a.example">', None)


def test_the_preheader_is_hidden_at_the_top_of_the_body_and_not_in_the_text() -> None:
    made = mail(letter(f'{FRONT}<html><body class="a > b"><h1>Hi</h1></body></html>'), "<b>&")

    assert made.html is not None
    assert made.html.startswith('<html><body class="a > b"><div style="display:none;')
    assert ">News for &lt;b&gt;&amp;&#847;" in made.html
    assert made.text == "Hi\n==\n"


def test_a_preheader_stands_in_front_of_html_without_a_body_and_in_mjml() -> None:
    plain, whole = mail(letter(f"{FRONT}<p>Hi")), mail(letter(FRONT + mjml("<mj-text>Hi</mj-text>"), kind="mjml"))

    assert plain.html is not None
    assert whole.html is not None
    assert plain.html.startswith('<div style="display:none;')
    assert whole.html.index("<body") < whole.html.index("News for Ada") < whole.html.index(">Hi<")


def test_a_body_in_a_comment_is_none() -> None:
    html = "<!--[if mso]><body class=outlook><![endif]--><!--[if !mso]><!--><body><!--<![endif]-->Hi"

    made = with_preheader(html, "News")

    assert made.startswith("<!--[if mso]><body class=outlook><![endif]--><!--[if !mso]><!--><body><div")


def test_a_preheader_that_comes_out_empty_is_none_and_one_of_two_lines_is_refused() -> None:
    version = letter(FRONT.replace("News for ", "") + "<p>Hi")

    assert mail(version, "").html == "<p>Hi"
    with pytest.raises(Unrenderable, match="preheader holds a line break"):
        mail(version, "a\nb")


@pytest.mark.parametrize(
    ("text", "kind", "line"),
    [
        ('<p>\n<img src="http://a.example/x.png">', "html", 2),
        ("---\nsubject: s\n---\n<p>\n<img alt='a' src='HTTP://a.example/{{ payload.x }}'>", "html", 5),
        ('<img src="data:image/png;base64,AAAA">', "html", 1),
        ('<img src="/logo.png">', "html", 1),
        ('<img src="//a.example/logo.png">', "html", 1),
        ("<img src=cid:logo>", "html", 1),
        ('<td background="http://a.example/x.png">', "html", 1),
        ("<td style=\"background:url('http://a.example/x.png')\">", "html", 1),
        (mjml('<mj-image src="http://a.example/x.png" />'), "mjml", 2),
        ('<mjml><mj-body><mj-section background-url="http://a.example/x.png" /></mj-body></mjml>', "mjml", 1),
    ],
)
def test_an_image_that_is_not_loaded_by_https_is_a_mistake(text: str, kind: str, line: int) -> None:
    (found,) = mistakes(text, kind)

    assert found.startswith(f"templates/a.{kind}:{line}: an image of a mail is loaded by https, and this one ")


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"a.html": "<p>\n<a class='x' href=\"javascript:alert(1)\">x</a>"}, "a.html:2: a link is by javascript:"),
        ({"a.html": "<a href=' JAVA&#10;script:x'>x</a>"}, "a.html:1: a link is by JAVAscript:"),
        ({"a.mjml": mjml('<mj-button href="file:///x">x</mj-button>')}, "a.mjml:2: a link is by file:"),
        (
            dict.fromkeys(("a.html", "b.html"), '{% include "p/b.html" %}') | {"p/b.html": "<a href=data:x>x</a>"},
            "p/b.html:1: a link is by data:",
        ),
    ],
)
def test_a_link_that_no_mail_program_opens_is_warned_of_once(files: dict[str, str], expected: str) -> None:
    found: list[Mistake] = []

    compile_document("version: 1", files, warn=found.append)

    (warning,) = found
    assert str(warning).startswith(f"templates/{expected}")


@pytest.mark.parametrize("link", ["https://a.example", "mailto:a@b.example", "tel:+49", "#top", "{{ payload.link }}:x"])
def test_a_link_that_may_lead_somewhere_is_not_warned_of(link: str) -> None:
    found: list[Mistake] = []

    compile_document("version: 1", {"a.html": f'<link href="data:x"><a href="{link}">x</a>'}, warn=found.append)

    assert found == []


def test_what_is_loaded_and_is_no_image_is_called_what_it_is() -> None:
    (found,) = mistakes('<p>\n<iframe src="javascript:x"></iframe>', "html")

    assert found.startswith(
        "templates/a.html:2: the content of <iframe> is loaded by https, and this one is by javascr"
    )


@pytest.mark.parametrize(
    "text",
    [
        '<img src="https://a.example/x.png?a=1&amp;b=2">',
        '<img src="{{ payload.image }}">',
        '<img src="{% if payload.x %}https://a.example/x{% endif %}">',
        '<img src="https://a.example/{{ payload.x }}.png">',
        '<p>src="http://a.example/x.png"</p>',
        '<a href="http://a.example">x</a>',
        '<img src="">',
    ],
)
def test_other_addresses_are_none_of_an_image(text: str) -> None:
    assert mistakes(text) == []


ADDRESSES = [
    "http://a.example/x.png",
    "data:image/png;base64,AA",
    "x.png",
    "https://a/') url('https://b",
    "https://a b",
]
PLACES = [
    '<img src="{{ payload.x }}">',
    '<td style="background: url({{ payload.x }})">',
    '<td background="{{ payload.x }}">',
]


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("html", PLACES)
def test_an_image_whose_address_is_filled_and_not_https_costs_its_own_mail_alone(address: str, html: str) -> None:
    version = letter(f"Hi {html}")

    assert mail(version, x="https://a.example/x.png?a=1&b=2").html
    with pytest.raises(Unrenderable, match="html names an image whose address is none of https"):
        mail(version, x=address)


def test_a_preheader_is_checked_as_the_subject_is() -> None:
    assert mistakes('---\npreheader: "{{ nobdy }}"\n---\nx')[0].startswith("templates/a.html:2: preheader: a text sees")
    assert "preheader must be text" in mistakes("---\npreheader: 5\n---\nx")[0]
