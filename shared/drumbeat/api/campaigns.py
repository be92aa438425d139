"""`/v1/campaigns`: firing one by hand."""

from typing import Any

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, ConfigDict

from drumbeat.api.access import OPERATE
from drumbeat.api.query import body
from drumbeat.api.response import reply
from drumbeat.api.routing import Routes
from drumbeat.campaigns import trigger
from drumbeat.ingest.request import one_key
from drumbeat.services import services
from drumbeat.web.requests import key_of

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
    return one_key(key_of(router.current_event.raw_event), request.idempotencyKey)
