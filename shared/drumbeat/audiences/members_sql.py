"""The people of an audience in the order of their keys, which are hashes: the first of them are a fair sample."""

from dataclasses import dataclass
from datetime import datetime

from psycopg.sql import SQL

from drumbeat.audiences.matching_sql import matching
from drumbeat.core.configuration import Config
from drumbeat.core.consent import CONFIRMED_WITHIN
from drumbeat.ledger.database import Database
from drumbeat.views.lead_pages import BARRED, CONSENT, LeadItem

FIRST = b""  # before every key

# The next leads, whether they are in or not: what a page costs is known before it is read.
UPCOMING = """
    SELECT max(contact) AS last, count(*) AS leads
      FROM (SELECT contact FROM leads WHERE contact > %(after)s ORDER BY contact LIMIT %(read)s) AS upcoming
"""
# OFFSET makes Postgres look each up.
_MEMBERS = SQL("""
    WITH matching AS MATERIALIZED ({matching} ORDER BY leads.contact LIMIT %(limit)s)
    SELECT matching.contact, contacts.person AS id, leads.address ->> 'v' AS address,
           (SELECT coalesce(jsonb_object_agg(key, value -> 'v'), '{{}}')
              FROM jsonb_each(leads.attributes)
             WHERE value ? 'v') AS attributes,
           {consent} AS consent, {barred} AS suppressed, leads.since, leads.changed
      FROM matching
     CROSS JOIN LATERAL (SELECT * FROM leads WHERE leads.contact = matching.contact OFFSET 0) AS leads
     CROSS JOIN LATERAL (SELECT own.person, own.consents, own.complained_at,
                                coalesce(own.suppressed_at, former.suppressed_at) AS suppressed_at,
                                coalesce(own.suppression_reason, former.suppression_reason) AS suppression_reason
                           FROM contacts AS own
                           LEFT JOIN contacts AS former ON former.key = own.former
                          WHERE own.key = matching.contact
                         OFFSET 0) AS contacts
     ORDER BY matching.contact
""")


@dataclass(frozen=True, slots=True)
class Member:
    """A lead of an audience, under its key."""

    contact: bytes
    lead: LeadItem


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some leads in the order of their keys: those after one key, up to another and that one too."""

    after: bytes
    last: bytes
    leads: int


def stretch(db: Database, after: bytes, read: int) -> Stretch | None:
    """Return the next leads, None when there are none."""
    (row,) = db.run(UPCOMING, {"after": after, "read": read})
    return None if row["last"] is None else Stretch(after, row["last"], row["leads"])


def members(db: Database, config: Config, name: str, at: datetime, within: Stretch, limit: int) -> list[Member]:
    """Return the first people of an audience among these leads."""
    found = matching(config, name, at=at)
    statement = _MEMBERS.format(matching=found.statement, consent=SQL(CONSENT), barred=SQL(BARRED))
    bounds = {"low": _next(within.after), "high": _next(within.last), "limit": limit}
    rows = db.run(statement, {**found.parameters, **bounds, "confirmed_within": CONFIRMED_WITHIN})
    return [Member(row.pop("contact"), LeadItem(**row)) for row in rows]


def _next(key: bytes) -> bytes:
    """Return the key that no other stands before, after this one."""
    return key + b"\0"
