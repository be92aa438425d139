"""Wishes in the ledger: a withdrawal is recorded and applied at once; a confirmation reads what it confirms."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from drumbeat.core import ids
from drumbeat.core.events import Arrival
from drumbeat.ledger.database import Database

# The event, what it says, and the contact's row, in one commit, and all of it after the row's lock: an attempt that is
# being opened holds it, so it is before all of it or sees all of it. The facts are joined with those of the locked row.
# What did not wait has the ledger's time, whatever the clocks of two processes say: a person confirmed at one whose
# clock is ahead, and leaves at another. No event is received after it is recorded, so it is newer than all that was
# recorded before, planned or not; and than all that the row says, should the ledger's own clock have gone back.
WITHDRAW = """
    WITH mail AS MATERIALIZED (
        SELECT e.contact, e.list, c.consents
          FROM effects e
          JOIN contacts c ON c.key = e.contact
         WHERE e.id = %(mail)s
           FOR NO KEY UPDATE OF c
    ), lists AS (
        SELECT DISTINCT mail.contact, mail.consents, coalesce(named.list, mail.list) AS list
          FROM mail CROSS JOIN unnest(%(lists)s::text[]) AS named (list)
         WHERE coalesce(named.list, mail.list) IS NOT NULL
    ), inserted AS (
        INSERT INTO events (id, source, key, type, door, fingerprint, received_at)
        SELECT %(id)s, %(source)s, %(key)s, %(type)s, %(door)s, %(fingerprint)s,
               CASE WHEN %(waited)s THEN least(%(received_at)s, drumbeat_now()) ELSE drumbeat_now() END
         WHERE EXISTS (SELECT FROM lists)
            ON CONFLICT (id) DO NOTHING
     RETURNING id, received_at
    ), kept AS (
        INSERT INTO payloads (event_id, body) SELECT id, %(body)s FROM inserted
    ), said AS (
        SELECT lists.contact, lists.list, inserted.id AS event,
               CASE WHEN %(waited)s THEN inserted.received_at
                    ELSE greatest(inserted.received_at, newest.at) END AS received_at
          FROM lists
         CROSS JOIN inserted
         CROSS JOIN LATERAL (
            SELECT timestamptz 'epoch' + max((facts.value #>> '{d,0}')::bigint) * interval '1 microsecond' AS at
              FROM jsonb_each(lists.consents) AS facts
             WHERE facts.key = lists.list OR lists.list = '*') AS newest
    ), applied AS (
        UPDATE contacts c
           SET consents = consents_merged(c.consents, new.facts)
          FROM (SELECT contact, consents_merge(consent_fact(list, 'withdrawn', true, received_at, event)) AS facts
                  FROM said
                 GROUP BY contact) AS new
         WHERE c.key = new.contact
    ), evidence AS (
        INSERT INTO consents (contact, list, event_id, kind, by_person, at)
        SELECT contact, list, event, 'withdrawn', true, received_at FROM said
    ), indexed AS (
        INSERT INTO event_contacts (contact, event_id, received_at)
        SELECT DISTINCT said.contact, inserted.id, inserted.received_at FROM said CROSS JOIN inserted
    )
    SELECT EXISTS (SELECT FROM lists) AS known, EXISTS (SELECT FROM inserted) AS inserted
"""

# What one mail asks about: one list, whatever else its event asked about by other mails. A form's sign-up is about one
# list, so what confirms it is named by the sign-up; a program may name many, so what confirms one of them is named by
# its mail. One who left before they confirmed has not left since, also where the confirmation is not planned yet: so
# times are compared.
PENDING = """
    SELECT e.source, e.type, e.received_at, p.body, asks.list, named.key, confirmed.id IS NOT NULL AS confirmed,
           coalesce(consent_state(c.consents, asks.list) = 'withdrawn'
                    AND greatest((c.consents #>> ARRAY[asks.list, 'd', '0'])::bigint,
                                 (c.consents #>> '{*,d,0}')::bigint) >= microseconds(confirmed.received_at),
                    false) AS left,
           drumbeat_now() AS now
      FROM effects asks
      JOIN contacts c ON c.key = asks.contact
      JOIN events e ON e.id = asks.event_id
      LEFT JOIN payloads p ON p.event_id = e.id
     CROSS JOIN LATERAL (
        SELECT %(confirms)s::text || CASE e.type WHEN 'CONSENT' THEN e.id ELSE asks.id END AS key) AS named
      LEFT JOIN events confirmed ON confirmed.id = drumbeat_id(e.source, named.key)
     WHERE asks.id = %(mail)s AND asks.confirms
"""


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """What the ledger made of a withdrawal. `known`: it has the mail; `inserted`: the withdrawal is new."""

    known: bool
    inserted: bool


@dataclass(frozen=True, slots=True)
class Pending:
    """What a mail asks its person to confirm: that they want a list, as an event says."""

    source: str  # of that event, as the next three
    type: str
    received_at: datetime
    body: bytes | None  # None: erased
    list: str
    key: str  # of the event that confirms it
    confirmed: bool
    left: bool  # the list, since it was confirmed, and did not come back
    now: datetime


def withdraw(db: Database, arrival: Arrival, *, mail: UUID, lists: Sequence[str | None], waited: bool) -> Withdrawn:
    """Record a withdrawal and apply it, once, in one commit; nothing where the ledger does not know the mail.

    `lists`: those to leave; None among them stands for the mail's own. `waited`: in the queue of wishes, so that what
    the row says may be newer; otherwise it counts over all that the row says.

    Raises:
        psycopg.OperationalError: Postgres is unreachable; whether it was recorded is then unknown.
    """
    values: dict[str, Any] = {
        "mail": mail,
        "lists": list(lists),
        "waited": waited,
        "id": arrival.id,
        "source": arrival.source,
        "key": arrival.key,
        "type": arrival.type,
        "door": arrival.door,
        "fingerprint": arrival.fingerprint,
        "received_at": arrival.received_at,
        "body": arrival.body,
    }
    (row,) = db.run(WITHDRAW, values)
    return Withdrawn(**row)


def pending(db: Database, mail: UUID) -> Pending | None:
    """Return what a mail asks to confirm, or None when there is no such mail. Raises psycopg.Error."""
    rows = db.run(PENDING, {"mail": mail, "confirms": ids.CONFIRMS})
    return Pending(**rows[0]) if rows else None
