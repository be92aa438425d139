"""`/v1/doctor`: what can be wrong with an installation, and one mail to look at."""

from typing import Any

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, ConfigDict

from drumbeat.api.access import OPERATE, needs
from drumbeat.api.query import body, listing
from drumbeat.api.response import reply
from drumbeat.api.routing import Routes
from drumbeat.ingest.request import one_key
from drumbeat.operations.check_mail import Wanted, send_check_mail
from drumbeat.operations.doctor import doctor
from drumbeat.services import services
from drumbeat.web.requests import key_of

router = Routes()


class MailRequest(BaseModel):
    """The mail that is asked for; the key may come as a header instead."""

    model_config = ConfigDict(extra="forbid")
    to: str
    account: str | None = None
    list: str | None = None
    template: str | None = None
    payload: dict[str, object] | None = None
    campaign: str | None = None
    idempotencyKey: str | None = None


@router.get("/v1/doctor", middlewares=OPERATE)
def get_doctor() -> Response[Any]:
    """Check everything that can be wrong with an installation, and say how to repair it."""
    listing(router)
    return reply({"items": doctor(services()), "next": None})


@router.post("/v1/doctor/mail", middlewares=needs("operate", shows=["from"]))
def post_mail() -> Response[Any]:
    """Ask for one mail through a configured account: 202, or 200 when the key was used before."""
    request = body(router, MailRequest)
    wanted = Wanted(
        request.to, request.account, request.list, request.template, request.payload, campaign=request.campaign
    )
    key = one_key(key_of(router.current_event.raw_event), request.idempotencyKey)
    made = send_check_mail(wanted, key, actor=router.actor, services=services())
    answer = {
        "eventId": made.receipt.event_id,
        "status": made.receipt.status,
        "account": made.account.name,
        "provider": made.account.provider,
        "from": made.account.settings["from"],
        "sandbox": made.sandbox,
    }
    if made.receipt.replayed:
        return reply(answer, 200, {"Idempotent-Replayed": "true"})
    return reply(answer, 202)
