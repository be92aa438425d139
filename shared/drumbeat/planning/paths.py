"""Whether a path leads out of the place that it is put below, whatever the servers on its way make of it."""

import re
import unicodedata
from urllib.parse import unquote

MOST_DECODINGS = 5  # what is encoded more often than this is refused

# How some servers still read a dot, a slash and a backslash: UTF-8 of two and three bytes, and UTF-16 units.
_LONG_FORMS = (
    (re.compile("%c0%ae|%e0%80%ae|%u002e", re.IGNORECASE), "."),
    (re.compile("%c0%af|%e0%80%af|%u002f|%c1%9c|%e0%81%9c|%u005c", re.IGNORECASE), "/"),
)
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


def flaw(path: str) -> str | None:
    """Name what lets some reading of a path lead out of its place, or None: nothing does.

    It is judged as it stands and each time after it was decoded; a backslash counts as a slash, and what follows a
    semicolon in a part is no part of its name. What follows the first `?` or `#` is no path.
    """
    readings = _readings(re.split("[?#]", path, maxsplit=1)[0])
    for seen in readings:
        if _CONTROL.search(seen):
            return "a control character"
        if any(map(_is_dots, re.split(r"[/\\?#]", unicodedata.normalize("NFKC", seen)))):
            return "a . or .. of its own"
    return None if len(readings) <= MOST_DECODINGS else "a text that is encoded too often"


def is_empty(part: str) -> bool:
    """Return whether some reading of a part of a path leaves nothing of it but white space and slashes."""
    return any(not _name(re.sub(r"[/\\]", "", seen)) for seen in _readings(part))


def _readings(path: str) -> list[str]:
    """Return a path as it stands and after each decoding: more than MOST_DECODINGS where they do not come to an end."""
    readings = [path]
    while len(readings) <= MOST_DECODINGS and (decoded := _decoded(readings[-1])) != readings[-1]:
        readings.append(decoded)
    return readings


def _name(part: str) -> str:
    return part.partition(";")[0].strip()


def _is_dots(part: str) -> bool:
    return _name(part) in (".", "..")


def _decoded(path: str) -> str:
    for form, meant in _LONG_FORMS:
        path = form.sub(meant, path)
    return unquote(path)
