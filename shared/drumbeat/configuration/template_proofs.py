"""What a template makes of made-up values: that mails can be made of it, and that mail programs show all of it.

What fails with made-up values is a warning: what people have may do. What is written so that no mail can be made of it,
whatever they have, is a mistake, unless a step writes that part itself.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from drumbeat.configuration.mjml_faults import unknown_elements, unreadable
from drumbeat.configuration.template_addresses import doubtful_links, unsafe_images
from drumbeat.core.compatibility import SEMANTICS
from drumbeat.core.configuration import Template
from drumbeat.planning.arguments import Unusable, one_line, text
from drumbeat.planning.context import Variables
from drumbeat.planning.fault_places import place_of
from drumbeat.planning.mail_checks import CLIPPED_AT
from drumbeat.planning.mjml import NotMjml, to_html
from drumbeat.planning.sample_values import sample_values

PARTS = ("subject", "preheader", "text", "html")
LINES = ("subject", "preheader")  # stand in front of the words, on one line each


@dataclass(frozen=True, slots=True)
class Found:
    """Something about one file, or about what stands in front of a template; a warning when it can be used."""

    file: str  # or one of LINES
    line: int
    message: str
    is_warning: bool = False


def prove(name: str, template: Template, replaced: Collection[str] = (), *, is_used: bool = False) -> Iterator[Found]:
    """Yield what is wrong with a template that can be read as a text.

    `replaced` are the parts of it that some step writes itself: what is wrong there may keep no mail back. One that
    other files use need not be a mail by itself: it is filled with them.
    """
    values = Variables(sample_values([each for part in PARTS for each in _sources(template, part)]), SEMANTICS)
    if is_used:
        yield from (found for found in _html(name, template, values) if not found.is_warning)
        return
    if not any(source.strip() for source in (template.markup, template.text) if source is not None):
        message = "it has no words below its front matter, and no mail goes without; write some"
        yield Found(_file(name, template, "html"), 0, message, bool({"html", "text"} & set(replaced)))
    for part, source in (("subject", template.subject), ("preheader", template.preheader), ("text", template.text)):
        if source is not None and (error := _unusable(part, source, template, values)) is not None:
            if "{" in source:
                yield _doubt(name, template, part, error)
            else:
                is_warning = part in replaced or (part == "preheader" and template.markup is None)
                message = f"{error}, so no mail can be made of it; shorten it to one line"
                yield Found(*_place(name, template, part, None), message, is_warning)
    yield from _html(name, template, values)


def replaced_in(document: object) -> Mapping[str, frozenset[str]]:
    """Return, for each template, which parts of it steps of a document write themselves."""
    found: dict[str, frozenset[str]] = {}
    for section in ("flows", "campaigns"):
        for entry in _mapping(_mapping(document).get(section)).values():
            steps = _mapping(entry).get("steps")
            for step in steps if isinstance(steps, list) else []:
                own = _mapping(_mapping(step).get("with"))
                if isinstance(name := own.get("template"), str):
                    parts = {part for part in ("subject", "text", "html") if own.get(part) is not None}
                    found[name] = found.get(name, frozenset()) | parts
    return found


def _mapping(value: object) -> Mapping[object, object]:
    return value if isinstance(value, dict) else {}


def _unusable(part: str, source: str, template: Template, values: Variables) -> Unusable | None:
    try:
        filled = text(source, part, values, parts=template.parts)
        if part in LINES:
            one_line(filled, part)
    except Unusable as error:
        return error
    return None


def _doubt(name: str, template: Template, part: str, error: Unusable) -> Found:
    message = (
        f"filled with made-up values it fails: {error}. Where people have other values it may do: see"
        f" drumbeat preview {name} --lead ADDRESS"
    )
    return Found(*_place(name, template, part, place_of(error)), message, True)


def _place(name: str, template: Template, part: str, place: tuple[str | None, int] | None) -> tuple[str, int]:
    """Return the file, or one of LINES, and the line there."""
    file, line = place or (None, 1)
    return file or _file(name, template, part), line


def _file(name: str, template: Template, part: str) -> str:
    if part in LINES:
        return part
    if part == "text" or template.markup is None:
        return f"{name}.txt"
    return f"{name}.html" if template.mjml is None else f"{name}.mjml"


def _sources(template: Template, part: str) -> Iterator[str]:
    if part not in LINES:
        yield from template.sources(part)
    elif (line := getattr(template, part)) is not None:
        yield line


def _html(name: str, template: Template, values: Variables) -> Iterator[Found]:
    """Yield what is wrong with the HTML, or with what is to become it."""
    if (markup := template.markup) is None:
        return
    file = _file(name, template, "html")
    files = {file: markup} | {name: text for name, text in template.parts if not name.endswith(".txt")}
    for one, written in files.items():
        yield from (Found(one, line, message) for line, message in unsafe_images(written))
        yield from (Found(one, line, message, True) for line, message in doubtful_links(written))
    if template.mjml is not None:
        unknown = [Found(one, *each) for one, written in files.items() for each in unknown_elements(written)]
        if unknown:
            yield from unknown
            return
    try:
        html = text(markup, "html", values, html=True, parts=template.parts)
        if template.mjml is not None and html.strip():
            html = to_html(html)
    except Unusable as error:
        yield _doubt(name, template, "html", error)
        return
    except NotMjml as fault:
        yield _placed(file, files, fault)
        return
    if len(html.encode()) > CLIPPED_AT:
        yield Found(file, 1, f"its HTML has over {CLIPPED_AT // 1024} KiB: Gmail shows no more of it; shorten it", True)


def _placed(file: str, files: Mapping[str, str], fault: NotMjml) -> Found:
    """Return the fault in the file and line that shows it, else in the template's first line."""
    for name, written in files.items():
        if (found := unreadable(written)) is not None:
            return Found(name, *found)
    return Found(file, 1, f"{fault}; it is only seen once it is filled, so look at what its loops and conditions make")
