"""The fields of a posted body: urlencoded, multipart, or JSON, each field with all its values."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

from drumbeat.core.errors import FormRefused, Invalid
from drumbeat.web import strict
from drumbeat.web.problems import MAX_MISTAKES_NAMED

URLENCODED, MULTIPART, JSON = "application/x-www-form-urlencoded", "multipart/form-data", "application/json"
MOST_FIELDS = 200
LONGEST_NAME = 64  # characters of a name that are repeated in an answer
_RESEND = "Nothing was stored; correct it and send it again."
_BOUNDARY = re.compile(r';\s*boundary=(?:"([^"\r\n]{1,70})"|([^\s;"]{1,70}))', re.IGNORECASE)
_CHARSET = re.compile(r';\s*charset="?([^\s;"]+)', re.IGNORECASE)
# Once a line, so that a part without an end of line costs no more than its length.
_NAME = re.compile(rb'^content-disposition:[ \t]*form-data;[^\r\n]*?\bname="([^"\r\n]*)"', re.IGNORECASE | re.MULTILINE)
_FILE = re.compile(rb"\bfilename\*?=", re.IGNORECASE)

type Value = str | int | float | bool
type Fields = Mapping[str, Sequence[Value]]

# What is wrong with a field, as programs read it; people read their locale's words.
UNKNOWN, MISSING, REPEATED, FILE, NOT_PLAIN = "unknown", "missing", "repeated", "file", "not_plain"
ADDRESS, TRAP, TOO_FAST, OLD_PAGE = "address", "trap", "too_fast", "old_page"
_SAID = {
    UNKNOWN: "is no field of this form",
    MISSING: "is missing",
    REPEATED: "came more than once",
    FILE: "is a file, and a form takes none",
    NOT_PLAIN: "has to be text, a number, or true or false",
    ADDRESS: "is no e-mail address that can be written to",
    TRAP: "is a field that people do not see: leave it empty",
    TOO_FAST: "was sent faster than a person fills a form; send it again in a moment",
    OLD_PAGE: "is not of a page that was shown within the last day; load the page again",
}


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with one field; never its value."""

    field: str
    code: str


@dataclass
class Flawed(FormRefused):
    """Every field that is wrong, and what was posted, so that a person can correct it."""

    flaws: Sequence[Flaw]
    posted: Fields


def flawed(flaws: Iterable[Flaw], posted: Fields) -> Flawed:
    """Return the refusal that names each field and what is wrong with it."""
    every = tuple(flaws)
    named = "; ".join(f"{_shown(flaw.field)} {_SAID[flaw.code]}" for flaw in every[:MAX_MISTAKES_NAMED])
    return Flawed(f"{named}. {_RESEND}", every, posted)


def read(content_type: str, body: bytes) -> Fields:
    """Return the fields of a body in the order in which they came.

    Raises:
        Invalid: it is none of the three, not UTF-8, or has more than MOST_FIELDS fields. Flawed: it holds a file, or a
            value in JSON that is no plain one.
    """
    kind = content_type.partition(";")[0].strip().lower()
    charset = _CHARSET.search(content_type)
    if charset and charset[1].lower() not in ("utf-8", "utf8", "us-ascii"):
        raise Invalid(f"A form is read as UTF-8. {_RESEND}")
    if kind == JSON:
        return _json(body)
    if kind == URLENCODED:
        pairs = _urlencoded(body)
    elif kind == MULTIPART and (boundary := _BOUNDARY.search(content_type)):
        pairs = _multipart(body, (boundary[1] or boundary[2]).encode())
    else:
        raise Invalid(
            f"The header Content-Type has to be {URLENCODED}, {MULTIPART} with its boundary, or {JSON}. {_RESEND}"
        )
    return _gathered(pairs)


def _json(body: bytes) -> Fields:
    document = strict.read(body)
    # A number too long to be one, which Python refuses to read, is refused below.
    pairs: object = json.loads(body, object_pairs_hook=lambda pairs: pairs, parse_int=lambda digits: int(digits[:20]))
    if not body.lstrip().startswith(b"{") or not isinstance(pairs, list):
        raise Invalid(f"The body has to be a JSON object: a field each. {_RESEND}")
    found = _gathered(pairs)
    if any(len(values) > 1 for values in found.values()):
        return found  # no form takes it, and its refusal names each
    if document.suspect:
        strict.check(document.value)
    nested = [Flaw(name, NOT_PLAIN) for name, (value,) in found.items() if isinstance(value, list)]
    if nested:
        raise flawed(nested, {})
    return {name: values for name, values in found.items() if values != [None]}


def _urlencoded(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except UnicodeDecodeError:
        raise Invalid(f"The form is not UTF-8. {_RESEND}") from None
    except ValueError:
        raise _too_many() from None


def _multipart(body: bytes, boundary: bytes) -> list[tuple[str, str]]:
    parts = (b"\r\n" + body).split(b"\r\n--" + boundary, MOST_FIELDS + 2)
    if len(parts) > MOST_FIELDS + 2:
        raise _too_many()
    if not parts[-1].startswith(b"--"):
        raise Invalid(f"The multipart body does not end with its boundary. {_RESEND}")
    pairs: list[tuple[str, str]] = []
    files: list[Flaw] = []
    for part in parts[1:-1]:
        head, separator, value = part.partition(b"\r\n\r\n")
        name = _NAME.search(head)
        if not separator or name is None:
            raise Invalid(f"A part of the multipart body has no name. {_RESEND}")
        try:
            pair = name[1].decode(), value.decode()
        except UnicodeDecodeError:
            if not _FILE.search(head):
                raise Invalid(f"The form is not UTF-8. {_RESEND}") from None
            pair = name[1].decode(errors="replace"), "-"
        if not _FILE.search(head):
            pairs.append(pair)
        elif pair[1]:  # an input for files that was left empty is none
            files.append(Flaw(pair[0], FILE))
    if files:
        raise flawed(files, {})
    return pairs


def _gathered[V](pairs: Iterable[tuple[str, V]]) -> dict[str, list[V]]:
    found: dict[str, list[V]] = {}
    for number, (name, value) in enumerate(pairs):
        if number >= MOST_FIELDS:
            raise _too_many()
        if "\0" in name or (isinstance(value, str) and "\0" in value):
            raise Invalid(f"The form holds the character NUL, which cannot be stored. {_RESEND}")
        found.setdefault(name, []).append(value)
    return found


def _shown(name: str) -> str:
    shown = "".join(character if character.isprintable() else "?" for character in name[:LONGEST_NAME])
    return shown + "..." * (len(name) > LONGEST_NAME) or '""'


def _too_many() -> Invalid:
    return Invalid(f"A form may have {MOST_FIELDS} fields. {_RESEND}")
