"""Leads: what is known of each address, a page at a time, newest first."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from drumbeat.core.clock import from_microseconds, microseconds
from drumbeat.core.consent import CONFIRMED_WITHIN
from drumbeat.core.errors import Invalid
from drumbeat.ledger.database import Database, Row
from drumbeat.views.pages import INVALID_CURSOR, PAGE_SIZE, Fits, Page, everything

STATES = ("given", "pending", "expired", "withdrawn")  # expired: asked, and not confirmed in time
SUPPRESSED = "suppressed"
READ_FOR_A_PAGE = 2_000  # leads, of which a filter may leave few or none
TAKES = f"where takes list:NAME, list:NAME={'|'.join(STATES)}, FIELD=VALUE, or suppressed"


@dataclass(frozen=True, slots=True)
class LeadItem:
    """One lead in a list. `suppressed`: why it is not mailed; `complaint` stops marketing alone."""

    id: UUID
    address: str
    attributes: Mapping[str, object]
    consent: Mapping[str, str]  # list -> state; `*` stands for every list
    suppressed: str | None
    since: datetime
    changed: datetime


@dataclass(frozen=True, slots=True)
class LeadFilter:
    """Which leads; None leaves a field open."""

    list: str | None = None
    state: str | None = None  # of the consent to that list
    field: str | None = None
    value: str | None = None  # as text: a number or a truth value as JSON writes it
    suppressed: bool = False

    @classmethod
    def read(cls, where: str | None) -> "LeadFilter":
        """Read one condition, as `TAKES` describes it. Raises Invalid for anything else."""
        if where is None:
            return cls()
        if where == SUPPRESSED:
            return cls(suppressed=True)
        name, equals, value = where.partition("=")
        if name.startswith("list:"):
            state = value if equals else "given"
            if not name.removeprefix("list:") or state not in STATES:
                raise Invalid(TAKES)
            return cls(list=name.removeprefix("list:"), state=state)
        if not name or not equals:
            raise Invalid(TAKES)
        return cls(field=name, value=value)


# Why a person is not mailed, for a row of `contacts`.
BARRED = """
    nullif(concat_ws('; ', CASE WHEN contacts.suppressed_at IS NOT NULL THEN contacts.suppression_reason END,
                           CASE WHEN contacts.complained_at IS NOT NULL THEN 'complaint' END), '')
"""

# How consent stands, for a row of `contacts`; nothing is written when a sign-up expires.
_STATE = "consent_shown(contacts.consents, {list}, drumbeat_now() - %(confirmed_within)s)"
CONSENT = f"""
    (SELECT coalesce(jsonb_object_agg(list, {_STATE.format(list="list")}), '{{}}')
       FROM jsonb_object_keys(contacts.consents) AS list)
"""  # noqa: S608 - put together from constants

# The index gives the next leads in order, so many that a page costs the same whatever the filter finds; `edge` is the
# last of them. Leads of the same instant are found by their contact. OFFSET makes Postgres look each up, and the order
# is that of `upcoming`, so that it stops at a full page. A suppression counts under a person's former key as well.
LEADS = f"""
    WITH upcoming AS MATERIALIZED (
        SELECT since, contact
          FROM ((SELECT since, contact FROM leads
                  WHERE since = %(at)s::timestamptz AND contact > %(contact)s
                  ORDER BY contact
                  LIMIT %(read)s)
                 UNION ALL
                (SELECT since, contact FROM leads
                  WHERE since < coalesce(%(at)s::timestamptz, 'infinity')
                  ORDER BY since DESC, contact
                  LIMIT %(read)s)) AS following
         ORDER BY since DESC, contact
         LIMIT %(read)s
    ), found AS (
        SELECT contacts.key, contacts.person AS id, leads.address ->> 'v' AS address,
               (SELECT coalesce(jsonb_object_agg(key, value -> 'v'), '{{}}')
                  FROM jsonb_each(leads.attributes)
                 WHERE value ? 'v') AS attributes,
               {CONSENT} AS consent, {BARRED} AS suppressed, leads.since, leads.changed
          FROM upcoming
         CROSS JOIN LATERAL (SELECT * FROM leads WHERE leads.contact = upcoming.contact OFFSET 0) AS leads
         CROSS JOIN LATERAL (SELECT own.key, own.person, own.consents, own.complained_at,
                                    coalesce(own.suppressed_at, former.suppressed_at) AS suppressed_at,
                                    coalesce(own.suppression_reason, former.suppression_reason) AS suppression_reason
                               FROM contacts AS own
                               LEFT JOIN contacts AS former ON former.key = own.former
                              WHERE own.key = upcoming.contact
                             OFFSET 0) AS contacts
         WHERE (%(list)s::text IS NULL OR {_STATE.format(list="%(list)s")} = %(state)s)
           AND (%(field)s::text IS NULL OR leads.attributes -> %(field)s ->> 'v' = %(value)s)
           AND (NOT %(suppressed)s OR {BARRED} IS NOT NULL)
         ORDER BY upcoming.since DESC, upcoming.contact
         LIMIT %(limit)s
    )
    SELECT found.*, edge.since AS edge_since, edge.contact AS edge_contact, edge.read
      FROM (SELECT since, contact, count(*) OVER () AS read FROM upcoming ORDER BY since, contact DESC LIMIT 1) AS edge
      LEFT JOIN found ON true
     ORDER BY found.since DESC, found.key
"""  # noqa: S608 - put together from constants


def leads(
    db: Database,
    filter: LeadFilter,
    *,
    cursor: str | None = None,
    limit: int = PAGE_SIZE,
    fits: Fits = everything,
) -> Page[LeadItem]:
    """List leads, newest first. A page may be short, and with a filter empty, while `next` says that there is more.

    A cursor stays valid while leads arrive. Raises Invalid for another text.
    """
    at, contact = _read_cursor(cursor)
    read = limit + 1 if filter == LeadFilter() else max(READ_FOR_A_PAGE, limit + 1)
    rows = db.run(
        LEADS,
        {
            "at": at,
            "contact": contact,
            "read": read,
            "limit": limit + 1,
            "list": filter.list,
            "state": filter.state,
            "field": filter.field,
            "value": filter.value,
            "suppressed": filter.suppressed,
            "confirmed_within": CONFIRMED_WITHIN,
        },
    )
    found = [row for row in rows if row["id"] is not None]
    shown: list[LeadItem] = []
    for row in found[:limit]:
        item = _item(row)
        if not fits(item) and shown:
            break
        shown.append(item)
    if len(shown) < len(found):
        return Page(shown, _cursor(found[len(shown) - 1]["since"], found[len(shown) - 1]["key"]))
    more = bool(rows) and rows[0]["read"] == read
    return Page(shown, _cursor(rows[0]["edge_since"], rows[0]["edge_contact"]) if more else None)


def _item(row: Row) -> LeadItem:
    beside = ("key", "edge_since", "edge_contact", "read")
    return LeadItem(**{name: value for name, value in row.items() if name not in beside})


def _cursor(since: datetime, contact: bytes) -> str:
    return f"{microseconds(since)}-{contact.hex()}"


def _read_cursor(cursor: str | None) -> tuple[datetime | None, bytes | None]:
    if cursor is None:
        return None, None
    try:
        since, _, contact = cursor.partition("-")
        return from_microseconds(int(since)), bytes.fromhex(contact)
    except (ValueError, OverflowError):
        raise Invalid(INVALID_CURSOR) from None
