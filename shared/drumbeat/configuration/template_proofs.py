"""What a template makes of made-up values: that its MJML can be read, and that mail programs show all of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import takewhile

from drumbeat.configuration.mjml_faults import unknown_elements, unreadable, without_jinja
from drumbeat.core.compatibility import SEMANTICS
from drumbeat.core.configuration import Template
from drumbeat.planning.arguments import Unusable
from drumbeat.planning.context import Variables
from drumbeat.planning.mail_bodies import filled_markup
from drumbeat.planning.mail_checks import CLIPPED_AT
from drumbeat.planning.mail_images import image_addresses, may_be_safe
from drumbeat.planning.mjml import NotMjml, to_html
from drumbeat.planning.sample_values import sample_values

# What is loaded from somewhere and is no image.
_NO_IMAGES = frozenset({"audio", "embed", "frame", "iframe", "script", "source", "track", "video"})


@dataclass(frozen=True, slots=True)
class Found:
    """Something about one file; a warning when it does not keep the template from being used."""

    file: str
    line: int
    message: str
    is_warning: bool = False


def prove(file: str, template: Template) -> Iterator[Found]:
    """Yield what is wrong with a template that can be read as a text; `file` is that of its HTML or MJML.

    What its texts ask of values that are made up cannot always be given: then it is not proven, which is no mistake.
    """
    files = {file: template.markup or ""} | {name: text for name, text in template.parts if not name.endswith(".txt")}
    for name, text in files.items():
        yield from (Found(name, line, message) for line, message in _unsafe_images(text))
    if template.mjml is not None:
        unknown = [Found(name, *each) for name, text in files.items() for each in unknown_elements(text)]
        if unknown:
            yield from unknown
            return
    try:
        html = filled_markup(template, Variables(sample_values(template.sources("html")), SEMANTICS)) or ""
        if template.mjml is not None and html.strip():
            html = to_html(html)
    except Unusable:
        return
    except NotMjml as fault:
        yield _placed(file, files, fault)
        return
    if len(html.encode()) > CLIPPED_AT:
        yield Found(file, 1, f"its HTML has over {CLIPPED_AT // 1024} KiB: Gmail shows no more of it; shorten it", True)


def _unsafe_images(text: str) -> Iterator[tuple[int, str]]:
    for place, address in image_addresses(without_jinja(text, "{")):
        if not may_be_safe(address):
            scheme, colon, _ = address[:12].partition(":")
            what = f"is by {scheme}:" if colon else "has no whole address"
            loaded = _loaded(text[place:])
            message = f"{loaded} is loaded by https, and this one {what}; write where it is: https://…"
            yield text.count("\n", 0, place) + 1, message


def _loaded(tag: str) -> str:
    """Name what a tag loads, which need not be an image."""
    name = "".join(takewhile(lambda letter: letter.isalnum() or letter == "-", tag[1:])).lower()
    return f"the content of <{name}>" if name in _NO_IMAGES else "an image of a mail"


def _placed(file: str, files: Mapping[str, str], fault: NotMjml) -> Found:
    """Return the fault in the file and line that shows it, else in the template's first line."""
    for name, text in files.items():
        if (found := unreadable(text)) is not None:
            return Found(name, *found)
    return Found(file, 1, f"{fault}; it is only seen once it is filled, so look at what its loops and conditions make")
