"""`/v1/verify`: whether the ledger keeps its promises, a chunk at a time."""

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit
from pydantic import Field

from drumbeat.api.access import READ
from drumbeat.api.query import Id, Query
from drumbeat.api.response import Answer, reply
from drumbeat.api.routing import ApiRoutes
from drumbeat.services import services

if TYPE_CHECKING:
    from drumbeat.audit import Verified

router = ApiRoutes()


class ChunkQuery(Query):
    """Which chunk is verified."""

    cursor: Annotated[Id, Field(description="`next` of the chunk before")] | None = None


@router.get("/v1/verify", middlewares=READ)
def verify_chunk(query: ChunkQuery) -> "Answer[Verified]":
    """Verify the next events and name each broken promise; continue with the cursor `next` until it is null."""
    return reply(verified(query.cursor))


def verified(after: UUID | None) -> "Verified":
    """Verify the next chunk, and count what it found broken."""
    from drumbeat.audit import verify  # imports planner and delivery, which only this needs

    found = verify(services(), after=after)
    if found.items:
        metrics = Metrics(namespace="Drumbeat")
        metrics.add_metric("LedgerViolations", MetricUnit.Count, len(found.items))
        metrics.flush_metrics()
    return found
