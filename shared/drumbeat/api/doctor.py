"""`/v1/doctor`: what can be wrong with an installation, and one mail to look at."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from drumbeat.api.access import OPERATE, needs
from drumbeat.api.body import Keyed
from drumbeat.api.query import Listed
from drumbeat.api.response import Answer, once, reply
from drumbeat.api.routing import ApiRoutes, refuses
from drumbeat.core.errors import KeyReused, NotFound
from drumbeat.operations.check_mail import Wanted, send_check_mail
from drumbeat.operations.checks import Check
from drumbeat.operations.doctor import doctor
from drumbeat.services import services
from drumbeat.views import Page

router = ApiRoutes()


class MailRequest(Keyed):
    """The mail that is asked for; the key may come as the header Idempotency-Key instead."""

    to: str
    account: str | None = None
    list: str | None = None
    template: str | None = None
    payload: dict[str, object] | None = None
    campaign: str | None = None


@dataclass(frozen=True, slots=True)
class MailAsked:
    """The event that the mail became, and who sends it."""

    event_id: UUID
    status: str
    account: str
    provider: str
    from_: str
    sandbox: str | None  # where the mail arrives, when the account talks to the local sandbox


@router.get("/v1/doctor", middlewares=OPERATE)
def get_doctor(_: Listed) -> Answer[Page[Check]]:
    """Check everything that can be wrong with an installation, and say how to repair it."""
    return reply(Page(doctor(services()), None))


@router.post("/v1/doctor/mail", middlewares=needs("operate", shows=["from"]))
@refuses(NotFound, KeyReused)
def post_mail(request: MailRequest) -> Answer[MailAsked, Literal[200, 202]]:
    """Ask for one mail through a configured account: 202, or 200 when the key was used before."""
    wanted = Wanted(
        request.to, request.account, request.list, request.template, request.payload, campaign=request.campaign
    )
    key = request.key(router.current_event.raw_event)
    made = send_check_mail(wanted, key, actor=router.actor, services=services())
    answer = MailAsked(
        made.receipt.event_id,
        made.receipt.status,
        made.account.name,
        made.account.provider,
        str(made.account.settings["from"]),
        made.sandbox,
    )
    return once(answer, replayed=made.receipt.replayed)
