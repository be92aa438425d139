"""Conditions on what an event says: JMESPath over its type, source and payload."""

from collections.abc import Mapping
from typing import Any

from drumbeat.core.errors import DrumbeatError
from drumbeat.planning.queries import Unsearchable, search

NAMES = ("type", "source", "payload")


class Undecidable(DrumbeatError):
    """A condition cannot be evaluated on this event. The reason holds nothing of the payload."""


def holds(expression: str, facts: Mapping[str, Any]) -> bool:
    """Return whether the expression gives exactly `true`; `facts` has the NAMES.

    Raises:
        Undecidable: a function met a value of another type than it takes, or the like; or it is too much work.
    """
    try:
        return search(expression, facts) is True
    except Unsearchable as error:
        raise Undecidable(f"the condition and the event do not fit together ({error})") from None
