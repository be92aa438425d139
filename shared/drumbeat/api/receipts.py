"""`/v1/leads/<person>/receipt`: what proves one person's consent, as `/v1/leads/<person>` names them."""

from drumbeat.api.access import READ_PEOPLE
from drumbeat.api.leads import named
from drumbeat.api.response import Answer, Room, reply
from drumbeat.api.routing import ApiRoutes
from drumbeat.core.errors import NotFound
from drumbeat.services import services
from drumbeat.views import consent_receipt

router = ApiRoutes()


@router.get("/v1/leads/<person>/receipt", middlewares=READ_PEOPLE)
def show_receipt(person: str) -> Answer[consent_receipt.Receipt]:
    """Show what was said of a person's consent, with its evidence and the mails that asked for it."""
    from drumbeat.api.sent import sent  # reads requests, which only this route needs

    id, keys = named(person)
    receipt = consent_receipt.receipt(services().db, keys=keys, id=id, reading=sent, fits=Room())
    if receipt is None:
        raise NotFound("nothing is recorded of this person's consent: no event, effect or suppression names them")
    return reply(receipt)
