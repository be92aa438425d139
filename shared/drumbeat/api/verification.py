"""`/v1/verify`: whether the ledger keeps its promises, a chunk at a time."""

from typing import Any

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.metrics import MetricUnit

from drumbeat.api.access import READ
from drumbeat.api.query import identifier, query
from drumbeat.api.response import reply
from drumbeat.api.routing import Routes
from drumbeat.services import services

router = Routes()


@router.get("/v1/verify", middlewares=READ)
def verify_chunk() -> Response[Any]:
    """Verify the next events and name each broken promise; continue with the cursor `next` until it is null."""
    from drumbeat.audit import verify  # imports planner and delivery, which only this route needs

    parameters = query(router, "cursor")
    verified = verify(services(), after=identifier(parameters["cursor"]) if "cursor" in parameters else None)
    if verified.items:
        metrics = Metrics(namespace="Drumbeat")
        metrics.add_metric("LedgerViolations", MetricUnit.Count, len(verified.items))
        metrics.flush_metrics()
    return reply(verified)
