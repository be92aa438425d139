"""Console: the read API and what operators do, behind API keys."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from drumbeat.console.api import resolver

logger = Logger()
metrics = Metrics(namespace="Drumbeat")
app = resolver(logger)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request of API Gateway (payload format 2.0)."""
    response = app.resolve(event, context)
    if response["statusCode"] >= 500:
        metrics.add_metric("ConsoleFailed", MetricUnit.Count, 1)
        metrics.flush_metrics()
    return response
