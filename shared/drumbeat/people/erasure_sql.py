"""A person's bytes in the ledger: what there is of them, and the functions of steps 014 and 017 that delete it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from drumbeat.core.address import Keys
from drumbeat.ledger.database import Database

START, END = UUID(int=0), UUID(int=2**128 - 1)
COPIES_AT_ONCE = 50  # bodies, each of which may be as large as a delivery
PLANS_AT_ONCE = 2000  # that are looked through for such

# Under the key by the first reading of addresses only what was planned by it: the rest is another person's.
HELD = """
    WITH named AS MATERIALIZED (
        SELECT event_id FROM event_contacts WHERE contact = %(today)s
         UNION
        SELECT n.event_id
          FROM event_contacts n
          JOIN plans USING (event_id)
         WHERE n.contact = %(previous)s AND plans.semantics = 1
    ), found AS MATERIALIZED (
        SELECT e.id, e.key = erased_key(e.id) AS erased FROM named JOIN events e ON e.id = named.event_id
    ), made AS MATERIALIZED (
        SELECT effects.id, effects.status
          FROM found
          JOIN effects ON effects.event_id = found.id
         WHERE NOT EXISTS (SELECT FROM runs WHERE runs.id = found.id)
         UNION
        SELECT id, status FROM effects WHERE id = ANY (ARRAY(SELECT run_effects_of(%(today)s)))
    )
    SELECT (SELECT count(*) FROM found WHERE NOT erased) AS events,
           (SELECT count(*) FROM requests WHERE effect_id = ANY (ARRAY(SELECT id FROM made))) AS requests,
           (SELECT count(*)
              FROM made
             WHERE status IN ('waiting', 'claimed', 'sending', 'unknown', 'held')) AS unfinished,
           EXISTS (SELECT FROM leads WHERE contact = %(today)s) AS lead,
           EXISTS (SELECT FROM found) OR EXISTS (SELECT FROM contacts WHERE key = %(today)s) AS known,
           (SELECT erased_at FROM contacts WHERE key = %(today)s) AS erased_at
"""


@dataclass(frozen=True, slots=True)
class Held:
    """What the ledger holds of a person."""

    events: int  # that name them, and were not erased
    requests: int  # what was sent because of these events, mails among them, and by runs
    unfinished: int  # effects that are not final: they end cancelled
    lead: bool
    known: bool  # False: nothing that could be read names them, and no one suppressed them
    erased_at: datetime | None  # when the person was erased before


def held(db: Database, keys: Keys) -> Held:
    """Count what there is of a person."""
    return Held(**db.run(HELD, {"today": keys.today, "previous": keys.former})[0])


BAR = "SELECT bar_person(%(today)s, %(previous)s, %(actor)s) AS person"


def bar(db: Database, keys: Keys, *, actor: str) -> UUID:
    """Suppress a person for ever, and let what was received until now be erased as it comes; return the person's id."""
    person: UUID = db.run(BAR, {"today": keys.today, "previous": keys.former, "actor": actor})[0]["person"]
    return person


ERASE = "SELECT events, next FROM erase_person(%(today)s, %(previous)s, %(after)s, %(last)s, %(most)s)"


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some events of a barred person, erased. `next`: after which event the others come; None: those were all."""

    events: int
    next: UUID | None


def erase(db: Database, keys: Keys, *, after: UUID, last: UUID | None, most: int) -> Chunk:
    """Erase the next events of a barred person, in the order of ids, with all that was made of them. Safe to repeat."""
    values = {"today": keys.today, "previous": keys.former, "after": after, "last": last or END, "most": most}
    return Chunk(**db.run(ERASE, values)[0])


# ---------------------------------------------------------------- bodies that no index leads to


@dataclass(frozen=True, slots=True)
class Copy:
    """A body of which nothing says whom it names."""

    event_id: UUID
    fingerprint: bytes
    received_at: datetime
    body: bytes


_APART = """
    SELECT event_id, fingerprint, received_at, body
      FROM {}
     WHERE (event_id, fingerprint) > (%(event)s, %(fingerprint)s)
     ORDER BY event_id, fingerprint
     LIMIT %(limit)s
