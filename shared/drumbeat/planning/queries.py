"""JMESPath over what outsiders send: how much one search may do and make is bounded.

Each visit of a node of the expression is a step. Functions, lists and mappings that an expression makes are weighed
with all that they hold, since a value can hold another any number of times; so no chain of them grows without end.
"""

from functools import lru_cache
from typing import Any, cast

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.functions import Functions
from jmespath.parser import ParsedResult
from jmespath.visitor import TreeInterpreter

from drumbeat.core.errors import DrumbeatError

MOST_STEPS = 2_000_000
HEAVIEST_VALUE = 8 * 1024 * 1024  # characters and items of what one expression makes, with all that it holds
MOST_MADE = 4 * HEAVIEST_VALUE

# What raises for a value that does not fit; the messages would quote it.
_UNFIT = (JMESPathError, ArithmeticError, LookupError, RecursionError, TypeError, ValueError)


class Unsearchable(DrumbeatError):
    """A search failed. The reason names the kind of error and holds nothing of the value."""


class _TooMuch(JMESPathError):
    """An expression does or makes more than it may."""


def search(expression: str, value: object) -> object:
    """Return what an expression finds in a value.

    Raises:
        Unsearchable: a function met a value of another type than it takes, or the like; or it is too much work.
    """
    try:
        return _Search().visit(_compiled(expression).parsed, value)
    except _TooMuch:
        raise Unsearchable("too much work") from None
    except _UNFIT as error:
        raise Unsearchable(type(error).__name__) from None


@lru_cache(maxsize=1024)
def _compiled(expression: str) -> ParsedResult:
    return jmespath.compile(expression)


class _Search(TreeInterpreter):
    """One search, which counts."""

    def __init__(self) -> None:
        super().__init__()
        self._steps = self._made = 0

    def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as JMESPath has it
        self._step(1)
        return super().visit(node, *args, **kwargs)

    def visit_flatten(self, node: Any, value: object) -> Any:  # noqa: ANN401
        base = self.visit(node["children"][0], value)
        if isinstance(base, list):
            self._make(sum(len(one) if isinstance(one, list) else 1 for one in base))
        made: dict[str, Any] = {**node, "children": [_GIVEN]}
        return super().visit_flatten(cast(Any, made), base)

    def visit_function_expression(self, node: Any, value: object) -> Any:  # noqa: ANN401
        resolved = [self.visit(child, value) for child in node["children"]]
        for one in resolved:
            self._make(self._weight(one))
        if node["value"] == "join" and len(resolved) == 2 and isinstance(resolved[1], list):
            self._make(len(resolved[1]) * self._weight(resolved[0]))
        return _FUNCTIONS.call_function(node["value"], resolved)

    def visit_multi_select_list(self, node: Any, value: object) -> Any:  # noqa: ANN401
        return self._weighed(super().visit_multi_select_list(node, value))

    def visit_multi_select_dict(self, node: Any, value: object) -> Any:  # noqa: ANN401
        return self._weighed(super().visit_multi_select_dict(node, value))

    def _weighed[T](self, value: T) -> T:
        self._make(self._weight(value))
        return value

    def _step(self, steps: int) -> None:
        self._steps += steps
        if self._steps > MOST_STEPS:
            raise _TooMuch

    def _make(self, weight: int) -> None:
        self._made += weight
        if self._made > MOST_MADE:
            raise _TooMuch

    def _weight(self, value: object) -> int:
        """Return the characters and items of a value with all that it holds; each item that is seen is a step."""
        total, todo = 1, [value]
        while todo:
            one = todo.pop()
            if isinstance(one, str):
                total += len(one)
            elif isinstance(one, list | dict):
                total += len(one)
                self._step(len(one))
                todo += one if isinstance(one, list) else one.values()
            if total > HEAVIEST_VALUE:
                raise _TooMuch
        return total


_GIVEN = {"type": "current", "children": []}
_FUNCTIONS = Functions()
