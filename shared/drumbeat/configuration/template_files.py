"""The folder of templates: NAME.mjml, NAME.html and NAME.txt, their subject in front; and parts in folders of it."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Any

from drumbeat.configuration import yaml_lines
from drumbeat.configuration.template_parts import is_part, kind_of, names_set_in, reached, reference_faults
from drumbeat.configuration.template_proofs import LINES, Found, prove
from drumbeat.core.configuration import NAME, Template
from drumbeat.core.errors import Mistake
from drumbeat.core.suggestions import instead
from drumbeat.planning.text_checks import faults

FOLDER = "templates"
FENCE = "---"
BYTE_ORDER_MARK = "\ufeff"  # some editors, Notepad among them, put it in front of UTF-8; no word of a mail
_IN_EVERY_ONE = ("subject", "html", "text")  # the release before reads them
LONGEST_FILE = 400 * 1024  # characters
NOTHING: Mapping[str, Collection[str]] = MappingProxyType({})
_HIDDEN = "?"  # instead of a subject that cannot be read: that it is missing would be a second, untrue mistake


@dataclass(slots=True)
class _File:
    """One file: its front matter, and its text below that, which begins after `offset` lines."""

    front: dict[str, str] = field(default_factory=dict)
    body: str = ""
    offset: int = 0
    lines: dict[str, int] = field(default_factory=dict)  # of the fields in front
    hides: bool = False  # a mistake keeps its front matter from being read whole, so a subject may be there


def read_templates(
    files: Mapping[str, str],
    warn: Callable[[Mistake], None] = lambda _: None,
    replaced: Mapping[str, Collection[str]] = NOTHING,
) -> tuple[dict[str, Template], list[Mistake]]:
    """Read the files by name; the mistakes name file and line. A template with mistakes is there all the same.

    Templates without mistakes are tried without values and with made-up ones; `warn` gets what is to be said of them.
    `replaced` are the parts of templates that some step writes itself.
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
    wrong = {mistake.file for mistake in mistakes}
    used = {other for file in read for other in reached(file, texts)}
    for name, template in templates.items():
        kinds = {f"{name}.{kind}": one for kind, one in named[name].items()}
        if any(f"{FOLDER}/{file}" in wrong for file in [*kinds, *(part for part, _ in template.parts)]):
            continue
        for shown in prove(name, template, replaced.get(name, ()), is_used=bool(used & kinds.keys())):
            file, line = _place(shown, kinds, read)
            mistake = Mistake(f"{FOLDER}/{file}", line, shown.message)
            (warn if shown.is_warning else mistakes.append)(mistake)
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


def _place(shown: Found, kinds: Mapping[str, _File], read: Mapping[str, _File]) -> tuple[str, int]:
    """Return the file, and the line of the whole file."""
    if shown.file in LINES:
        return next((file, one.lines[shown.file]) for file, one in sorted(kinds.items()) if shown.file in one.lines)
    return shown.file, max(read[shown.file].offset + shown.line, 1)


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
    fields, lines = _front(file, front, LINES, mistakes)
    return _File(fields, rest, front.count("\n") + 3, lines, hides=len(mistakes) > before)


def _front(
    file: str, front: str, known: Collection[str], mistakes: list[Mistake]
) -> tuple[dict[str, str], dict[str, int]]:
    """Return the fields that stand in front of a template, as far as they are right, and their lines."""
    read = yaml_lines.read(front, file)
    mistakes += [Mistake(file, mistake.line + 1, mistake.message) for mistake in read.mistakes]
    if read.data is None:
        return {}, {}
    if not isinstance(read.data, dict):
        mistakes.append(Mistake(file, 2, 'the front matter holds fields: subject: "Welcome"'))
        return {}, {}
    fields: dict[str, str] = {}
    lines: dict[str, int] = {}
    for name, words in read.data.items():
        line = read.line((name,)) + 1
        if name not in known:
            mistakes.append(Mistake(file, line, f"there is no field {name} here; {instead(str(name), known)}"))
        elif isinstance(words, str):
            mistakes += [Mistake(file, line, f"{name}: {message}") for _, message in faults(words)]
            fields[name], lines[name] = words, line
        elif words is not None:
            mistakes.append(Mistake(file, line, f"{name} must be text; put quotes around it"))
    return fields, lines
