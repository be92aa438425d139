"""`/v1/leads/erase`: a person's bytes are deleted, and nothing is mailed to them any more.

The address comes in by the body alone, so that no log of paths holds it.
"""

from typing import Any
from uuid import UUID

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, ConfigDict, Field

from drumbeat.access.keys import PEOPLE
from drumbeat.api.access import needs
from drumbeat.api.query import body
from drumbeat.api.response import reply
from drumbeat.api.routing import Routes
from drumbeat.core.address import LONGEST_TEXT
from drumbeat.services import services

router = Routes()


class Erasure(BaseModel):
    """Whom to erase. `dryRun`: only count; `after`: the `next` of the answer before."""

    model_config = ConfigDict(extra="forbid")
    email: str = Field(max_length=LONGEST_TEXT)
    dryRun: bool = False
    after: UUID | None = None


@router.post("/v1/leads/erase", middlewares=needs("operate", PEOPLE))
def erase_lead() -> Response[Any]:
    """Erase a person, or count what that would delete; continue with `after` until `next` is null. Safe to repeat."""
    from drumbeat.people import erasure  # imports the planner, which only this route needs

    request = body(router, Erasure)
    if request.dryRun:
        return reply(erasure.preview(request.email, services()))
    return reply(erasure.erase(request.email, actor=router.actor, services=services(), after=request.after))
