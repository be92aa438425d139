"""A firing by EventBridge Scheduler: record the instant of our own calendar that it stands for."""

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from drumbeat.campaigns import fire
from drumbeat.services import services, start

logger = Logger()
start(lambda made: (made.db, made.notifier))


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001 - Lambda passes it
    """Fire once for `{"campaign": name, "scheduled": instant}`.

    While the ledger is unreachable this fails, and Lambda repeats it.
    """
    try:
        name, scheduled = str(event["campaign"]), _instant(event["scheduled"])
    except (KeyError, TypeError, ValueError):
        logger.warning("firing_not_understood")
        return {"ignored": "not a firing"}
    fired = fire(name, scheduled, services())
    if fired.event is None:
        return {"ignored": fired.ignored}
    if fired.new:
        logger.info("fired", extra={"campaign": name, "event_id": str(fired.event)})
    return {"event": str(fired.event), "new": fired.new}


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
