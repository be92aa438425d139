"""People who come back: their post of a form has the key of one before, and they have left its list in between.

A key cannot tell this from the same post once more. So where the key of a sign-up is known the ledger is asked, at the
door as well as when the buffer is drained, and a return is recorded under a key that names the withdrawal: sent fifty
times at once it is still one event, and after another withdrawal another one.
"""

import json
from dataclasses import dataclass, replace

from drumbeat.core import ids
from drumbeat.core.address import contact_key
from drumbeat.core.events import Arrival
from drumbeat.ingest import returns_sql
from drumbeat.services import Services

FORM = "form"  # the door


@dataclass(frozen=True, slots=True)
class SignUp:
    """Who signed up, and for which list."""

    address: str
    list: str


def sign_up(arrival: Arrival) -> SignUp | None:
    """Return what a form's post signs up for; None: for nothing, or it is no form's."""
    if arrival.door != FORM:
        return None
    try:
        body = json.loads(arrival.body)
        return next((SignUp(body["payload"]["email"], said["list"]) for said in body["consent"]), None)
    except (ValueError, TypeError, KeyError):  # of another release, out of the buffer
        return None


def came_back(arrival: Arrival, services: Services) -> Arrival | None:
    """Return a post whose key is known as the event of a person who came back; None: they have not left since.

    Who left at the instant of the post, or after it, has not come back by it.

    Raises:
        psycopg.OperationalError: Postgres is unreachable.
    """
    if (asked := sign_up(arrival)) is None:
        return None
    contact = contact_key(services.contact_secret, asked.address)
    withdrawal = returns_sql.withdrawal(
        services.db, arrival.id, contact=contact, list=asked.list, before=arrival.received_at
    )
    if withdrawal is None:
        return None
    key = f"{arrival.key}:{withdrawal}"
    return replace(arrival, id=ids.event_id(arrival.source, key), key=key)
