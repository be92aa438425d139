"""SQS worker: take what the messages name to its next status."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from drumbeat.core.errors import SecretAway
from drumbeat.delivery.deliver import Delivered, deliver
from drumbeat.services import services, start
from drumbeat.wakeups.queue import WakeUp

logger = Logger()
metrics = Metrics(namespace="Drumbeat")
start(lambda made: (made.db, made.throttle, made.notifier, made.calls, made.contact_secret))

# Status or finding -> metric; few names, no dimension but the service: each name is billed.
COUNTED = {
    "accepted": "EffectsAccepted",
    "refused": "EffectsRefused",
    "held": "EffectsInDoubt",
    "unknown": "EffectsUnknown",
    "doubled": "EffectsInDoubt",
    "stopped": "AccountsStopped",
}


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Carry out a batch of messages; report those that could not be parsed, are not known, or are not finished."""
    wake_ups: dict[str, WakeUp] = {}
    failed: list[str] = []
    for record in event["Records"]:
        try:
            wake_ups[record["messageId"]] = WakeUp.loads(record["body"])
        except ValueError:
            logger.warning("message_not_understood", extra={"message_id": record["messageId"]})
            failed.append(record["messageId"])
    try:
        done = deliver(list(wake_ups.values()), services(), lambda: context.get_remaining_time_in_millis() / 1000)
    except SecretAway as error:  # a start in an outage of the parameter store
        logger.warning("secret_away", extra={"reference": error.reference})
        return _failures([*failed, *wake_ups])
    failed += [message for message, wake_up in wake_ups.items() if _unfinished(wake_up, done)]
    _publish(done)
    return _failures(failed)


def _failures(messages: list[str]) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": message} for message in messages]}


def _publish(done: Delivered) -> None:
    for status in COUNTED.keys() & done.counts.keys():
        metrics.add_metric(COUNTED[status], MetricUnit.Count, done.counts[status])
    if metrics.provider.metric_set:  # flushing nothing warns
        metrics.flush_metrics()
    if done.counts or done.missing:
        logger.info("delivered", extra={**done.counts, "missing": len(done.missing), "left": len(done.left)})


def _unfinished(wake_up: WakeUp, done: Delivered) -> bool:
    runs = (turn.run for turn in wake_up.turns)
    return not (done.missing | done.left).isdisjoint((*wake_up.events, *wake_up.effects, *runs))
