"""One part of the document read by its form; what does not fit becomes mistakes with line and advice."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from drumbeat.configuration.document_models import Defaults, Form
from drumbeat.configuration.document_types import NAME_RULE
from drumbeat.configuration.yaml_lines import Document, Path
from drumbeat.core.configuration import NAME
from drumbeat.core.suggestions import instead

_KINDS = {dict: "a mapping", list: "a list", str: "text", int: "a number", float: "a number", bool: "true or false"}
_WANTED = {
    "string_type": "text; put quotes around it",
    "int_type": "a whole number without quotes",
    "bool_type": "true or false, without quotes",
    "dict_type": "a mapping, like {name: value}",
    "model_type": "a mapping, like {name: value}",
    "list_type": "a list, like [one, another]",
}


def read_form[F: Form](form: type[F], data: object, path: Path, document: Document) -> F | None:
    """Read a part and note every mistake in it.

    A part with mistakes comes back without its wrong fields, so that the rest can be checked too; None when nothing
    sensible is left of it.
    """
    if isinstance(data, Mapping):
        empty = {name for name, value in data.items() if value is None} & (_names(form) - form.nullable)
        for name in empty:
            document.wrong((*path, name), f"{name} is empty; give it a value or delete the line")
        data = {name: value for name, value in data.items() if name not in empty}
    try:
        return form.model_validate(data)
    except ValidationError as invalid:
        errors = invalid.errors(include_url=False)
    for error in errors:
        if error["type"] != "missing" or not _explained(form, data, path, error, document):
            document.wrong((*path, *error["loc"]), _message(error, form, path))
    if not isinstance(data, Mapping):
        return None
    wrong = {error["loc"][0] for error in errors if error["loc"]}
    try:
        return form.model_validate({name: value for name, value in data.items() if name not in wrong})
    except ValidationError:
        return None


def entries(data: object, path: Path, document: Document) -> dict[str, Any]:
    """Return the named entries of a section; an unusable name is a mistake, its entry is read all the same."""
    if data is None:
        return {}
    if not isinstance(data, dict):
        document.wrong(path, f"{path[-1]} must be a mapping from names to entries, not {_kind(data)}")
        return {}
    for name in data:
        if not re.fullmatch(NAME, name):
            document.wrong((*path, name), f"{name!r} cannot be a name: {NAME_RULE}")
    return data


def _explained(form: type[Form], data: object, path: Path, error: ErrorDetails, document: Document) -> bool:
    """Return whether a missing field is a mistake that was noted already: it is there and empty, or not needed yet."""
    unsupported = isinstance(data, Mapping) and bool(form.later.keys() & data.keys())
    return unsupported or document.has((*path, *error["loc"]))


def _message(error: ErrorDetails, form: type[Form], path: Path) -> str:
    loc = error["loc"]
    name = _label(loc) if loc else str(path[-1]) if path else "the document"
    if loc[:-1] == ("settings",) and loc[-1] in Defaults.model_fields:
        return f"{name} is no setting of an account; write it under defaults, where it holds for every account"
    match error["type"]:
        case "missing":
            return f"{name} is missing; add it"
        case "extra_forbidden":
            return _unknown(str(loc[-1]), _form_at(form, loc[:-1]))
        case "value_error":
            message = str(error["ctx"]["error"])
            return f"{name} {message}" if message.startswith("must ") else f"{name}: {message}"
        case "literal_error":
            return f"{name} must be {error['ctx']['expected']}"
        case "too_short":
            return f"{name} needs at least one entry"
        case "string_too_short":
            return f"{name} is empty; give it a value or delete the line"
        case "string_too_long":
            return f"{name} takes at most {error['ctx']['max_length']:,} characters; shorten it"
        case "too_long":
            return f"{name} takes at most {error['ctx']['max_length']} entries"
        case "greater_than_equal":
            return f"{name} must be at least {error['ctx']['ge']}"
        case "less_than_equal":
            return f"{name} must be at most {error['ctx']['le']}"
        case kind if kind in _WANTED:
            given = _kind(error["input"])
            return f"{name} must be {_WANTED[kind]} (it is {given})"
        case _:
            return f"{name}: {error['msg']}"


def _unknown(name: str, form: type[Form]) -> str:
    if name in form.later:
        return f"{name} is not supported yet; {form.later[name]}"
    return f"there is no field {name} here; {form.elsewhere.get(name) or instead(name, _names(form))}"


def _names(form: type[Form]) -> set[str]:
    return {field.alias or name for name, field in form.model_fields.items()}


def _form_at(form: type[Form], loc: Sequence[str | int]) -> type[Form]:
    """Return the form of a part inside a form."""
    for part in loc:
        field = form.model_fields.get(str(part))
        if field is None:
            continue
        inner = [one for one in (field.annotation, *get_args(field.annotation)) if isinstance(one, type)]
        form = next((one for one in inner if issubclass(one, Form)), form)
    return form


def _label(loc: Sequence[str | int]) -> str:
    label = ""
    for part in loc[-2:]:
        label = f"{label}[{part}]" if isinstance(part, int) else str(part)
    return label


def _kind(value: object) -> str:
    return "empty" if value is None else _KINDS.get(type(value), "something else")
