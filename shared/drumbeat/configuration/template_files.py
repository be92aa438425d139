"""The folder of templates: NAME.mjml, NAME.html and NAME.txt, their subject in front; and parts in folders of it."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from drumbeat.configuration import yaml_lines
from drumbeat.configuration.template_parts import is_part, kind_of, names_set_in, reached, reference_faults
from drumbeat.configuration.template_proofs import Found, prove
from drumbeat.core.configuration import NAME, Template
from drumbeat.core.errors import Mistake
from drumbeat.core.suggestions import instead
from drumbeat.planning.text_checks import faults

FOLDER = "templates"
FENCE = "---"
BYTE_ORDER_MARK = "\ufeff"  # some editors, Notepad among them, put it in front of UTF-8; no word of a mail
FRONT_FIELDS = ("subject", "preheader")
_IN_EVERY_ONE = ("subject", "html", "text")  # the release before reads them
LONGEST_FILE = 400 * 1024  # characters
_HIDDEN = "?"  # instead of a subject that cannot be read: that it is missing would be a second, untrue mistake


@dataclass(slots=True)
class _File:
    """One file: its front matter, and its text below that, which begins after `offset` lines."""

    front: dict[str, str] = field(default_factory=dict)
    body: str = ""
    offset: int = 0
    hides: bool = False  # a mistake keeps its front matter from being read whole, so a subject may be there


def read_templates(
    files: Mapping[str, str], warn: Callable[[Mistake], None] = lambda _: None
) -> tuple[dict[str, Template], list[Mistake]]:
    """Read the files by name; the mistakes name file and line. A template with mistakes is there all the same.

    Templates without mistakes are tried with made-up values; `warn` gets what is to be said of them.
    """
    mistakes: list[Mistake] = []
    read: dict[str, _File] = {}
    for file in sorted(files):
        if _name(file) is None and not is_part(file):
            mistakes.append(
                Mistake(
                    f"{FOLDER}/{file}",
                    1,
                    "a template is NAME.mjml, NAME.html or NAME.txt, and a part one of these in a folder beside them;"
                    " rename or move it",
                )
            )
            continue
        read[file] = _read(file, files[file].removeprefix(BYTE_ORDER_MARK).replace("\r\n", "\n"), mistakes)
    texts = {file: one.body for file, one in read.items()}
    everywhere = names_set_in(texts.values())
    for file, one in read.items():
        own = names_set_in(texts[other] for other in reached(file, texts))
        found = [*faults(one.body, beside=everywhere if is_part(file) else own), *reference_faults(file, texts)]
        mistakes += [Mistake(f"{FOLDER}/{file}", one.offset + line, message) for line, message in found]
    named: dict[str, dict[str, _File]] = {}
    for file, one in read.items():
        if (name := _name(file)) is not None:
            named.setdefault(name, {})[kind_of(file)] = one
    templates = {name: _template(name, kinds, texts, mistakes) for name, kinds in named.items()}
    for shown in _proven(templates, {mistake.file for mistake in mistakes}):
        mistake = Mistake(f"{FOLDER}/{shown.file}", read[shown.file].offset + shown.line, shown.message)
        if shown.is_warning:
            warn(mistake)
        else:
            mistakes.append(mistake)
    return templates, mistakes


def stored(templates: Mapping[str, Template]) -> dict[str, Any]:
    """Return templates as `Config.load` reads them: the parts once for all."""
    parts = dict(part for template in templates.values() for part in template.parts)
    return {
        "templates": {name: _stored(template) for name, template in templates.items()},
        **({"parts": parts} if parts else {}),
    }


def _stored(template: Template) -> dict[str, Any]:
    fields = asdict(template) | {"parts": [name for name, _ in template.parts]}
    return {name: value for name, value in fields.items() if name in _IN_EVERY_ONE or value not in (None, [])}


def _proven(templates: Mapping[str, Template], wrong: Collection[str]) -> Iterator[Found]:
    for name, template in templates.items():
        file = f"{name}.html" if template.mjml is None else f"{name}.mjml"
        made_of = [file, *(part for part, _ in template.parts)]
        if template.markup is not None and not any(f"{FOLDER}/{each}" in wrong for each in made_of):
            yield from prove(file, template)


def _name(file: str) -> str | None:
    """Return the name of the template that a file belongs to; None: it belongs to none."""
    name, kind = file.removesuffix(f".{kind_of(file)}"), kind_of(file)
    return name if kind and re.fullmatch(NAME, name) else None


def _template(name: str, kinds: Mapping[str, _File], texts: Mapping[str, str], mistakes: list[Mistake]) -> Template:
    front: dict[str, str] = {}
    for kind, one in sorted(kinds.items()):
        for what, words in one.front.items():
            if front.setdefault(what, words) != words:
                message = f"another {what} than in {name}.{min(kinds)}; keep one of the two"
                mistakes.append(Mistake(f"{FOLDER}/{name}.{kind}", 2, message))
    html, plain, mjml = kinds.get("html"), kinds.get("txt"), kinds.get("mjml")
    if html and mjml:
        message = f"{name}.html is there, too, and a mail has one of them; delete one"
        mistakes.append(Mistake(f"{FOLDER}/{name}.mjml", 1, message))
    if any(one.hides for one in kinds.values()):
        front.setdefault("subject", _HIDDEN)
    parts = dict.fromkeys(part for kind in kinds for part in reached(f"{name}.{kind}", texts))
    return Template(
        subject=front.get("subject"),
        html=html.body if html else None,
        text=plain.body if plain else None,
        mjml=mjml.body if mjml else None,
        preheader=front.get("preheader"),
        parts=tuple((part, texts[part]) for part in parts),
    )


def _read(name: str, text: str, mistakes: list[Mistake]) -> _File:
    """Take one file apart."""
    file = f"{FOLDER}/{name}"
    if len(text) > LONGEST_FILE:
        message = f"over {LONGEST_FILE // 1024} KiB; mails that long are cut or refused; shorten it"
        mistakes.append(Mistake(file, 1, message))
        return _File(hides=True)
    if fault := yaml_lines.unstorable(text):
        mistakes.append(Mistake(file, text.count("\n", 0, text.find("\0") + 1) + 1, fault))
        return _File(hides=True)
    if not text.startswith(f"{FENCE}\n"):
        return _File(body=text)
    if is_part(name):
        mistakes.append(Mistake(file, 1, "front matter belongs to a template, and this is a part; delete it"))
    front, fence, rest = text.removeprefix(f"{FENCE}\n").partition(f"\n{FENCE}\n")
    if not fence:
        mistakes.append(Mistake(file, 1, "the front matter does not end; put --- on a line of its own below it"))
        return _File(body=text, hides=True)
    before = len(mistakes)
    fields = _front(file, front, FRONT_FIELDS, mistakes)
    return _File(fields, rest, front.count("\n") + 3, hides=len(mistakes) > before)


def _front(file: str, front: str, known: Collection[str], mistakes: list[Mistake]) -> dict[str, str]:
    """Return the fields that stand in front of a template, as far as they are right."""
    read = yaml_lines.read(front, file)
    mistakes += [Mistake(file, mistake.line + 1, mistake.message) for mistake in read.mistakes]
    if read.data is None:
        return {}
    if not isinstance(read.data, dict):
        mistakes.append(Mistake(file, 2, 'the front matter holds fields: subject: "Welcome"'))
        return {}
    fields: dict[str, str] = {}
    for name, words in read.data.items():
        line = read.line((name,)) + 1
        if name not in known:
            mistakes.append(Mistake(file, line, f"there is no field {name} here; {instead(str(name), known)}"))
        elif isinstance(words, str):
            mistakes += [Mistake(file, line, f"{name}: {message}") for _, message in faults(words)]
            fields[name] = words
        elif words is not None:
            mistakes.append(Mistake(file, line, f"{name} must be text; put quotes around it"))
    return fields
