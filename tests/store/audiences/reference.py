"""What an audience means, said again in Python: slow, plain, and without a database."""

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from drumbeat.core.audiences import (
    REPORTED,
    AllOf,
    AnyOf,
    Attribute,
    Bucket,
    FromSource,
    Happened,
    InAudience,
    Node,
    Not,
    OnList,
    Operator,
    both,
    either,
)
from tests.store.audiences.people import UNSET, Event, Person, Said

NUMBER = re.compile(r"-?([0-9]+\.?[0-9]*|\.[0-9]+)")
INSTANT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(\.\d{1,9})?)?([Zz]|[+-]\d\d(?::?\d\d)?)?)?", re.ASCII
)


def holds(node: Node, person: Person, audiences: Mapping[str, Node], at: datetime) -> bool | None:
    """Return whether a person is in: None where it is not known."""
    match node:
        case AllOf(parts):
            return both(holds(part, person, audiences, at) for part in parts)
        case AnyOf(parts):
            return either(holds(part, person, audiences, at) for part in parts)
        case Not(part):
            verdict = holds(part, person, audiences, at)
            return None if verdict is None else not verdict
        case InAudience(name):
            return holds(audiences[name], person, audiences, at)
        case Attribute():
            return compared(node, person)
        case OnList(name):
            return is_given(person.said, name)
        case FromSource(source):
            return any((event.source == source) for event in person.events)
        case Happened():
            times = sum(_counts(event, node, at) for event in person.events)
            return node.at_least <= times and (node.at_most is None or times <= node.at_most)
        case Bucket(percent):
            place = int.from_bytes(hashlib.sha256(b"drumbeat:bucket" + person.key).digest()[:8])
            return place < int(Decimal(repr(percent)) * 2**64 / 100)


def compared(leaf: Attribute, person: Person) -> bool | None:
    found = _found(leaf.path, person)
    absent = found is None
    match leaf.operator:
        case Operator.EXISTS:
            return absent is not leaf.value
        case Operator.IS:
            return False if absent else _among(found, [leaf.value])
        case Operator.IS_NOT:
            verdict = False if absent else _among(found, [leaf.value])
            return None if verdict is None else not verdict
        case Operator.IN:
            assert isinstance(leaf.value, tuple)
            return False if absent else _among(found, list(leaf.value))
    if absent:
        return False
    match leaf.operator:
        case Operator.CONTAINS if isinstance(found, list):
            return any(_same(each, leaf.value) for each in found)
        case Operator.CONTAINS if isinstance(found, str) and isinstance(leaf.value, str):
            return leaf.value in found
        case Operator.STARTS_WITH if isinstance(found, str):
            return found.startswith(str(leaf.value))
        case Operator.AT_LEAST | Operator.AT_MOST if (number := _number(found)) is not None:
            asked = Decimal(repr(leaf.value))
            return number >= asked if leaf.operator is Operator.AT_LEAST else number <= asked
        case Operator.BEFORE | Operator.AFTER if (instant := _microseconds(found)) is not None:
            asked_at = _microseconds(leaf.value)
            assert asked_at is not None
            return instant < asked_at if leaf.operator is Operator.BEFORE else instant > asked_at
    return None


def is_given(said: "tuple[Said, ...] | list[Said] | Any", name: str) -> bool:
    """As people.md says it: what the person decided last, else what a machine gave before anything was asked."""
    decided = [
        (fact.at, fact.kind == "withdrawn")
        for fact in said
        if fact.list in (name, "*") and (fact.kind == "withdrawn" or (fact.kind == "given" and fact.by_person))
    ]
    if decided:
        return not max(decided)[1]
    given = [fact.at for fact in said if fact.list == name and fact.kind == "given"]
    asked = [fact.at for fact in said if fact.list == name and fact.kind == "pending"]
    return bool(given) and (not asked or min(given) < min(asked))


def _found(path: tuple[str, ...], person: Person) -> Any:
    value = person.attributes.get(path[0])
    if value is UNSET:
        return None
    for key in path[1:]:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _among(found: Any, asked: list[Any]) -> bool | None:
    if isinstance(found, str):
        texts = [one for one in asked if isinstance(one, str)]
        truths = [str(one).lower() for one in asked if isinstance(one, bool)]
        numbers = [Decimal(repr(one)) for one in asked if isinstance(one, int | float) and not isinstance(one, bool)]
        if found in texts:
            return True
        if truths and found in ("true", "false"):
            return found in truths
        if numbers and (number := _number(found)) is not None:
            return number in numbers
        return False if texts else None
    same_kind = [one for one in asked if _kind(one) == _kind(found)]
    if not same_kind:
        return None
    return any(_same(found, one) for one in same_kind)


def _same(one: Any, other: Any) -> bool:
    if _kind(one) != _kind(other):
        return False
    return Decimal(repr(one)) == Decimal(repr(other)) if _kind(one) == "number" else one == other


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | float) else type(value).__name__


def _number(found: Any) -> Decimal | None:
    if _kind(found) == "number":
        return Decimal(repr(found))
    if isinstance(found, str) and len(found) <= 60 and NUMBER.fullmatch(found):
        return Decimal(found)
    return None


def _microseconds(found: Any) -> int | None:
    """Return the microseconds since 1970: also of what Python's calendar does not know, as 24:00 and a leap second."""
    read = INSTANT.fullmatch(found) if isinstance(found, str) else None
    if read is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in read.groups()[:6])
    fraction = round(Decimal(read[7] or "0") * 1_000_000)
    offset = _offset(read[8] or "Z")
    is_time = (hour < 24 and minute < 60 and second <= 60) or (hour, minute, second, fraction) == (24, 0, 0, 0)
    if not is_time or offset is None:
        return None
    try:
        midnight = datetime(year, month, day, tzinfo=UTC)
    except ValueError:
        return None
    days = (midnight - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(days=1)
    return (((days * 24 + hour) * 60 + minute - offset) * 60 + second) * 1_000_000 + fraction


def _offset(written: str) -> int | None:
    if written in "Zz":
        return 0
    hours, minutes = int(written[1:3]), int(written[3:].removeprefix(":") or 0)
    if hours > 15 or minutes > 59:
        return None
    return (hours * 60 + minutes) * (-1 if written[0] == "-" else 1)


def _counts(event: Event, happened: Happened, at: datetime) -> bool:
    counted = happened.counted
    word = event.kind if counted.word in REPORTED else event.type if event.kind is None else None
    if word != counted.word or event.at > at:
        return False
    if counted.within is not None and event.at <= at - timedelta(seconds=counted.within):
        return False
    if counted.word in ("opened", "clicked") and event.machine:
        return False
    return counted.campaign in (None, event.campaign) and counted.step in (None, event.step)
