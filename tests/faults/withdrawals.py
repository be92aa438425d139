"""A person withdraws by the link of a mail: one statement, in which what they said is recorded and counts."""

import json
from uuid import UUID

from drumbeat.core import fingerprint, ids
from drumbeat.ingest import recording
from drumbeat.ingest.door import Door
from drumbeat.ledger.database import Row

SOURCE = "drumbeat:unsubscribe"

# Whom and what the mail is about stands in its effect.
WITHDRAW = """
    WITH mail AS (
        SELECT contact, coalesce(%(list)s, list) AS list FROM effects WHERE id = %(mail)s
    ), recorded AS (
        INSERT INTO events (id, source, key, type, door, fingerprint, received_at)
        SELECT %(event)s, %(source)s, %(key)s, 'CONSENT', 'unsubscribe', %(fingerprint)s, %(at)s FROM mail
            ON CONFLICT DO NOTHING
        RETURNING id
    ), kept AS (
        INSERT INTO payloads (event_id, body) SELECT id, %(body)s FROM recorded
    ), withdrawn AS (
        UPDATE contacts c
           SET consents = consents_merged(
                   c.consents, consent_fact(mail.list, 'withdrawn', true, %(at)s, %(event)s))
          FROM mail, recorded
         WHERE c.key = mail.contact
        RETURNING c.key, mail.list
    ), said AS (
        INSERT INTO consents (contact, list, event_id, kind, by_person, at)
        SELECT key, list, %(event)s, 'withdrawn', true, %(at)s FROM withdrawn
    )
    SELECT mail.contact, recorded.id AS new FROM mail LEFT JOIN recorded ON true
"""


def withdraw(mail: UUID, wish: UUID, door: Door, *, of: str | None = None) -> bool:
    """Withdraw from the list of a mail, or from another or every list; return whether the mail is known.

    `wish` names what the person did: a repeat of the same changes nothing.
    """
    body = {"payload": {}, "consent": [{"list": of, "kind": "withdrawn"}], "mail": str(mail), "evidence": {}}
    raw = json.dumps(body).encode()
    event = ids.event_id(SOURCE, str(wish))
    parameters = {
        "mail": mail,
        "list": of,
        "event": event,
        "source": SOURCE,
        "key": str(wish),
        "fingerprint": fingerprint.of_raw(raw),
        "at": door.services.clock.now(),
        "body": raw,
    }
    found: list[Row] = []

    def commit() -> list[UUID]:
        found.extend(door.services.db.run(WITHDRAW, parameters))
        return [row["new"] for row in found if row["new"]]

    recording.announced([event], door, commit)
    return bool(found)
