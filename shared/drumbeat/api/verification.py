"""`/v1/verify`: whether the ledger keeps its promises, a chunk at a time."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.metrics import MetricUnit

from drumbeat.api.access import READ
from drumbeat.api.query import identifier, query
from drumbeat.api.response import reply
from drumbeat.api.routing import Routes
from drumbeat.services import services

if TYPE_CHECKING:
    from drumbeat.audit import Verified

router = Routes()


@router.get("/v1/verify", middlewares=READ)
def verify_chunk() -> Response[Any]:
    """Verify the next events and name each broken promise; continue with the cursor `next` until it is null."""
    parameters = query(router, "cursor")
    return reply(verified(identifier(parameters["cursor"]) if "cursor" in parameters else None))


def verified(after: UUID | None) -> "Verified":
    """Verify the next chunk, and count what it found broken."""
    from drumbeat.audit import verify  # imports planner and delivery, which only this needs

    found = verify(services(), after=after)
    if found.items:
        metrics = Metrics(namespace="Drumbeat")
        metrics.add_metric("LedgerViolations", MetricUnit.Count, len(found.items))
        metrics.flush_metrics()
    return found
