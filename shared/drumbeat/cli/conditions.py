"""Conditions of audiences in one line, as they are written in the document."""

import json
import re
from collections.abc import Mapping

from drumbeat.cli.output import plain

_WORD = re.compile(r"[A-Za-z0-9_][\w.@ -]*")
_NOT_A_TEXT = re.compile(r"true|false|null|[0-9.e_-]*", re.IGNORECASE)  # or perhaps not


def condition(written: object) -> str:
    """Return a condition, fit for a terminal."""
    return plain(_flow(written))


def _flow(written: object) -> str:
    """Return YAML of one line: a text that reads as itself without quotes has none."""
    match written:
        case Mapping():
            return "{" + ", ".join(f"{name}: {_flow(value)}" for name, value in written.items()) + "}"
        case list():
            return "[" + ", ".join(map(_flow, written)) + "]"
        case str() if _WORD.fullmatch(written) and not _NOT_A_TEXT.fullmatch(written):
            return written
    return json.dumps(written, ensure_ascii=False)
