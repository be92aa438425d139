"""What was sent, as a person reads it: subject and texts of a mail, the body of every other request."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl

from drumbeat.api.mail_fields import mail_of
from drumbeat.api.response import ANSWER_BYTES, weight
from drumbeat.core.errors import Invalid
from drumbeat.core.request import Request
from drumbeat.delivery.requests import thaw
from drumbeat.views.pages import INVALID_CURSOR

CUT_CHARACTERS = 128 * 1024  # of each text of a request that no answer holds: the largest character takes seven bytes
CUT = f"the first {CUT_CHARACTERS:,} characters of each text; all of it: GET /v1/effects/<its id>/request"
PART_CHARACTERS = 256 * 1024

_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Sent:
    """One request. A mail has a subject, and text or html; of other requests `body` is what was sent.

    `cut`: what of it is here and where all of it is, when it does not fit into an answer.
    """

    method: str
    subject: str | None
    text: str | None
    html: str | None
    body: object
    cut: str | None = None


@dataclass(frozen=True, slots=True)
class Whole:
    """A request as it was frozen: without what is made for each attempt, so without any secret."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a request's body, to the letter. `next`: where the following part begins."""

    method: str
    content_type: str | None
    characters: int  # of the whole body
    text: str
    next: str | None


def sent(frozen: bytes, hash: bytes) -> Sent | None:
    """Read a frozen request; None when its bytes are not the ones that were hashed, which `verify` names."""
    request = _thawed(frozen, hash)
    if request is None:
        return None
    fields = _fields(request)
    if (mail := mail_of(fields)) is not None:
        whole = Sent(request.method, mail.subject, mail.text, mail.html, None)
    else:
        whole = Sent(request.method, None, None, None, fields or _body(request) or None)
    return whole if weight(whole) <= ANSWER_BYTES else _cut(whole)


def whole_of(frozen: bytes, hash: bytes) -> Whole | None:
    """Return a frozen request with its head, its body as text; None as `sent`."""
    request = _thawed(frozen, hash)
    return Whole(request.method, request.url, request.headers, _body(request)) if request else None


def part(frozen: bytes, hash: bytes, cursor: str | None) -> Part | None:
    """Return the part of a frozen request's body that a cursor names, the first without; None as `sent`.

    Raises Invalid for another cursor.
    """
    request = _thawed(frozen, hash)
    if request is None:
        return None
    body = _body(request)
    if cursor is not None and not (cursor.isdecimal() and cursor.isascii() and len(cursor) < 10):
        raise Invalid(INVALID_CURSOR)
    start = int(cursor or 0)
    end = start + PART_CHARACTERS
    following = str(end) if end < len(body) else None
    return Part(request.method, _content_type(request), len(body), body[start:end], following)


def _thawed(frozen: bytes, hash: bytes) -> Request | None:
    try:
        return thaw(frozen, hash)
    except ValueError:
        return None


def _cut(whole: Sent) -> Sent:
    text, html = (value and value[:CUT_CHARACTERS] for value in (whole.text, whole.html))
    body = whole.body if whole.body is None or isinstance(whole.body, str) else json.dumps(whole.body)
    return replace(whole, text=text, html=html, body=body and body[:CUT_CHARACTERS], cut=CUT)


def _fields(request: Request) -> Mapping[str, object]:
    """Return the fields of a JSON object or a form; none of anything else."""
    text = _body(request)
    if (_content_type(request) or "").startswith(_FORM):
        return dict(parse_qsl(text, keep_blank_values=True))
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _body(request: Request) -> str:
    return request.body.decode(errors="replace")


def _content_type(request: Request) -> str | None:
    return next((value for name, value in request.headers.items() if name.lower() == "content-type"), None)
