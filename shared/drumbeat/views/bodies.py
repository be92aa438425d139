"""A body as a person reads it. What the door took can always be shown: as its JSON, its text, or its bytes in base64.

Two readers of the answer have to see the same, so JSON is shown as JSON only where every parser reads it alike.
"""

import base64
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

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
    return [
        {"list": name if isinstance(name := each.get("list"), str) else None, "kind": str(each.get("kind", "given"))}
        for each in _statements(_document(body, door))
    ]


def evidence(body: bytes, door: str) -> Mapping[str, object] | None:
    """Return what one of our doors noted beside an event: how it was said, and from where."""
    noted = _document(body, door).get("evidence")
    return noted if isinstance(noted, dict) and noted else None


def evidence_of_consent(body: bytes, door: str, list_name: str) -> Mapping[str, object] | None:
    """Return what proves the consent to one list: the words that were agreed to, and what our door noted."""
    document = _document(body, door)
    words = next((one for one in _statements(document) if one.get("list") == list_name), {})
    return {name: words[name] for name in ("text", "at") if name in words} | dict(evidence(body, door) or {}) or None


def _document(body: bytes, door: str) -> Mapping[str, Any]:
    """Return the object that our doors make of what they take; a webhook's body is its sender's, and says nothing."""
    try:
        document = None if door == "webhook" else json.loads(body)
    except (ValueError, RecursionError):
        document = None
    return document if isinstance(document, dict) else {}


def _statements(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    said = document.get("consent")
    return [each for each in said if isinstance(each, dict)] if isinstance(said, list) else []


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
