"""`/v1/suppressions`: addresses that must not be mailed.

An address comes in by a request's body alone, so that no log of paths holds it. Out goes only what the caller wrote, as
it was read; lists have keyed hashes.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from drumbeat.api.access import READ, needs
from drumbeat.api.query import Paged, Word
from drumbeat.api.response import Answer, reply
from drumbeat.api.routing import ApiRoutes
from drumbeat.core.address import LONGEST_TEXT
from drumbeat.core.errors import Invalid
from drumbeat.people import sql as people_sql
from drumbeat.people.sql import SuppressionItem
from drumbeat.people.suppressions import Standing, Suppressed, check, lift, suppress
from drumbeat.services import services
from drumbeat.views import Page
from drumbeat.views.pages import INVALID_CURSOR

router = ApiRoutes()

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


class SuppressionQuery(Paged):
    """Which suppressions are listed."""

    unmatched: Annotated[str, Word("unmatched", "true", "false"), Field(description="those without any effect")] = (
        "false"
    )


@router.get("/v1/suppressions", middlewares=READ)
def list_suppressions(query: SuppressionQuery) -> Answer[Page[SuppressionItem]]:
    """List suppressed contacts, in the order of their hashes; `unmatched=true`: those without any effect."""
    find = people_sql.unmatched if query.unmatched == "true" else people_sql.suppressed
    most = query.limit
    try:
        after = bytes.fromhex(query.cursor) if query.cursor is not None else None
    except ValueError:
        raise Invalid(INVALID_CURSOR) from None
    found = find(services().db, after=after, limit=most + 1)
    more = found[most - 1].contact.hex() if len(found) > most else None
    return reply(Page(list(found[:most]), more))


@router.post("/v1/suppressions", middlewares=needs("operate", shows=NAMED))
def change_suppression(request: Change) -> Answer[Suppressed]:
    """Suppress an address, or lift it. Harmless twice: `changed` is then false."""
    act = lift if request.lift else suppress
    return reply(act(request.email, reason=request.reason, actor=router.actor, services=services()))


@router.post("/v1/suppressions/check", middlewares=needs("read", shows=NAMED))
def check_suppression(request: Question) -> Answer[Standing]:
    """Say whether an address is suppressed, since when, why, and under which reading of it. Nothing is changed."""
    return reply(check(request.email, services()))
