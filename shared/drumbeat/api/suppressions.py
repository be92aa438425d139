"""`/v1/suppressions`: addresses that must not be mailed.

An address comes in by a request's body alone, so that no log of paths holds it. Out goes only what the caller wrote, as
it was read; lists have keyed hashes.
"""

from typing import Any

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, ConfigDict, Field

from drumbeat.api.access import READ, needs
from drumbeat.api.query import body, limit, listing
from drumbeat.api.response import page, reply
from drumbeat.api.routing import Routes
from drumbeat.core.address import LONGEST_TEXT
from drumbeat.core.errors import Invalid
from drumbeat.people import sql as people_sql
from drumbeat.people.suppressions import check, lift, suppress
from drumbeat.services import services
from drumbeat.views import Page
from drumbeat.views.pages import INVALID_CURSOR, PAGE_SIZE

router = Routes()

NAMED = ("address", "also")  # what the caller wrote, as it was read


class Change(BaseModel):
    """Suppress an address, or lift its suppression."""

    model_config = ConfigDict(extra="forbid")
    email: str = Field(max_length=LONGEST_TEXT)
    reason: str = Field(min_length=1, max_length=200)
    lift: bool = False


class Question(BaseModel):
    """Ask whether an address is suppressed."""

    model_config = ConfigDict(extra="forbid")
    email: str = Field(max_length=LONGEST_TEXT)


@router.get("/v1/suppressions", middlewares=READ)
def list_suppressions() -> Response[Any]:
    """List suppressed contacts, in the order of their hashes; `unmatched=true`: those without any effect."""
    parameters = listing(router, "cursor", "limit", "unmatched")
    if parameters.get("unmatched", "false") not in ("true", "false"):
        raise Invalid("unmatched is true or false")
    find = people_sql.unmatched if parameters.get("unmatched") == "true" else people_sql.suppressed
    most = limit(parameters, PAGE_SIZE)
    try:
        after = bytes.fromhex(parameters["cursor"]) if "cursor" in parameters else None
    except ValueError:
        raise Invalid(INVALID_CURSOR) from None
    found = find(services().db, after=after, limit=most + 1)
    more = found[most - 1].contact.hex() if len(found) > most else None
    return page(Page(list(found[:most]), more))


@router.post("/v1/suppressions", middlewares=needs("operate", shows=NAMED))
def change_suppression() -> Response[Any]:
    """Suppress an address, or lift it. Harmless twice: `changed` is then false."""
    request = body(router, Change)
    act = lift if request.lift else suppress
    return reply(act(request.email, reason=request.reason, actor=router.actor, services=services()))


@router.post("/v1/suppressions/check", middlewares=needs("read", shows=NAMED))
def check_suppression() -> Response[Any]:
    """Say whether an address is suppressed, since when, why, and under which reading of it. Nothing is changed."""
    return reply(check(body(router, Question).email, services()))
