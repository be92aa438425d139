"""Consent: its words, and what the body of an event says of it, in one reading for all who plan, confirm or show it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

EVERY_LIST = "*"
# The person's own words; every other door is a program's. A withdrawal counts by any door.
PERSONS_DOORS = frozenset({"form", "confirm", "unsubscribe"})
CONFIRMED_WITHIN = timedelta(days=7)  # of the sign-up
UNVERIFIED_SOURCE = "drumbeat:unverified"  # of events that say: the button was pressed, perhaps by a program
_SENDERS_DOORS = frozenset({"webhook"})  # whose bodies are their senders', and say nothing of ours
_WORDS = ("text", "at")


class ConsentKind(StrEnum):
    """What is said about a person and a list."""

    PENDING = "pending"  # to be confirmed by the person
    GIVEN = "given"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Statement:
    """What is said of one list."""

    list: str | None  # None: of that of the mail
    kind: str  # a ConsentKind, unless the body is not ours
    words: Mapping[str, object]  # what the person agreed to, and when, where a program passed that on


def document(body: bytes | None) -> object:
    """Return a body as JSON; None where it is no JSON, or was erased."""
    try:
        return None if body is None else json.loads(body)
    except (ValueError, RecursionError):
        return None


def statements(document: object, door: str) -> list[Statement]:
    """Return what the document of a body that came by a door says of lists; `given` where it does not say what."""
    said = _own(document, door).get("consent")
    return [
        Statement(
            name if isinstance(name := each.get("list"), str) else None,
            str(each.get("kind", ConsentKind.GIVEN)),
            {word: each[word] for word in _WORDS if word in each},
        )
        for each in (said if isinstance(said, list) else ())
        if isinstance(each, dict)
    ]


def evidence(document: object, door: str, name: str) -> Mapping[str, object]:
    """Return what the document of a body that came by a door says for the consent to one list: words, where and how."""
    words = next((said.words for said in statements(document, door) if said.list == name), {})
    return {**words, **noted(document, door)}


def noted(document: object, door: str) -> Mapping[str, object]:
    """Return what one of our doors noted beside what it took: how it was said, and from where."""
    around = _own(document, door).get("evidence")
    return around if isinstance(around, dict) else {}


def _own(document: object, door: str) -> Mapping[str, object]:
    return document if isinstance(document, dict) and door not in _SENDERS_DOORS else {}
