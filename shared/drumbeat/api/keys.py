"""`/v1/keys`: who may call. A token is shown once, when it is minted; only its id is kept."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from drumbeat.access import keys
from drumbeat.access import sql as stored_keys
from drumbeat.access.keys import PEOPLE
from drumbeat.access.sql import KeyRecord
from drumbeat.api.access import OPERATE
from drumbeat.api.query import MAX_PAGE_SIZE, Limit, Paged
from drumbeat.api.response import Answer, reply
from drumbeat.api.routing import ApiRoutes
from drumbeat.core.clock import from_microseconds, microseconds
from drumbeat.core.errors import Forbidden, Invalid, NotFound
from drumbeat.ingest.catalog import announce
from drumbeat.services import services
from drumbeat.views.pages import INVALID_CURSOR, Page

router = ApiRoutes()

_CURSOR = re.compile("([0-9]{1,17})-(.{1,100})", re.ASCII)


class KeyQuery(Paged):
    """Which keys are listed."""

    limit: Limit = MAX_PAGE_SIZE


class NewKey(BaseModel):
    """A key to mint."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1, max_length=100)
    scopes: list[Literal["ingest", "read", "people", "propose", "operate"]] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class MintedKey:
    """A new key. Its token is shown here and never again."""

    id: str
    name: str
    scopes: list[str]
    token: str


@dataclass(frozen=True, slots=True)
class RevokedKey:
    """A key that is of no use any more."""

    id: str
    revoked: bool


@router.get("/v1/keys", middlewares=OPERATE)
def list_keys(query: KeyQuery) -> Answer[Page[KeyRecord]]:
    """List keys, oldest first, revoked ones too."""
    most = query.limit
    found = stored_keys.listed(services().db, after=_after(query.cursor), limit=most + 1)
    last = found[most - 1] if len(found) > most else None
    return reply(Page(found[:most], f"{microseconds(last.created_at)}-{last.id}" if last is not None else None))


@router.post("/v1/keys", middlewares=OPERATE)
def mint_key(request: NewKey) -> Answer[MintedKey, Literal[201]]:
    """Mint a key. The answer is the only place where its token is ever seen.

    Who operates an installation gives any scope but one: only who may see persons lets others see them.
    """
    if PEOPLE in request.scopes:
        _may_give_people(request.scopes)
    id, scopes = keys.new_id(), list[str](dict.fromkeys(request.scopes))
    stored_keys.add(services().db, id, request.name, scopes, actor=router.actor)
    token = keys.mint(services().key_secret, id, scopes)
    return reply(MintedKey(id, request.name, scopes, token), 201)


@router.delete("/v1/keys/<id>", middlewares=OPERATE)
def revoke_key(id: str) -> Answer[RevokedKey]:
    """Revoke a key for good; harmless twice."""
    if not stored_keys.revoke(services().db, id, actor=router.actor):
        raise NotFound(f"no key has the id {id[:64]}; nothing was changed")
    announce(services())  # so that it is refused also while the ledger is away
    return reply(RevokedKey(id, True))


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
