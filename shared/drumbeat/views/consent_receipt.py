"""The consent receipt of one person: what was said of each list, what proves it, and the mails that asked for it.

Consent counts under today's key of an address alone, so nothing else is read here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from drumbeat.ledger.database import Database, Row
from drumbeat.views import person_consent
from drumbeat.views.pages import Fits, everything
from drumbeat.views.person_consent import ConsentFact
from drumbeat.views.person_effects import Reading

MOST = 200  # statements, the newest; a person says a few


@dataclass(frozen=True, slots=True)
class ConfirmationMail:
    """A mail that asked the person to confirm. `request`: what was sent; None: not sent, erased, or without room."""

    effect_id: UUID
    event_id: UUID  # that it asks about
    list: str
    status: str
    opened_at: datetime | None  # its last attempt
    request: object


@dataclass(frozen=True, slots=True)
class Standing:
    """How consent to one list stands; `*`: every list."""

    list: str
    state: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """One person's consent, oldest first. `whole`: no statement is missing, and no mail that was sent."""

    id: UUID
    address: str | None  # of the lead; None: there is none, or it was erased
    made_at: datetime
    erased_at: datetime | None  # what was received until then is shown without its evidence
    suppressed: str | None
    standing: list[Standing]
    statements: list[ConsentFact]
    mails: list[ConfirmationMail]
    whole: bool


HEAD = """
    SELECT c.key, c.person, c.erased_at, c.suppression_reason AS suppressed, l.address ->> 'v' AS address,
           drumbeat_now() AS made_at
      FROM contacts c
      LEFT JOIN leads l ON l.contact = c.key
     WHERE c.key = (SELECT key FROM contacts WHERE key = %(own)s::bytea
                     UNION ALL
                    SELECT key FROM contacts WHERE person = %(id)s::uuid
                     LIMIT 1)
"""

STANDING = """
    SELECT list, consent_state(c.consents, list) AS state
      FROM contacts c
     CROSS JOIN LATERAL jsonb_object_keys(c.consents) AS known (list)
     WHERE c.key = %(own)s
     ORDER BY list
"""

NEWEST = """
    SELECT DISTINCT ON (at, event_id) at, event_id
      FROM consents
     WHERE contact = %(own)s
     ORDER BY at DESC, event_id DESC
     LIMIT %(limit)s
"""

MAILS = """
    SELECT e.id AS effect_id, e.event_id, e.list, e.status, r.frozen, r.hash,
           (SELECT max(opened_at) FROM attempts WHERE attempts.effect_id = e.id) AS opened_at
      FROM effects e
      LEFT JOIN LATERAL (SELECT frozen, hash
                           FROM requests
                          WHERE requests.effect_id = e.id
                          ORDER BY generation DESC
                          LIMIT 1) AS r ON true
     WHERE e.event_id = ANY (%(events)s) AND e.confirms AND e.contact = %(own)s
     ORDER BY opened_at, e.id
"""

BODY = "SELECT body FROM payloads WHERE event_id = %(event)s"


def receipt(
    db: Database,
    *,
    keys: Sequence[bytes] = (),
    id: UUID | None = None,
    reading: Reading,
    fits: Fits = everything,
) -> Receipt | None:
    """Return the receipt of a person by the keys of an address, today's first, or by id; None when neither is known."""
    heads = db.run(HEAD, {"own": keys[0] if keys else None, "id": id})
    if not heads:
        return None
    head = heads[0]
    own = head.pop("key")
    found = [(row["at"], row["event_id"]) for row in db.run(NEWEST, {"own": own, "limit": MOST + 1})]
    shown = found[:MOST]
    said = person_consent.said(db, own, shown)
    statements = [
        fact for at in reversed(shown) for fact in person_consent.facts(said.get(at, ()), _body(db, said.get(at, ())))
    ]
    asked = db.run(MAILS, {"own": own, "events": sorted({event for _, event in shown})})
    mails = [_mail(row, reading, fits) for row in asked]
    missing = [mail for mail, row in zip(mails, asked, strict=True) if row["frozen"] and mail.request is None]
    return Receipt(
        id=head["person"],
        address=head["address"],
        made_at=head["made_at"],
        erased_at=head["erased_at"],
        suppressed=head["suppressed"],
        standing=[Standing(**row) for row in db.run(STANDING, {"own": own})],
        statements=statements,
        mails=mails,
        whole=not missing and len(found) <= MOST,
    )


def _body(db: Database, said: Sequence[Row]) -> bytes | None:
    """Return the body that has the evidence of what one event said, where it is ours and was not erased."""
    if not said or said[0]["bytes"] is None:
        return None
    rows = db.run(BODY, {"event": said[0]["event_id"]})
    return rows[0]["body"] if rows else None


def _mail(row: Row, reading: Reading, fits: Fits) -> ConfirmationMail:
    known = {name: value for name, value in row.items() if name not in ("frozen", "hash")}
    request = None if row["frozen"] is None else reading(row["frozen"], row["hash"])
    return ConfirmationMail(**known, request=request if request is not None and fits(request) else None)
