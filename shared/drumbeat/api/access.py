"""Who is calling: every route but the shallow health check requires an API key with its scopes.

What a key without the scope `people` is answered passes through `masking` here, so that no route can forget it.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import ApiGatewayResolver
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2
from aws_lambda_powertools.utilities.data_classes.common import BaseProxyEvent

from drumbeat.access import keys
from drumbeat.access import sql as stored_keys
from drumbeat.access.keys import IN_ROW, PEOPLE, PROPOSE, ApiKey
from drumbeat.api.masking import masked
from drumbeat.api.tables import as_table
from drumbeat.core.errors import Forbidden
from drumbeat.ingest import catalog
from drumbeat.services import services

type Next = Callable[[ApiGatewayResolver], Response[Any]]
type Middleware = Callable[[ApiGatewayResolver, Next], Response[Any]]


def require(request: BaseProxyEvent, *scopes: str, one_of: Collection[str] = ()) -> ApiKey:
    """Return the calling key.

    Raises:
        Unauthorized: no key, one that was not made here, or a revoked one.
        Forbidden: the key lacks one of the scopes, or all those of which it needs `one_of`.
    """
    claimed = keys.verify(services().key_secret, keys.bearer(request.headers.get("authorization")))
    for scope in scopes:
        if scope not in IN_ROW:  # which few tokens claim, or none
            claimed.need(scope)
    caller = stored_keys.good(services().db, claimed)
    if caller is None:
        raise keys.refused()
    for scope in scopes:
        caller.need(scope)
    if one_of and not caller.scopes & set(one_of):
        either = " or ".join(f"`{scope}`" for scope in one_of)
        raise Forbidden(f"This API key has none of the scopes {either}. Use one that has. Nothing was changed.")
    return caller


def require_polling(request: BaseProxyEvent, *scopes: str) -> ApiKey:
    """Return the calling key, as `require` does, without the ledger where the catalog in Redis knows the key.

    For what is asked again and again. A key is good there for as long as the copy is kept, and revoking it writes the
    copy anew, so that the next request is refused. The ledger is asked only about a key that the copy does not name:
    one that was just made, or where Redis has no copy. Then the copy is written, for the next request.
    """
    claimed = keys.verify(services().key_secret, keys.bearer(request.headers.get("authorization")))
    copy = catalog.in_redis(services())
    if copy and claimed.id in copy.revoked:
        raise keys.refused()
    if not copy or not claimed.scopes <= set(copy.keys.get(claimed.id, ())):
        caller = require(request, *scopes)
        catalog.announce(services())
        return caller
    caller = ApiKey(claimed.id, claimed.scopes | (set(IN_ROW) & set(copy.keys[claimed.id])))
    for scope in scopes:
        caller.need(scope)
    return caller


@dataclass(frozen=True, slots=True)
class Needed:
    """What the key of a route's caller has to have."""

    scopes: tuple[str, ...]
    one_of: tuple[str, ...]


def needs(*scopes: str, one_of: Collection[str] = (), shows: Collection[str] = ()) -> list[Middleware]:
    """Guard a route: a caller that passes has a valid key with these scopes, and with one of those of `one_of`, and
    is the `caller` of its context.

    What one without `people` is answered is masked, but for the fields that the route `shows` as they are: because they
    hold no person, or none but whom the caller itself has named.
    """

    def guard(app: ApiGatewayResolver, following: Next) -> Response[Any]:
        caller = require(app.current_event, *scopes, one_of=one_of)
        app.append_context(caller=caller)  # type: ignore[no-untyped-call]
        answer = following(app)
        if PEOPLE not in caller.scopes:
            answer = masked(answer, services().mask_secret, shows)
        if not app.context.get("tabled"):
            return answer
        assert isinstance(app.current_event, APIGatewayProxyEventV2)
        return as_table(answer, app.current_event)

    guard.needed = Needed(scopes, tuple(one_of))  # type: ignore[attr-defined] # Powertools calls functions alone
    return [guard]


def polled(*scopes: str) -> list[Middleware]:
    """Guard a route that is asked again and again and shows no person: as `needs`, without the ledger."""

    def guard(app: ApiGatewayResolver, following: Next) -> Response[Any]:
        require_polling(app.current_event, *scopes)
        return following(app)

    guard.needed = Needed(scopes, ())  # type: ignore[attr-defined]
    return [guard]


READ = needs("read")
READ_PEOPLE = needs("read", PEOPLE)
OPERATE = needs("operate")
SEE_RUNS = needs(one_of=("read", PROPOSE))
ASK_FOR_RUNS = needs(one_of=(PROPOSE, "operate"))
