"""A body as a person reads it. What the door took can always be shown: as its JSON, its text, or its bytes in base64.

Two readers of the answer have to see the same, so JSON is shown as JSON only where every parser reads it alike.
"""

import base64
import json
import math
from collections.abc import Sequence
from typing import NamedTuple

from drumbeat.core.consent import document, statements

MAX_DEPTH = 64  # of objects and lists within each other; programs differ in what they can nest
MAX_BYTES = 512 * 1024  # of a body that is shown whole: an answer of Lambda has at most 6 MB, and NUL takes six bytes


class Shown(NamedTuple):
    """What is shown of a body, and as what."""

    value: object
    form: str | None  # json | text | base64: the whole body; beginning: its first bytes in base64


def shown(body: bytes, door: str) -> Shown:
    """Return a body as it can be shown: a delivery of a webhook whole, of every other the payload."""
    if len(body) > MAX_BYTES:
        return Shown(base64.b64encode(body[:MAX_BYTES]).decode(), "beginning")
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return Shown(base64.b64encode(body).decode(), "base64")
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_float=_number, parse_constant=_number)
    except (ValueError, RecursionError):
        return Shown(text, "text")
    if _too_deep(value) or not _unicode(value):
        return Shown(text, "text")
    return Shown(value.get("payload") if door != "webhook" and isinstance(value, dict) else value, "json")


def consent(body: bytes, door: str) -> list[dict[str, str | None]]:
    """Return what an event says about consent, each list with its kind; a list that is None is that of the mail."""
    return [{"list": said.list, "kind": said.kind} for said in statements(document(body), door)]


def _object(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a key twice: parsers differ in which of them counts")
    return made


def _number(digits: str) -> float:
    if not math.isfinite(number := float(digits)):
        raise ValueError("no number of JSON")
    return number


def _too_deep(value: object) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for one in level if isinstance(one, dict | list) for inner in _inside(one)]
    return any(isinstance(one, dict | list) for one in level)


def _inside(holder: dict[str, object] | list[object]) -> Sequence[object]:
    return list(holder.values()) if isinstance(holder, dict) else holder


def _unicode(value: object) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return True
