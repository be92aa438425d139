"""`/v1/campaigns`: firing one by hand."""

from typing import Any

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, ConfigDict

from drumbeat.api.access import OPERATE
from drumbeat.api.query import body
from drumbeat.api.response import reply
from drumbeat.api.routing import Routes
from drumbeat.campaigns import trigger
from drumbeat.core.errors import Invalid
from drumbeat.ingest.request import check_key
from drumbeat.services import services

router = Routes()


class Trigger(BaseModel):
    """The body; the key may come as a header instead."""

    model_config = ConfigDict(extra="forbid")
    idempotencyKey: str | None = None


@router.post("/v1/campaigns/<name>/trigger", middlewares=OPERATE)
def trigger_campaign(name: str) -> Response[Any]:
    """Record a CAMPAIGN_TRIGGER now: 202, or 200 when the key was used before."""
    key = _key()
    receipt = trigger(name, key, actor=router.actor, services=services())
    answer = {"eventId": receipt.event_id, "status": receipt.status}
    if receipt.replayed:
        return reply(answer, 200, {"Idempotent-Replayed": "true"})
    return reply(answer, 202)


def _key() -> str:
    request = body(router, Trigger) if router.current_event.body else Trigger()
    header = router.current_event.headers.get("idempotency-key")
    if header is not None and request.idempotencyKey not in (None, header):
        raise Invalid("The header Idempotency-Key and the field idempotencyKey differ. Send one. Nothing was recorded.")
    key = request.idempotencyKey if header is None else header
    if key is None:
        raise Invalid(
            "An idempotency key is missing. Send a name that a repeat of this request would have too, as the header"
            " Idempotency-Key or the field idempotencyKey. Nothing was recorded."
        )
    return check_key(key)
