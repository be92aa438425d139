"""`/v1/leads/erase`: a person's bytes are deleted, and nothing is mailed to them any more.

The address comes in by the body alone, so that no log of paths holds it.
"""

from typing import TYPE_CHECKING
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from drumbeat.access.keys import PEOPLE
from drumbeat.api.access import needs
from drumbeat.api.response import Answer, reply
from drumbeat.api.routing import ApiRoutes
from drumbeat.core.address import LONGEST_TEXT
from drumbeat.services import services

if TYPE_CHECKING:
    from drumbeat.people.erasure import Erased
    from drumbeat.people.erasure_sql import Held

router = ApiRoutes()


class Erasure(BaseModel):
    """Whom to erase. `dryRun`: only count; `after`: the `next` of the answer before."""

    model_config = ConfigDict(extra="forbid")
    email: str = Field(max_length=LONGEST_TEXT)
    dryRun: bool = False
    after: UUID | None = None


@router.post("/v1/leads/erase", middlewares=needs("operate", PEOPLE))
def erase_lead(request: Erasure) -> "Answer[Held | Erased]":
    """Erase a person, or count what that would delete; continue with `after` until `next` is null. Safe to repeat."""
    from drumbeat.people import erasure  # imports the planner, which only this route needs

    if request.dryRun:
        return reply(erasure.preview(request.email, services()))
    return reply(erasure.erase(request.email, actor=router.actor, services=services(), after=request.after))
