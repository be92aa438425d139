"""`/v1/keys`: who may call. A token is shown once, when it is minted; only its id is kept."""

import re
from collections.abc import Collection
from datetime import datetime
from typing import Any, Literal

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, ConfigDict, Field

from drumbeat.access import keys
from drumbeat.access import sql as stored_keys
from drumbeat.access.keys import PEOPLE
from drumbeat.api.access import OPERATE
from drumbeat.api.query import MAX_PAGE_SIZE, body, limit, listing
from drumbeat.api.response import page, reply
from drumbeat.api.routing import Routes
from drumbeat.core.clock import from_microseconds, microseconds
from drumbeat.core.errors import Forbidden, Invalid, NotFound
from drumbeat.ingest.catalog import announce
from drumbeat.services import services
from drumbeat.views.pages import INVALID_CURSOR, Page

router = Routes()

_CURSOR = re.compile("([0-9]{1,17})-(.{1,100})", re.ASCII)


class NewKey(BaseModel):
    """A key to mint."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1, max_length=100)
    scopes: list[Literal["ingest", "read", "people", "propose", "operate"]] = Field(min_length=1)


@router.get("/v1/keys", middlewares=OPERATE)
def list_keys() -> Response[Any]:
    """List keys, oldest first, revoked ones too."""
    parameters = listing(router, "cursor", "limit")
    after, most = _after(parameters.get("cursor")), limit(parameters, MAX_PAGE_SIZE)
    found = stored_keys.listed(services().db, after=after, limit=most + 1)
    last = found[most - 1] if len(found) > most else None
    return page(Page(found[:most], f"{microseconds(last.created_at)}-{last.id}" if last is not None else None))


@router.post("/v1/keys", middlewares=OPERATE)
def mint_key() -> Response[Any]:
    """Mint a key. The answer is the only place where its token is ever seen.

    Who operates an installation gives any scope but one: only who may see persons lets others see them.
    """
    request = body(router, NewKey)
    if PEOPLE in request.scopes:
        _may_give_people(request.scopes)
    id, scopes = keys.new_id(), list(dict.fromkeys(request.scopes))
    stored_keys.add(services().db, id, request.name, scopes, actor=router.actor)
    token = keys.mint(services().key_secret, id, scopes)
    return reply({"id": id, "name": request.name, "scopes": scopes, "token": token}, 201)


@router.delete("/v1/keys/<id>", middlewares=OPERATE)
def revoke_key(id: str) -> Response[Any]:
    """Revoke a key for good; harmless twice."""
    if not stored_keys.revoke(services().db, id, actor=router.actor):
        raise NotFound(f"no key has the id {id[:64]}; nothing was changed")
    announce(services())  # so that it is refused also while the ledger is away
    return reply({"id": id, "revoked": True})


def _after(cursor: str | None) -> tuple[datetime, str] | None:
    if cursor is None:
        return None
    if (found := _CURSOR.fullmatch(cursor)) is None:
        raise Invalid(INVALID_CURSOR)
    return from_microseconds(int(found[1])), found[2]


def _may_give_people(scopes: Collection[str]) -> None:
    if "read" not in scopes:
        raise Invalid("`people` shows the persons in what `read` shows: ask for both; no key was made")
    if not router.sees_people:
        raise Forbidden(
            "Only a key that has the scope `people` gives it to another: use such a key, or leave `people` out. No key"
            " was made."
        )
