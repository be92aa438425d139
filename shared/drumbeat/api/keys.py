"""`/v1/keys`: who may call. A token is shown once, when it is minted; only its id is kept."""

from collections.abc import Collection
from typing import Any, Literal

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, ConfigDict, Field

from drumbeat.access import keys
from drumbeat.access import sql as stored_keys
from drumbeat.access.keys import PEOPLE
from drumbeat.api.access import OPERATE
from drumbeat.api.query import body, query
from drumbeat.api.response import reply
from drumbeat.api.routing import Routes
from drumbeat.core.errors import Forbidden, Invalid, NotFound
from drumbeat.ingest.catalog import announce
from drumbeat.services import services

router = Routes()


class NewKey(BaseModel):
    """A key to mint."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1, max_length=100)
    scopes: list[Literal["ingest", "read", "people", "propose", "operate"]] = Field(min_length=1)


@router.get("/v1/keys", middlewares=OPERATE)
def list_keys() -> Response[Any]:
    """List all keys, revoked ones too."""
    query(router)
    return reply({"items": stored_keys.all(services().db), "next": None})


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


def _may_give_people(scopes: Collection[str]) -> None:
    if "read" not in scopes:
        raise Invalid("`people` shows the persons in what `read` shows: ask for both; no key was made")
    if not router.sees_people:
        raise Forbidden(
            "Only a key that has the scope `people` gives it to another: use such a key, or leave `people` out. No key"
            " was made."
        )
