"""Wishes in the ledger: a withdrawal is recorded and applied at once; a confirmation reads what it confirms."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from drumbeat.core.events import Arrival
from drumbeat.ledger.database import Database

# The event, what it says, and the contact's row, in one commit, and all of it after the row's lock: an attempt that is
# being opened holds it, so it is before all of it or sees all of it. The facts are joined with those of the locked row.
# What did not wait is newer than everything in it, whatever the clocks of two processes say: a person confirmed at one
# whose clock is ahead, and leaves at another.
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
        SELECT %(id)s, %(source)s, %(key)s, %(type)s, %(door)s, %(fingerprint)s, %(received_at)s
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

# What a program says about a list that confirms waits as well: then its plan has a mail that asks. One who left before
# they confirmed has not left since, also where the confirmation is not planned yet: so times are compared.
PENDING = """
    SELECT e.source, e.type, e.received_at, p.body,
           ARRAY(SELECT DISTINCT list FROM effects WHERE event_id = e.id AND confirms ORDER BY list) AS lists,
           confirmed.id IS NOT NULL AS confirmed,
           EXISTS (SELECT FROM effects asks JOIN contacts c ON c.key = asks.contact
                    WHERE asks.event_id = e.id AND asks.confirms
                      AND consent_state(c.consents, asks.list) = 'withdrawn'
                      AND greatest((c.consents #>> ARRAY[asks.list, 'd', '0'])::bigint,
                                   (c.consents #>> '{*,d,0}')::bigint) >= microseconds(confirmed.received_at)) AS left
      FROM events e
      LEFT JOIN payloads p ON p.event_id = e.id
      LEFT JOIN events confirmed ON confirmed.id = drumbeat_id(e.source, 'confirm:' || e.id)
     WHERE e.id = %(id)s
"""


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """What the ledger made of a withdrawal. `known`: it has the mail; `inserted`: the withdrawal is new."""

    known: bool
    inserted: bool


@dataclass(frozen=True, slots=True)
class Pending:
    """An event that may wait for its person's confirmation."""

    source: str
    type: str
    received_at: datetime
    body: bytes | None  # None: erased
    lists: list[str]  # that a mail was planned for which asks
    confirmed: bool
    left: bool  # one of the lists since then, and did not come back


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


def pending(db: Database, event: UUID) -> Pending | None:
    """Return an event with what of it may be confirmed, or None when there is no such event. Raises psycopg.Error."""
    rows = db.run(PENDING, {"id": event})
    return Pending(**rows[0]) if rows else None
