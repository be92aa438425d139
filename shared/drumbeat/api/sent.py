"""What was sent, as a person reads it: subject and texts of a mail, the body of every other request."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from drumbeat.core.request import Request
from drumbeat.delivery.requests import thaw

_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Sent:
    """One request. A mail has a subject, and text or html; of other requests `body` is what was sent."""

    method: str
    subject: str | None
    text: str | None
    html: str | None
    body: object


def sent(frozen: bytes, hash: bytes) -> Sent | None:
    """Read a frozen request; None when its bytes are not the ones that were hashed, which `verify` names."""
    try:
        request = thaw(frozen, hash)
    except ValueError:
        return None
    fields = _fields(request)
    subject, text, html = (_text(fields.get(name)) for name in ("subject", "text", "html"))
    is_mail = subject is not None and (text or html) is not None
    if is_mail:
        return Sent(request.method, subject, text, html, None)
    return Sent(request.method, None, None, None, fields or request.body.decode(errors="replace") or None)


def _fields(request: Request) -> Mapping[str, object]:
    """Return the fields of a JSON object or a form; none of anything else."""
    kind = next((value for name, value in request.headers.items() if name.lower() == "content-type"), "")
    text = request.body.decode(errors="replace")
    if kind.startswith(_FORM):
        return dict(parse_qsl(text, keep_blank_values=True))
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
