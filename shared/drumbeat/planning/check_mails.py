"""Which mail an event of `POST /v1/doctor/mail` asks for."""

from drumbeat.core import check_mails
from drumbeat.core.configuration import Account
from drumbeat.core.events import Event, EventType
from drumbeat.core.leads import Lead
from drumbeat.planning.payload import Body, Payload
from drumbeat.providers import registry

# The rules since which such events are planned: a release of earlier rules leaves them without effects.
SINCE = 4
NOT_THERE = "its account, list or template is not in this version, or the account sends no mail"


def wanted_flow(event: Event, body: Body, semantics: int) -> str | None:
    """Return the name of the flow that an event asks for; None: it is no such event.

    No caller can write one: the API takes no CONSENT from outside, and other ways in have their own sources.
    """
    ours = event.source == check_mails.SOURCE and event.type == EventType.CONSENT and event.door == "api"
    return str(body.around["check"]) if ours and semantics >= SINCE else None


def lead_in(payload: Payload) -> Lead:
    """Return the lead that the event of a preview brings: it reads no other, so it is the same whenever it is made."""
    known = payload.get("lead")
    return Lead(str(payload.get("email") or ""), known if isinstance(known, dict) else {})


def sends_mail(account: Account) -> bool:
    """Return whether mails can go through an account."""
    return account.provider in registry.names() and "send_email" in registry.get(account.provider).actions
