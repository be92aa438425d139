"""The models of what other rooms declare: the arguments of actions, the options of signature schemes."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Annotated, Any

from pydantic import AfterValidator, Field, create_model

from drumbeat.configuration.document_models import Form, FormSource, Source
from drumbeat.configuration.document_types import Plain, Secret, Text, check_texts, one_of
from drumbeat.planning.actions.base import ActionType, Argument, Kind
from drumbeat.sources import registry as schemes
from drumbeat.sources.signature import Option

_TYPES: Mapping[Kind, Any] = {
    Kind.TEXT: Text,
    Kind.ADDRESS: Text,
    Kind.TEXTS: list[Text],
    Kind.HEADERS: dict[str, Text],
    Kind.PROPERTIES: dict[str, Plain],
    Kind.CONTENT: Annotated[Any, AfterValidator(check_texts)],
    Kind.VERBATIM: str,
}

# Fields of a step that are easily written among its arguments.
_BESIDE = {
    "transactional": "in a campaign's step it stands beside `with`, and not in it; move it there",
    **dict.fromkeys(("delay", "after", "when", "unless"), "it stands beside `with`, and not in it; move it there"),
}


def arguments_model(action: ActionType) -> type[Form]:
    """Return the model of an action's `with:`."""
    return _arguments_model(action.name, action.description, tuple(action.arguments.items()))


def form_of_source(entry: object) -> type[Source] | type[FormSource]:
    """Return the model of a source as it is written: one with a form, or one of webhooks."""
    return FormSource if isinstance(entry, Mapping) and "form" in entry else source_model()


def source_model() -> type[Source]:
    """Return the model of a source, with the options of every scheme: which of them fit is checked elsewhere."""
    return _source_model(
        frozenset(
            (name, _option_type(option))
            for scheme in schemes.names()
            for name, option in schemes.get(scheme).options.items()
        )
    )


def options_of(source: Source) -> dict[str, str | bool]:
    """Return the options that were given."""
    given = source.model_dump(by_alias=True, exclude_unset=True)
    return {name: value for name, value in given.items() if name not in Source.model_fields}


def secrets_of(source: Source) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield every reference to a secret, after its place in the source: those that verify, and those of options."""
    for index, reference in enumerate(source.secrets):
        yield ("secrets", index), reference
    declared = schemes.get(source.webhook).options if source.webhook in schemes.names() else {}
    for name, value in options_of(source).items():
        if name in declared and declared[name].secret and isinstance(value, str):
            yield (name,), value


@cache
def _arguments_model(name: str, description: str, arguments: tuple[tuple[str, Argument], ...]) -> type[Form]:
    model = create_model(
        "".join(word.capitalize() for word in name.split("_")),
        __base__=Form,
        __doc__=description,
        **{_attribute(name): _argument(name, argument) for name, argument in arguments},
    )
    model.elsewhere = _BESIDE
    model.nullable = frozenset(name for name, argument in arguments if argument.kind is Kind.CONTENT)
    return model


@cache
def _source_model(options: frozenset[tuple[str, Any]]) -> type[Source]:
    return create_model(
        "Source",
        __base__=Source,
        **{_attribute(name): _optional(kind, name) for name, kind in sorted(options, key=lambda option: option[0])},
    )


def _option_type(option: Option) -> Any:  # noqa: ANN401 - a type, perhaps annotated
    if option.secret:
        return Secret
    return bool if option.flag else str


def _argument(name: str, argument: Argument) -> Any:  # noqa: ANN401 - as create_model takes it
    kind = Annotated[str, *one_of(argument.choices)] if argument.choices else _TYPES[argument.kind]
    if not argument.required:
        return _optional(kind, name, argument.meaning)
    return Annotated[kind, Field(alias=name, description=argument.meaning)]


def _optional(kind: Any, name: str, meaning: str | None = None) -> Any:  # noqa: ANN401 - a type, and create_model's pair
    return Annotated[kind | None, Field(alias=name, description=meaning)], None


def _attribute(name: str) -> str:
    """Return a name that no attribute of models has: what is declared may be called `copy` or `json`."""
    return f"{name}_"
