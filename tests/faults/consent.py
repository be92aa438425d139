"""Consent as the tests read it: from everything that was said, by the plainest means."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

EVERY_LIST = "*"


class Fact(NamedTuple):
    """Something that was said about a person and a list."""

    contact: bytes
    list: str
    event: UUID
    kind: str
    by_person: bool
    at: datetime


def state_of(facts: Iterable[Fact], name: str) -> str:
    """Return how consent to a list stands after some facts about one person: given, withdrawn, pending or none."""
    about = [fact for fact in facts if fact.list in (name, EVERY_LIST)]
    deciding = [fact for fact in about if fact.kind == "withdrawn" or (fact.kind == "given" and fact.by_person)]
    if deciding:
        return max(deciding, key=lambda fact: (fact.at, fact.kind == "withdrawn")).kind
    if not about:
        return "none"
    first = min(about, key=lambda fact: (fact.at, fact.kind == "given"))  # a machine gives only where nothing was said
    return first.kind
