"""No value that a person types changes what a mail consists of: its tags, its attributes, its headers, its links.

Each template is filled with a harmless value and with each hostile one, and what an HTML parser makes of the results is
the same but for the value itself.
"""

from collections.abc import Mapping
from html.parser import HTMLParser

import pytest

from drumbeat.core.actions import SendEmail
from drumbeat.core.configuration import Config
from drumbeat.planning.render import Unrenderable, render
from tests.unit.configuration.samples import config, event
from tests.unit.planning.hostile import HOSTILE
from tests.unit.planning.test_render import EFFECT
from tests.unit.planning.test_template_parts import FLOW

HARMLESS = "Ada"
FRONT = '---\npreheader: "For {{ payload.x }}"\n---\n'
X = "{{ payload.x }}"
HTML = f"""{FRONT}<html><head><title>{X}</title><style>.a {{ color: {X}; }}</style></head><body class="{X}">
<p title='{X}'>{X}</p><a href="https://a.example/?q={X}" style="color:{X}">{X}</a><!-- {X} -->
<table><tr>{{% for each in payload.xs %}}<td data-x="{{{{ each }}}}">{{{{ each }}}}</td>{{% endfor %}}</tr></table>
<a href="{X}">{X}</a>{{% include "parts/x.html" %}}</body></html>"""
MJML = f"""{FRONT}<mjml><mj-head><mj-title>{X}</mj-title><mj-preview>{X}</mj-preview>
<mj-style>.a {{ color: {X}; }}</mj-style>
<mj-attributes><mj-class name="c" color="{X}" /></mj-attributes></mj-head>
<mj-body background-color="{X}"><mj-section css-class="{X}"><mj-column>
<mj-text mj-class="c">{X}<b title='{X}'>{X}</b></mj-text><mj-button href="https://a.example/?q={X}">{X}</mj-button>
<mj-image src="https://a.example/x.png" alt="{X}" href="{X}" title="{X}" /><mj-raw><i>{X}</i></mj-raw>
<mj-table>{{% for each in payload.xs %}}<tr><td>{{{{ each }}}}</td></tr>{{% endfor %}}</mj-table>
<mj-social><mj-social-element name="web" href="{X}">{X}</mj-social-element></mj-social>
<mj-text>{{% include "parts/x.html" %}}</mj-text></mj-column></mj-section></mj-body></mjml>"""
TEXT = f"Hello {X},\n\n{{% for each in payload.xs %}}- {{{{ each }}}}\n{{% endfor %}}\n{{% include 'parts/x.txt' %}}\n"
PARTS = {"parts/x.html": f'<u class="{X}">{X}</u>', "parts/x.txt": f"({X})"}
KINDS: Mapping[str, Mapping[str, str]] = {
    "html": {"letter.html": HTML},
    "mjml": {"letter.mjml": MJML},
    "text": {"letter.txt": TEXT},
}


class Structure(HTMLParser):
    """The tags of a document in order, each with the names of its attributes; comments by number."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, ...]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(("open", tag, *sorted(name for name, _ in attrs)))

    def handle_endtag(self, tag: str) -> None:
        self.seen.append(("close", tag))

    def handle_comment(self, data: str) -> None:
        self.seen.append(("comment", str(data.startswith("[if"))))

    def handle_decl(self, decl: str) -> None:
        self.seen.append(("declaration", decl))

    def handle_pi(self, data: str) -> None:
        self.seen.append(("instruction",))

    def unknown_decl(self, data: str) -> None:
        self.seen.append(("unknown",))


@pytest.fixture(scope="module")
def versions() -> Mapping[str, Config]:
    return {kind: config(FLOW, templates={**files, **PARTS}) for kind, files in KINDS.items()}


def mail(version: Config, value: str) -> SendEmail:
    made = render(event({"x": value, "xs": [value, value]}), version, "f", "s", effect_id=EFFECT)
    assert isinstance(made, SendEmail)
    return made


def without_breaks(value: str) -> str:
    """Return a value as it may stand in a preheader, which is one line."""
    return "".join(each if each.isprintable() else " " for each in value)


def test_there_are_many_hostile_values() -> None:
    assert len(HOSTILE) >= 200


@pytest.mark.parametrize("kind", ["html", "mjml"])
def test_no_value_changes_the_structure_of_a_mail(versions: Mapping[str, Config], kind: str) -> None:
    version = versions[kind]
    harmless = Structure(mail(version, HARMLESS).html or "").seen
    assert len(harmless) > 25

    changed = []
    for value in HOSTILE:
        try:
            html = mail(version, without_breaks(value)).html
        except Unrenderable as refused:
            images = "html names an image" in str(refused) and "url(" in value  # in a style, by another way than https
            changed += [] if images else [value]
            continue
        if Structure(html or "").seen != harmless:
            changed.append(value)

    assert changed == []


@pytest.mark.parametrize("kind", ["html", "mjml"])
def test_control_characters_in_a_body_change_nothing_either(kind: str) -> None:
    files = {name: text.removeprefix(FRONT) for name, text in KINDS[kind].items()}
    version = config(FLOW, templates={**files, **PARTS})
    harmless = Structure(mail(version, HARMLESS).html or "").seen

    for value in (each for each in HOSTILE if not each.isprintable()):
        try:
            html = mail(version, value).html
        except Unrenderable:
            continue  # that mail alone
        assert Structure(html or "").seen == harmless, value


def test_a_value_stands_in_a_text_as_it_was_typed(versions: Mapping[str, Config]) -> None:
    for value in HOSTILE:
        assert mail(versions["text"], value).text == f"Hello {value},\n\n- {value}\n- {value}\n({value})"


def test_the_text_that_is_made_has_the_lines_of_the_harmless_one(versions: Mapping[str, Config]) -> None:
    harmless = len((mail(versions["mjml"], HARMLESS).text or "").splitlines())

    for value in (each for each in HOSTILE if each.isprintable() and each.strip()):
        text = mail(versions["mjml"], value).text
        assert text is not None
        assert len(text.splitlines()) == harmless, value


def test_no_value_makes_a_header_of_its_own() -> None:
    """A subject and a preheader are one line, or the mail is refused."""
    version = config(FLOW.replace("subject: Hi", 'subject: "Hi {{ payload.x }}"'), templates={"letter.txt": "Hi"})

    for value in HOSTILE:
        try:
            subject = mail(version, value).subject
        except Unrenderable:
            assert not value.isprintable()
            continue
        assert len(subject.splitlines()) == 1
        assert subject == f"Hi {value}".strip()


def test_no_value_is_an_image_from_elsewhere() -> None:
    version = config(FLOW, templates={"letter.html": f"<img src='{X}'>"})
    harmless = Structure(mail(version, "https://a.example/x.png").html or "").seen

    for value in HOSTILE:
        try:
            html = mail(version, value).html
        except Unrenderable:
            continue
        assert Structure(html or "").seen == harmless, value
