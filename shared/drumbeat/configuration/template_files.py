"""The folder of templates: NAME.html and NAME.txt, with the mail's subject in front."""

import re
from collections.abc import Mapping

from drumbeat.configuration import yaml_lines
from drumbeat.core.configuration import NAME, Template
from drumbeat.core.errors import Mistake
from drumbeat.core.suggestions import instead
from drumbeat.planning.text_checks import faults

FOLDER = "templates"
FENCE = "---"
LONGEST_FILE = 400 * 1024  # characters


def read_templates(files: Mapping[str, str]) -> tuple[dict[str, Template], list[Mistake]]:
    """Read the files by name; the mistakes name file and line. A template with mistakes is there all the same."""
    mistakes: list[Mistake] = []
    subjects: dict[str, dict[str, str]] = {}
    bodies: dict[str, dict[str, str]] = {}
    for file in sorted(files):
        name, dot, kind = file.rpartition(".")
        if not dot or kind not in ("html", "txt") or not re.fullmatch(NAME, name):
            mistakes.append(Mistake(f"{FOLDER}/{file}", 1, "a template is NAME.html or NAME.txt; rename or move it"))
            continue
        subject, body = _read(f"{FOLDER}/{file}", files[file].replace("\r\n", "\n"), mistakes)
        bodies.setdefault(name, {})[kind] = body
        if subject is not None:
            subjects.setdefault(name, {})[kind] = subject
    for name, given in subjects.items():
        if len(set(given.values())) > 1:
            mistakes.append(
                Mistake(f"{FOLDER}/{name}.txt", 2, f"another subject than in {name}.html; keep one of the two")
            )
    return {
        name: Template(
            subject=next(iter(subjects.get(name, {}).values()), None), html=kinds.get("html"), text=kinds.get("txt")
        )
        for name, kinds in bodies.items()
    }, mistakes


def _read(file: str, text: str, mistakes: list[Mistake]) -> tuple[str | None, str]:
    """Return subject and body of one file."""
    if len(text) > LONGEST_FILE:
        mistakes.append(
            Mistake(file, 1, f"over {LONGEST_FILE // 1024} KiB; mails that long are cut or refused; shorten it")
        )
        return None, text
    if fault := yaml_lines.unstorable(text):
        mistakes.append(Mistake(file, text.count("\n", 0, text.find("\0") + 1) + 1, fault))
        return None, text
    subject, body, offset = None, text, 0
    if text.startswith(f"{FENCE}\n"):
        front, fence, rest = text.removeprefix(f"{FENCE}\n").partition(f"\n{FENCE}\n")
        if fence:
            subject, body, offset = _subject(file, front, mistakes), rest, front.count("\n") + 3
        else:
            mistakes.append(Mistake(file, 1, "the front matter does not end; put --- on a line of its own below it"))
    mistakes += [Mistake(file, offset + line, message) for line, message in faults(body)]
    return subject, body


def _subject(file: str, front: str, mistakes: list[Mistake]) -> str | None:
    read = yaml_lines.read(front, file)
    mistakes += [Mistake(file, mistake.line + 1, mistake.message) for mistake in read.mistakes]
    if read.data is None:
        return None
    if not isinstance(read.data, dict):
        mistakes.append(Mistake(file, 2, 'the front matter holds fields: subject: "Welcome"'))
        return None
    for name in read.data.keys() - {"subject"}:
        line = read.line((name,)) + 1
        mistakes.append(Mistake(file, line, f"there is no field {name} here; {instead(name, ['subject'])}"))
    subject = read.data.get("subject")
    if subject is not None and not isinstance(subject, str):
        mistakes.append(Mistake(file, read.line(("subject",)) + 1, "subject must be text; put quotes around it"))
        return None
    for _, message in faults(subject or ""):
        mistakes.append(Mistake(file, read.line(("subject",)) + 1, f"subject: {message}"))
    return subject
