"""What an import changes in the commit that records its rows."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from drumbeat.access.keys import ApiKey
from drumbeat.core.address import Keys
from drumbeat.core.events import Arrival
from drumbeat.ingest.sql import Recorded, record_all, recording_with
from drumbeat.ledger.database import Database
from drumbeat.people.sql import appending

_NAMED = """
    , named AS MATERIALIZED (
        SELECT n.contact, n.former, n.id AS event_id, arriving.received_at
          FROM unnest(%(ids)s::uuid[], %(contacts)s::bytea[], %(formers)s::bytea[]) AS n (id, contact, former)
          JOIN inserted USING (id)
          JOIN arriving USING (id)
    )
"""

# Takes the contacts' locks, in the order of keys as where attempts are opened: an attempt that is being opened comes
# before it or sees it. The key by the first reading gets its row, which an attempt has to lock.
# The evidence has its time from under the lock, as attempts have.
WITHDRAW = recording_with(f"""
    {_NAMED}
    , agreed AS (
        INSERT INTO contacts AS c (key, former, consents)
        SELECT key, min(former), consents_merge(fact)
          FROM (SELECT contact AS key, former, consent_fact(%(list)s, 'withdrawn', false, received_at, event_id) AS fact
                  FROM named
                 UNION ALL
                SELECT former, NULL, '{{}}' FROM named WHERE former IS NOT NULL) AS facts
         GROUP BY key
         ORDER BY key
            ON CONFLICT (key) DO UPDATE
           SET former = coalesce(c.former, excluded.former), consents = consents_merged(c.consents, excluded.consents)
     RETURNING key
    ), evidence AS (
        INSERT INTO consents (contact, list, event_id, kind, by_person, at)
        SELECT contact, %(list)s, event_id, 'withdrawn', false, received_at
          FROM named
          JOIN agreed ON agreed.key = named.contact
            ON CONFLICT DO NOTHING
    )
""")  # noqa: S608 - put together from constants

# As `people.sql.CHANGE`, under both keys. A row that was recorded before suppresses nothing again: a person may have
# lifted it meanwhile.
SUPPRESS = recording_with(f"""
    {_NAMED}
    , changed AS (
        INSERT INTO contacts AS c (key, former, suppressed_at, suppression_reason, suppression_kind)
        SELECT key, min(former), drumbeat_now(), %(reason)s, 'manual'
          FROM (SELECT contact AS key, former FROM named
                 UNION ALL
                SELECT former, NULL FROM named WHERE former IS NOT NULL) AS keys
         GROUP BY key
         ORDER BY key
            ON CONFLICT (key) DO UPDATE
           SET former = coalesce(c.former, excluded.former),
               suppressed_at = excluded.suppressed_at,
               suppression_reason = excluded.suppression_reason,
               suppression_kind = excluded.suppression_kind
         WHERE c.suppressed_at IS NULL OR c.suppression_kind = 'bounce'
     RETURNING c.key
    ), appended AS (
        INSERT INTO suppressions (contact, seq, reason, actor)
        SELECT key, 1 + coalesce((SELECT max(seq) FROM suppressions s WHERE s.contact = changed.key), 0),
               %(reason)s, %(actor)s
          FROM changed
    )
""")  # noqa: S608


# As an attempt that is opened reads it, under today's key alone: by the former one another person may be known.
STAY_OUT = """
    SELECT count(*) AS rows
      FROM unnest(%(contacts)s::bytea[]) AS n (contact)
      JOIN contacts ON contacts.key = n.contact
     WHERE consent_state(contacts.consents, %(list)s) = 'withdrawn'
"""


def stay_out(db: Database, people: Sequence[Keys], list: str) -> int:
    """Count the rows whose people left a list, each row for itself."""
    (found,) = db.run(STAY_OUT, {"contacts": [keys.today for keys in people], "list": list})
    return int(found["rows"])


def withdraw(
    db: Database, arrivals: Sequence[Arrival], *, caller: ApiKey | None, people: Mapping[UUID, Keys], list: str
) -> dict[UUID, Recorded]:
    """Record withdrawals from a list, and apply those that are new, in one commit; raises as `record_all` does."""
    values = _keys(arrivals, people) | {"list": list}
    return record_all(db, arrivals, caller=caller, statement=WITHDRAW, values=values)


def suppress(
    db: Database,
    arrivals: Sequence[Arrival],
    *,
    caller: ApiKey | None,
    people: Mapping[UUID, Keys],
    reason: str,
    actor: str,
) -> dict[UUID, Recorded]:
    """Record rows, and suppress the people of those that are new, in one commit; raises as `record_all` does."""
    values = _keys(arrivals, people) | {"reason": reason, "actor": actor}
    return appending(lambda: record_all(db, arrivals, caller=caller, statement=SUPPRESS, values=values))


def _keys(arrivals: Sequence[Arrival], people: Mapping[UUID, Keys]) -> dict[str, object]:
    named = [people[arrival.id] for arrival in arrivals]
    return {"contacts": [keys.today for keys in named], "formers": [keys.former for keys in named]}
