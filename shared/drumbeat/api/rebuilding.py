"""`/v1/views/rebuild`: the views of people made again from the log, a chunk at a time."""

from typing import Any

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, ConfigDict

from drumbeat.api.access import OPERATE
from drumbeat.api.query import body
from drumbeat.api.response import reply
from drumbeat.api.routing import Routes
from drumbeat.services import services

router = Routes()


class Chunk(BaseModel):
    """Which chunk, and whether it is only compared."""

    model_config = ConfigDict(extra="forbid")
    cursor: str | None = None
    check: bool = False


@router.post("/v1/views/rebuild", middlewares=OPERATE)
def rebuild_chunk() -> Response[Any]:
    """Rebuild or compare a chunk, and name what differed; continue with the cursor `next` until it is null."""
    from drumbeat.audit.rebuild import rebuild  # imports planner and delivery, which only this route needs

    request = body(router, Chunk)
    return reply(rebuild(services(), cursor=request.cursor, check=request.check))
