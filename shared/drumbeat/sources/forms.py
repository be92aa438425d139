"""Bodies that are forms: `application/x-www-form-urlencoded`, or `multipart/form-data` as its own first line says."""

import json
import re
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qs

MOST_FIELDS = 1_000  # of one form; senders use a few dozen
_NAME = re.compile(rb'content-disposition:\s*form-data;[^\r\n]*?\bname="([^"\r\n]*)"', re.IGNORECASE)
_FILE = re.compile(rb"\bfilename\*?=", re.IGNORECASE)
_BOUNDARY = re.compile(rb"--([0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-])\r\n")

type Fields = Mapping[str, Sequence[str]]


def fields(body: bytes) -> Fields:
    """Return the fields of a form, each with its values in their order; files of a multipart form are left out.

    Raises:
        ValueError: it is no form, not UTF-8, or has more than MOST_FIELDS fields.
    """
    if boundary := _BOUNDARY.match(body):
        return _parts(body, boundary[1])
    if not body:
        raise ValueError("an empty body")
    return parse_qs(body.decode(), keep_blank_values=True, strict_parsing=True, max_num_fields=MOST_FIELDS)


def read(body: bytes) -> object:
    """Return the JSON of a body or else its form: the last value of each field.

    A form with one field `payload` that holds a JSON object stands for that object, as GitHub and Slack send it.

    Raises:
        ValueError, RecursionError: it is neither.
    """
    try:
        return json.loads(body)
    except ValueError:
        form = {name: values[-1] for name, values in fields(body).items()}
    return _wrapped(form) if form.keys() == {"payload"} else form


def _wrapped(form: Mapping[str, str]) -> object:
    try:
        value = json.loads(form["payload"])
    except (ValueError, RecursionError):
        return form
    return value if isinstance(value, dict) else form


def _parts(body: bytes, boundary: bytes) -> Fields:
    parts = (b"\r\n" + body).split(b"\r\n--" + boundary, MOST_FIELDS + 2)
    if len(parts) > MOST_FIELDS + 2 or not parts[-1].startswith(b"--"):
        raise ValueError("a form that does not end, or of too many fields")
    found: dict[str, list[str]] = {}
    for part in parts[1:-1]:
        head, separator, value = part.partition(b"\r\n\r\n")
        name = _NAME.search(head)
        if not separator or name is None:
            raise ValueError("a part of a form without a name")
        if not _FILE.search(head):
            found.setdefault(name[1].decode(), []).append(value.decode())
    return found
