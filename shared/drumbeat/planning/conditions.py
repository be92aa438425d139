"""Conditions on what an event says: JMESPath over its type, source and payload."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.parser import ParsedResult

from drumbeat.core.errors import DrumbeatError

NAMES = ("type", "source", "payload")


class Undecidable(DrumbeatError):
    """A condition cannot be evaluated on this event. The reason holds nothing of the payload."""


def holds(expression: str, facts: Mapping[str, Any]) -> bool:
    """Return whether the expression gives exactly `true`; `facts` has the NAMES.

    Raises:
        Undecidable: a function met a value of another type than it takes, or the like.
    """
    try:
        return _compiled(expression).search(facts) is True
    except (JMESPathError, ArithmeticError, LookupError, RecursionError, TypeError, ValueError) as error:
        # The message would quote the value.
        raise Undecidable(f"the condition and the event do not fit together ({type(error).__name__})") from None


@lru_cache(maxsize=1024)
def _compiled(expression: str) -> ParsedResult:
    return jmespath.compile(expression)
