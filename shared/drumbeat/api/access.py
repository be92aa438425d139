"""Who is calling: every route but the shallow health check requires an API key with its scope."""

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import ApiGatewayResolver
from aws_lambda_powertools.utilities.data_classes.common import BaseProxyEvent

from drumbeat.access import keys
from drumbeat.access import sql as stored_keys
from drumbeat.services import services

type Next = Callable[[ApiGatewayResolver], Response[Any]]
type Middleware = Callable[[ApiGatewayResolver, Next], Response[Any]]


def require(request: BaseProxyEvent, scope: str) -> str:
    """Return the id of the calling key.

    Raises:
        Unauthorized: no key, one that was not made here, or a revoked one.
        Forbidden: the key lacks the scope.
    """
    key = keys.verify(services().key_secret, keys.bearer(request.headers.get("authorization")))
    key.need(scope)
    if not stored_keys.good(services().db, key):
        raise keys.refused()
    return key.id


def needs(scope: str) -> list[Middleware]:
    """Guard a route: a caller that passes has a valid key with this scope, and is the `actor` of its context."""

    def guard(app: ApiGatewayResolver, following: Next) -> Response[Any]:
        actor = f"person:{require(app.current_event, scope)}"
        app.append_context(actor=actor)  # type: ignore[no-untyped-call]
        return following(app)

    return [guard]


READ = needs("read")
OPERATE = needs("operate")
