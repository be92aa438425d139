"""What a template makes without values and of made-up ones: that mails can be made of it, and show all of it.

What fails whatever the values are is a mistake. What fails with made-up values alone is a warning: what people have may
do. So is what fails in words that a step writes itself.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from drumbeat.configuration.mjml_faults import unknown_elements, unreadable
from drumbeat.configuration.template_addresses import doubtful_links, unsafe_images
from drumbeat.core.compatibility import SEMANTICS
from drumbeat.core.configuration import Template
from drumbeat.planning.arguments import Unusable, one_line, text
from drumbeat.planning.constant_texts import Certain, without_values
from drumbeat.planning.context import Variables
from drumbeat.planning.fault_places import place_of
from drumbeat.planning.mail_checks import CLIPPED_AT
from drumbeat.planning.mjml import NotMjml, to_html
from drumbeat.planning.sample_values import sample_values

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
    if is_used:
        seen = Variables(sample_values(template.sources("html")), SEMANTICS)
        yield from (found for found in _html(name, template, seen) if not found.is_warning)
        return
    made: dict[str, Certain] = {}
    words = {"subject": template.subject, "preheader": template.preheader, "text": template.text}
    for part, source in (words | {"html": template.markup}).items():
        if source is not None:
            made[part] = without_values(source, html=part == "html", parts=template.parts)
    is_known = set()
    for part, certain in made.items():
        if (fault := _certain_fault(part, certain)) is not None:
            is_known.add(part)
            is_warning = part in replaced or (part == "preheader" and template.markup is None)
            yield Found(*_place(name, template, part, certain.place), fault, is_warning)
    bodies = [made[part] for part in ("html", "text") if part in made]
    if bodies and all(each.whole and each.reason is None and not each.text.strip() for each in bodies):
        is_warning = bool({"html", "text"} & set(replaced))
        yield Found(
            _file(name, template, "html"),
            0,
            "it has no words below its front matter, and no mail goes without; write some",
            is_warning,
        )
    values = Variables(sample_values([each for part in made for each in _sources(template, part)]), SEMANTICS)
    for part in [part for part in ("subject", "preheader", "text") if part in made and part not in is_known]:
        try:
            filled = text(words[part], part, values, parts=template.parts)
            if part in LINES:
                one_line(filled, part)
        except Unusable as error:
            yield _doubt(name, template, part, error)
    yield from _html(name, template, None if "html" in is_known else values)


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


def _certain_fault(part: str, certain: Certain) -> str | None:
    label = f"{part}: " if part in LINES else ""
    if certain.reason is not None:
        return f"{label}{certain.reason}, so no mail can be made of it; take that out"
    if part in LINES:
        try:
            one_line(certain.text, part)
        except Unusable as error:
            return f"{error}, so no mail can be made of it; shorten it to one line"
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
    if part in LINES:
        yield getattr(template, part)
    else:
        yield from template.sources(part)


def _html(name: str, template: Template, values: Variables | None) -> Iterator[Found]:
    """Yield what is wrong with the HTML, or with what is to become it; it is filled where there are values."""
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
    if values is None:
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