"""
PARKED, CONFLICTS = _APART.format("parked"), _APART.format("conflicts")
# Read in the order of ids, by indexes, and no further than is needed: all of it together costs what one reading does.
UNREAD = """
    WITH span AS MATERIALIZED (
        SELECT event_id AS last FROM plans WHERE event_id > %(after)s ORDER BY event_id OFFSET %(plans)s - 1 LIMIT 1
    ), unread AS MATERIALIZED (
        SELECT p.event_id, e.fingerprint, e.received_at, b.body
          FROM (SELECT event_id FROM plans WHERE event_id > %(after)s ORDER BY event_id LIMIT %(plans)s) AS p
         CROSS JOIN LATERAL (SELECT * FROM events WHERE id = p.event_id LIMIT 1) AS e
         CROSS JOIN LATERAL (SELECT body FROM payloads WHERE event_id = p.event_id LIMIT 1) AS b
         WHERE e.door <> 'schedule'
           AND (SELECT n.event_id FROM event_contacts n WHERE n.event_id = p.event_id LIMIT 1) IS NULL
         ORDER BY p.event_id
         LIMIT %(bodies)s
    )
    SELECT span.last, unread.*
      FROM (SELECT) AS one
      LEFT JOIN span ON true
      LEFT JOIN unread ON true
     ORDER BY unread.event_id
"""


@dataclass(frozen=True, slots=True)
class Span:
    """Some planned events in the order of ids. `unread`: bodies of those that name no one; `last`: None: to the end."""

    unread: list[Copy]
    last: UUID | None


def unread(db: Database, *, after: UUID) -> Span:
    """Give the bodies of the next events that name no one: their plan could not read them, or found no address."""
    rows = db.run(UNREAD, {"after": after, "plans": PLANS_AT_ONCE, "bodies": COPIES_AT_ONCE})
    last = rows[0]["last"]
    copies = [
        Copy(row["event_id"], row["fingerprint"], row["received_at"], row["body"]) for row in rows if row["event_id"]
    ]
    return Span(copies, copies[-1].event_id if len(copies) == COPIES_AT_ONCE else last)


def apart(db: Database) -> Iterator[Copy]:
    """Give the bodies that were parked, or came too late for their keys."""
    for statement in (PARKED, CONFLICTS):
        yield from _all(db, statement)


def _all(db: Database, statement: LiteralString) -> Iterator[Copy]:
    after = {"event": START, "fingerprint": b""}
    while rows := db.run(statement, {**after, "limit": COPIES_AT_ONCE}):
        yield from (Copy(**row) for row in rows)
        after = {"event": rows[-1]["event_id"], "fingerprint": rows[-1]["fingerprint"]}


ERASE_COPIES = "SELECT erase_copies(%(today)s, %(ids)s::uuid[], %(hashes)s::bytea[]) AS erased"


def erase_copies(db: Database, keys: Keys, copies: Sequence[Copy]) -> int:
    """Delete these bodies, as far as they were received before their person was barred; return how many."""
    ids, hashes = [copy.event_id for copy in copies], [copy.fingerprint for copy in copies]
    erased: int = db.run(ERASE_COPIES, {"today": keys.today, "ids": ids, "hashes": hashes})[0]["erased"]
    return erased


NAME = """
    INSERT INTO event_contacts (contact, event_id, received_at)
    SELECT %(today)s, n.id, n.received_at
      FROM unnest(%(ids)s::uuid[], %(received_ats)s::timestamptz[]) AS n (id, received_at)
      JOIN contacts ON contacts.key = %(today)s AND contacts.erased_at >= n.received_at
        ON CONFLICT DO NOTHING
"""


def name(db: Database, keys: Keys, events: Sequence[Copy]) -> None:
    """Note that these events name a person, as far as they were received before the person was barred: so they go."""
    values = [event.event_id for event in events], [event.received_at for event in events]
    db.run(NAME, {"today": keys.today, "ids": values[0], "received_ats": values[1]})


# ---------------------------------------------------------------- configurations, which are kept for ever

CONFIGURED = """
    SELECT version,
           concat_ws(' ', document, (SELECT string_agg(value, ' ') FROM jsonb_each_text(templates))) AS text
      FROM configs
     WHERE position(%(local)s IN lower(document || templates::text)) > 0
     ORDER BY version
"""


def configured(db: Database, address: str) -> Iterator[tuple[int, str]]:
    """Give the versions whose text may hold an address, with that text."""
    local = address.rpartition("@")[0].lower() + "@"
    return ((row["version"], row["text"]) for row in db.run(CONFIGURED, {"local": local}))
