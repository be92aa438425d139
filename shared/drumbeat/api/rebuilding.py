"""`/v1/views/rebuild`: the views of people made again from the log, a chunk at a time."""

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from drumbeat.api.access import OPERATE
from drumbeat.api.response import Answer, reply
from drumbeat.api.routing import ApiRoutes
from drumbeat.services import services

if TYPE_CHECKING:
    from drumbeat.audit.rebuild import Rebuilt

router = ApiRoutes()


class Chunk(BaseModel):
    """Which chunk, and whether it is only compared."""

    model_config = ConfigDict(extra="forbid")
    cursor: str | None = None
    check: bool = False


@router.post("/v1/views/rebuild", middlewares=OPERATE)
def rebuild_chunk(request: Chunk) -> "Answer[Rebuilt]":
    """Rebuild or compare a chunk, and name what differed; continue with the cursor `next` until it is null."""
    from drumbeat.audit.rebuild import rebuild  # imports planner and delivery, which only this route needs

    return reply(rebuild(services(), cursor=request.cursor, check=request.check))
