"""`/v1/suppressions`: addresses that must not be mailed. Addresses come in, only their keyed hashes go out."""

from typing import Any

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, ConfigDict, Field

from drumbeat.api.access import OPERATE, READ
from drumbeat.api.query import body, limit, query
from drumbeat.api.response import page, reply
from drumbeat.api.routing import Routes
from drumbeat.core.errors import Invalid
from drumbeat.people import sql as people_sql
from drumbeat.people.suppressions import lift, suppress
from drumbeat.services import services
from drumbeat.views import Page
from drumbeat.views.pages import INVALID_CURSOR, PAGE_SIZE

router = Routes()


class Change(BaseModel):
    """Suppress an address, or lift its suppression."""

    model_config = ConfigDict(extra="forbid")
    email: str = Field(max_length=320)
    reason: str = Field(min_length=1, max_length=200)
    lift: bool = False


@router.get("/v1/suppressions", middlewares=READ)
def list_suppressions() -> Response[Any]:
    """List suppressed contacts, in the order of their hashes."""
    parameters = query(router, "cursor", "limit")
    most = limit(parameters, PAGE_SIZE)
    try:
        after = bytes.fromhex(parameters["cursor"]) if "cursor" in parameters else None
    except ValueError:
        raise Invalid(INVALID_CURSOR) from None
    found = people_sql.suppressed(services().db, after=after, limit=most + 1)
    more = found[most - 1].contact.hex() if len(found) > most else None
    return page(Page(list(found[:most]), more))


@router.post("/v1/suppressions", middlewares=OPERATE)
def change_suppression() -> Response[Any]:
    """Suppress an address, or lift it. Harmless twice: `changed` is then false."""
    request = body(router, Change)
    act = lift if request.lift else suppress
    return reply(act(request.email, reason=request.reason, actor=router.actor, services=services()))
