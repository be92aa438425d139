"""Routes of one noun: Powertools' router, with what every route here needs.

A route's signature declares it: what it reads of a request is read by what its parameters are, and what it answers is
its return type. `/openapi.json` is made from the same signatures.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Any, TypeAliasType, get_args
from uuid import UUID

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2
from pydantic import BaseModel

from drumbeat.access.keys import PEOPLE, ApiKey
from drumbeat.api.access import Needed
from drumbeat.api.body import body
from drumbeat.api.query import Listed, Parameter, Query, identifier, query
from drumbeat.core.errors import Problem

type Handler = Callable[..., Response[Any]]
type Reader = Callable[[APIGatewayProxyEventV2, Any], object]  # of a request, and of what its path has by that name


@dataclass(frozen=True, slots=True)
class Declared:
    """One route as it was declared."""

    method: str
    rule: str
    handler: Handler
    needed: Needed | None  # None: no key at all
    refuses: Sequence[type[Problem]]  # beside what every route of its kind may answer


def parameter_of(kind: object) -> Parameter | None:
    """Return how a value of a type is read, where the type says that itself."""
    said = get_args(kind.__value__ if isinstance(kind, TypeAliasType) else kind)[1:]
    return next((each for each in said if isinstance(each, Parameter)), None)


def refuses[H: Handler](*problems: type[Problem]) -> Callable[[H], H]:
    """Say with which problems a route may answer that only a few do."""

    def mark(handler: H) -> H:
        handler.refuses = problems  # type: ignore[attr-defined]
        return handler

    return mark


class Routes(APIGatewayHttpRouter):
    """A router whose requests came through a guard of `access`."""

    current_event: APIGatewayProxyEventV2

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    @property
    def caller(self) -> ApiKey:
        """The calling key."""
        caller: ApiKey = self.context["caller"]
        return caller

    @property
    def actor(self) -> str:
        """Name who is calling, for the journal."""
        return f"person:{self.caller.id}"

    @property
    def sees_people(self) -> bool:
        """Whether the caller may see persons: without, it must not find them either."""
        return PEOPLE in self.caller.scopes

    def need_people(self) -> None:
        """Check that the caller may see persons; raises Forbidden."""
        self.caller.need(PEOPLE)


class ApiRoutes(Routes):
    """Routes of the JSON API, each declared by its signature, and so in `/openapi.json`.

    Parameters of a handler: a `UUID`, a `str` or a type with a `Parameter` is what the path has by that name, a `Query`
    the query, any other model the JSON body; `Model | None` a body that may be absent. A GET without a `Query` takes no
    query.
    """

    def __init__(self) -> None:
        super().__init__()
        self.declared: list[Declared] = []

    def route(self, rule: str, method: str, *settings: object) -> Callable[[Handler], Handler]:  # type: ignore[override]
        """Declare a route. Powertools' `get`, `post` and so on come here; the last of their settings are the guards."""
        register = super().route(rule, method, *settings)  # type: ignore[arg-type]
        guards = settings[-1] if isinstance(settings[-1], list) else []
        needed = next((guard.needed for guard in guards), None)

        def declare(handler: Handler) -> Handler:
            self.declared.append(Declared(method, rule, handler, needed, getattr(handler, "refuses", ())))
            register(self._reading(handler, _readers(handler, method)))
            return handler

        return declare

    def _reading(self, handler: Handler, readers: Sequence[tuple[str, Reader]]) -> Handler:
        def read(**of_path: str) -> Response[Any]:
            event = self.current_event
            found = {name: reader(event, of_path.get(name)) for name, reader in readers}
            for each in found.values():
                if isinstance(each, Listed):
                    self.append_context(tabled=each.format == "csv")  # type: ignore[no-untyped-call]
            return handler(**{name: value for name, value in found.items() if name})

        return read


def _readers(handler: Handler, method: str) -> list[tuple[str, Reader]]:
    kinds = {name: kind for name, kind in handler.__annotations__.items() if name != "return"}
    readers = [(name, _reader(kind)) for name, kind in kinds.items()]
    if method == "GET" and not any(isinstance(kind, type) and issubclass(kind, Query) for kind in kinds.values()):
        readers.append(("", _reader(Query)))
    return readers


def _reader(kind: object) -> Reader:
    if (parameter := parameter_of(kind)) is not None:
        return lambda _, text: parameter.read(text)
    models: tuple[Any, ...] = get_args(kind) or (kind,)
    if kind is str:
        return lambda _, text: text
    if kind is UUID:
        return lambda _, text: identifier(text)
    if issubclass(models[0], Query):
        return lambda event, _: query(event.raw_event, models[0])
    assert issubclass(models[0], BaseModel)
    if NoneType in models:
        return lambda event, _: body(event.raw_event, models[0]) if event.body else None
    return lambda event, _: body(event.raw_event, models[0])
