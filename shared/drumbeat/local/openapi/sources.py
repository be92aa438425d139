"""What is said of a type or a function beside its annotations: its docstring, comments at its fields, lazy imports."""

import ast
import importlib
import inspect
import re
import sys
from collections.abc import Callable, Mapping
from functools import cache
from types import ModuleType
from typing import Any, get_type_hints

_PYTHON = {"None": "null", "True": "true", "False": "false"}


def hints(described: Callable[..., Any] | type[Any]) -> Mapping[str, Any]:
    """Return the annotations of a class or function, names that only the type checker imports among them."""
    module = sys.modules[described.__module__]
    return get_type_hints(described, globalns={**_checked_imports(module), **vars(module)}, include_extras=True)


def text(described: object) -> str:
    """Return a docstring as one paragraph, in the words of JSON."""
    doc = inspect.cleandoc(getattr(described, "__doc__", None) or "")
    return _in_json(" ".join(doc.split()))


def comments(cls: type[Any]) -> Mapping[str, str]:
    """Return the comments that stand at the ends of a class's fields, those of its bases included."""
    found: dict[str, str] = {}
    for each in reversed(cls.__mro__[:-1]):
        lines, body = _parsed(each)
        for field in body:
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                _, mark, said = lines[(field.end_lineno or field.lineno) - 1].partition("  # ")
                if mark:
                    found[field.target.id] = _in_json(said.strip())
    return found


def _parsed(cls: type[Any]) -> tuple[list[str], list[ast.stmt]]:
    try:
        source = inspect.cleandoc("\n" + inspect.getsource(cls))
    except (OSError, TypeError):
        return [], []
    (parsed,) = ast.parse(source).body
    assert isinstance(parsed, ast.ClassDef)
    return source.splitlines(), parsed.body


@cache
def _checked_imports(module: ModuleType) -> Mapping[str, object]:
    """Import what a module imports for the type checker alone: an answer may be of a module that few routes need."""
    found: dict[str, object] = {}
    for statement in ast.parse(inspect.getsource(module)).body:
        if isinstance(statement, ast.If) and ast.unparse(statement.test) == "TYPE_CHECKING":
            for each in statement.body:
                if isinstance(each, ast.ImportFrom) and each.module:
                    origin = importlib.import_module(each.module)
                    found |= {name.asname or name.name: getattr(origin, name.name) for name in each.names}
    return found


def _in_json(said: str) -> str:
    return re.sub(r"\b(None|True|False)\b", lambda word: _PYTHON[word[0]], said)
