"""`/v1/leads/<person>/receipt`: what proves one person's consent, as `/v1/leads/<person>` names them."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from drumbeat.api.access import READ_PEOPLE
from drumbeat.api.leads import named
from drumbeat.api.query import query
from drumbeat.api.response import Room, reply
from drumbeat.api.routing import Routes
from drumbeat.core.errors import NotFound
from drumbeat.services import services
from drumbeat.views import consent_receipt

router = Routes()


@router.get("/v1/leads/<person>/receipt", middlewares=READ_PEOPLE)
def show_receipt(person: str) -> Response[Any]:
    """Show what was said of a person's consent, with its evidence and the mails that asked for it."""
    from drumbeat.api.sent import sent  # reads requests, which only this route needs

    query(router)
    id, keys = named(person)
    receipt = consent_receipt.receipt(services().db, keys=keys, id=id, reading=sent, fits=Room())
    if receipt is None:
        raise NotFound("nothing is recorded of this person's consent: no event, effect or suppression names them")
    return reply(receipt)
