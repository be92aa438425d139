"""What has to hold once people were erased in a trial: nothing of them is left, and nothing brings them back."""

import time
from collections.abc import Iterator
from hashlib import sha256
from itertools import chain
from typing import Any

import psycopg

from drumbeat.local.frames import Json
from tests.chaos import leftovers
from tests.chaos.environment import Environment
from tests.chaos.inboxes import Inboxes
from tests.chaos.people import DOMAIN, OFFERS, Said

WAIT_SECONDS = 60.0  # for what follows from one import
POLL_SECONDS = 0.5

NOT_ERASED = "SELECT id::text FROM events WHERE id = ANY (%s) AND key <> 'erased:' || id::text"
FOLLOWS = "SELECT status, reason_code FROM effects WHERE event_id = %s"


def come_back(environment: Environment, said: Said, inboxes: Inboxes) -> Iterator[str]:
    """Import one of the erased again, with consent, and cause mails: none is sent. Then erase them once more."""
    name = min(said.erased, default=None)
    if name is None:
        return
    email = f"{name}@{DOMAIN}"
    before = len(_mails(inboxes, email))
    rows = {"file": sha256(name.encode()).hexdigest(), "rows": [{"row": 1, "fields": {"email": email, "name": name}}]}
    consent = {"mode": "given", "list": OFFERS, "consent": "from a backup"}
    environment.call("POST", "/v1/leads/import", rows | consent)
    payload = {"email": email, "name": name, "kind": OFFERS}
    lead = {"type": "LEAD_CAPTURE", "source": "crm", "payload": payload, "idempotencyKey": f"{name}: again"}
    event = environment.call("POST", "/v1/events", lead)["eventId"]
    ends = _ends(environment, event)
    if not ends or any(end != ("cancelled", "suppressed") for end in ends):
        yield f"an erased person who was imported again is not suppressed: {ends} of event {event}"
    if len(_mails(inboxes, email)) != before:
        yield f"an erased person who was imported again was mailed: event {event}"
    environment.call("POST", "/v1/leads/erase", {"email": email})


def left(environment: Environment, said: Said) -> Iterator[str]:
    """Yield what is left of the people whose erasure was acknowledged, wherever the stack keeps anything."""
    with psycopg.connect(environment.ledger_urls[0], autocommit=True) as owner:
        for (event,) in owner.execute(NOT_ERASED, [list(said.late_copies)]).fetchall():
            yield f"a copy that came out of the buffer after its person was erased is kept: event {event}"
    kept = chain(
        leftovers.in_ledger(environment.ledger_urls[0]),
        leftovers.in_redis(environment.valkey),
        leftovers.in_queues(environment.sqs()),
        leftovers.in_files(environment.folder / "home"),
    )
    yield from (f"erased, and still kept: {where}" for where in leftovers.holding(sorted(said.erased), kept))


def _mails(inboxes: Inboxes, email: str) -> list[Any]:
    return [mail for mail in inboxes.mails() if mail.to == email]


def _ends(environment: Environment, event: Json) -> list[tuple[str, str | None]]:
    """Return how the mails of an event ended, once they have."""
    until = time.monotonic() + WAIT_SECONDS
    with psycopg.connect(environment.ledger_urls[0], autocommit=True) as owner:
        while time.monotonic() < until:
            found = [(status, reason) for status, reason in owner.execute(FOLLOWS, [event]).fetchall()]
            if found and all(status in ("accepted", "refused", "cancelled", "held") for status, _ in found):
                return found
            time.sleep(POLL_SECONDS)
    return []
