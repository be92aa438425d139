"""Every minute: record wishes, notify workers of what is due, free what is stuck, find lost work, drain the buffer."""

from collections.abc import Callable, Sequence
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from drumbeat.relay.sweep import sweep
from drumbeat.services import Services, services, start

logger = Logger()
metrics = Metrics(namespace="Drumbeat")
start(lambda made: (made.db, made.notifier, made.buffer, made.wishes))


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001 - the schedule says nothing
    """Sweep once. While the ledger is unreachable this fails, for the alarm to see; the next minute tries again.

    So it does while the queue of wishes and Redis both fail.
    """
    summary = sweep(services(), remaining=lambda: context.get_remaining_time_in_millis() / 1000, look=_look)
    found = summary.logged()
    if not summary.idle and not summary.looked:
        logger.info("swept", extra=found)
    if summary.oldest > 0:
        metrics.add_metric("OldestDue", MetricUnit.Seconds, summary.oldest)
    if summary.redis_away:
        metrics.add_metric("RedisAway", MetricUnit.Count, 1)
    if summary.violations:
        metrics.add_metric("AccountsStopped", MetricUnit.Count, len(summary.violations))
    if metrics.provider.metric_set:  # flushing nothing warns
        metrics.flush_metrics()
    if summary.violations:
        from drumbeat.audit.watch import told

        told(summary.violations, services())
    return found


def _look(services: Services, has_time: Callable[[], bool]) -> Sequence[int]:
    """Look at what was done, with what only that takes."""
    from drumbeat.audit.watch import look

    return look(services, has_time)
