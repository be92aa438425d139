"""Effects at each point of their way, for the pages that show them."""

import json
from typing import Any
from uuid import UUID

from drumbeat.access import keys
from drumbeat.access import sql as access_sql
from drumbeat.core.reasons import Reason, ReasonCode
from drumbeat.core.request import Request
from drumbeat.core.status import Status
from drumbeat.delivery import attempts_sql
from drumbeat.delivery.requests import freeze
from drumbeat.ledger.database import Database
from tests.functions.pages.visitor import Visitor
from tests.store.rows import claimed, closing, opening, waiting

TOKEN = "x" * 60
LINK = f"https://hooks.example.com/u/{TOKEN}"
MAIL = {
    "from": "Ada <ada@example.com>",
    "to": ["bob@example.org"],
    "subject": "Ferns & more",
    "text": f"Good morning. {LINK}",
    "html": f'<p>Good <b>morning</b></p><script>alert(1)</script><a href="{LINK}">leave</a>',
}


def sign_in_as_clerk(visitor: Visitor, *scopes: str) -> None:
    """Sign in with a key that has no scope but these: may it see persons, its row says."""
    access_sql.add(visitor.services.db, "clerk", "of a test", scopes, actor="test")
    visitor.post("/sign-in", token=None, key=keys.mint(visitor.services.key_secret, "clerk", scopes))


def sent(db: Database, fields: object = MAIL, **changes: Any) -> UUID:
    """Return an effect whose request is on its way."""
    effect = claimed(db, waiting(db, **changes))
    body = json.dumps(fields).encode()
    frozen, hash = freeze(Request("POST", "https://api.example.com/emails", {"content-type": "application/json"}, body))
    attempts_sql.open_attempts(db, [opening(effect, frozen=frozen, request_hash=hash)])
    return effect.id


def ended(db: Database, to: Status, **changes: Any) -> UUID:
    """Return an effect that its provider accepted or refused."""
    effect = claimed(db, waiting(db, **changes))
    attempts_sql.open_attempts(db, [opening(effect)])
    reason = None if to is Status.ACCEPTED else Reason(ReasonCode.REFUSED_BY_PROVIDER, "no mailbox carl@example.org")
    attempts_sql.close_attempts(db, [closing(effect, str(to), to, reason=reason, learned=reason)])
    return effect.id


def unsure(db: Database, **changes: Any) -> UUID:
    """Return an effect of which it is not known whether it was carried out."""
    effect = claimed(db, waiting(db, **changes))
    attempts_sql.open_attempts(db, [opening(effect)])
    attempts_sql.close_attempts(db, [closing(effect, "unknown", Status.UNKNOWN)])
    return effect.id


def held(db: Database, **changes: Any) -> UUID:
    """Return an effect of which nothing can prove whether it was carried out."""
    id = unsure(db, **changes)
    effect = claimed(db, id)
    reason = Reason(ReasonCode.UNPROVABLE)
    attempts_sql.close_attempts(
        db, [closing(effect, None, Status.HELD, n=effect.fence - 1, origin="look", reason=reason)]
    )
    return id


def given_up(db: Database) -> UUID:
    """Return an effect that ended, although it may have been carried out."""
    id = unsure(db)
    effect = claimed(db, id)
    reason = Reason(ReasonCode.DROPPED, maybe_sent=True)
    attempts_sql.close_attempts(
        db, [closing(effect, None, Status.CANCELLED, n=effect.fence - 1, origin="look", reason=reason)]
    )
    return id
