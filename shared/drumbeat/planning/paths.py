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


def leads_out(path: str) -> bool:
    """Return whether some reading of a path has a part that is `.` or `..`, or holds a control character.

    It is judged as it stands and each time after it was decoded; a backslash counts as a slash, and what follows a
    semicolon in a part is no part of its name. What follows the first `?` or `#` is no path.
    """
    seen = re.split("[?#]", path, maxsplit=1)[0]
    for _ in range(MOST_DECODINGS):
        if _CONTROL.search(seen) or any(map(_is_dots, re.split(r"[/\\?#]", unicodedata.normalize("NFKC", seen)))):
            return True
        decoded = _decoded(seen)
        if decoded == seen:
            return False
        seen = decoded
    return True


def _is_dots(part: str) -> bool:
    return part.partition(";")[0].strip() in (".", "..")


def _decoded(path: str) -> str:
    for form, meant in _LONG_FORMS:
        path = form.sub(meant, path)
    return unquote(path)
