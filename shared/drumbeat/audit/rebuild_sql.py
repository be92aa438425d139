"""What is known of people, compared with what the log says of them, and written where it is missing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from drumbeat.audit.spans_sql import Span, effects_of_events
from drumbeat.core.events import Event
from drumbeat.delivery.plans_sql import PEOPLE, Person, people_parameters
from drumbeat.ledger.database import Database, Row
from drumbeat.planning.plan import NEVER_ENDS


@dataclass(frozen=True, slots=True)
class Difference:
    """A view that is not what the log says. `id` is an event's, or the random id of a person."""

    kind: str  # unindexed | consent_unrecorded | lead | consents | mailed | too_many_events
    subject: str  # event | person
    id: UUID


@dataclass(frozen=True, slots=True)
class Planned:
    """An event with the version and the rules that planned it. `given_up`: nothing of it was read, nor is it now."""

    event: Event
    version: int
    semantics: int
    given_up: bool


_PLANNED = """
    SELECT e.id, e.source, e.key, e.type, e.door, e.scheduled_at, e.received_at, e.delivery, payloads.body,
           plans.version, plans.semantics,
           EXISTS (SELECT FROM jsonb_each_text(plans.failed) AS flow WHERE flow.value = %(never_ends)s) AS given_up
      FROM events e
      JOIN plans ON plans.event_id = e.id
      LEFT JOIN payloads ON payloads.event_id = e.id
"""
OF_SPAN = f"{_PLANNED} WHERE e.id > %(after)s AND e.id <= %(last)s ORDER BY e.id"
OF_IDS = f"{_PLANNED} WHERE e.id = ANY (%(ids)s) ORDER BY e.id"


def planned(db: Database, span: Span) -> list[Planned]:
    """Read the planned events of a span."""
    return _read(db.run(OF_SPAN, {**span.bounds, "never_ends": NEVER_ENDS}))


def planned_among(db: Database, ids: Sequence[UUID]) -> list[Planned]:
    """Read those of these events that are planned."""
    return _read(db.run(OF_IDS, {"ids": list(ids), "never_ends": NEVER_ENDS}))


def _read(rows: list[Row]) -> list[Planned]:
    return [
        Planned(
            version=row.pop("version"),
            semantics=row.pop("semantics"),
            given_up=row.pop("given_up"),
            event=Event(**row),
        )
        for row in rows
    ]


# ---------------------------------------------------------------- by event: whom it names, and what it says of consent

_NAMED = f"""
    named AS MATERIALIZED (
        SELECT *
          FROM unnest(%(named_events)s::uuid[], %(named)s::bytea[], %(named_formers)s::bytea[],
                      %(received_ats)s::timestamptz[], %(addresses)s::jsonb[], %(attributes)s::jsonb[],
                      %(refused)s::jsonb[])
            AS n (event_id, contact, former, received_at, address, attributes, refused)
    ), steps AS MATERIALIZED (
        SELECT DISTINCT contact, NULL::bytea AS former, event_id
          FROM ({effects_of_events("contact, event_id", "AND contact IS NOT NULL")}) AS own
    )
"""  # noqa: S608 - put together from constants

MISSING = f"""
    WITH {_NAMED}
    SELECT DISTINCT 'unindexed' AS kind, 'event' AS subject, event_id AS id
      FROM (SELECT contact, event_id FROM named UNION SELECT contact, event_id FROM steps) AS pairs
     WHERE NOT EXISTS (SELECT FROM event_contacts known
                        WHERE known.contact = pairs.contact AND known.event_id = pairs.event_id
                       OFFSET 0)
     UNION
    SELECT 'consent_unrecorded', 'event', event_id
      FROM unnest(%(consent_events)s::uuid[], %(lists)s::text[], %(kinds)s::text[]) AS said (event_id, list, kind)
      JOIN named USING (event_id)
     WHERE NOT EXISTS (SELECT FROM consents known
                        WHERE known.contact = named.contact AND known.list = said.list
                          AND known.event_id = said.event_id AND known.kind = said.kind
                       OFFSET 0)
     ORDER BY id
"""  # noqa: S608 - put together from constants

FILL = f"WITH {_NAMED}, {PEOPLE} SELECT"


def missing(db: Database, span: Span, people: Mapping[UUID, Person]) -> list[Difference]:
    """Name the events of a span that are not found by whom they name, or whose consent is not recorded."""
    return [Difference(**row) for row in db.run(MISSING, {**span.bounds, **people_parameters(people)})]


def fill(db: Database, span: Span, people: Mapping[UUID, Person]) -> None:
    """Write all that these events say of people, as their plans would have: what is there already stays."""
    db.run(FILL, {**span.bounds, **people_parameters(people)})


# ---------------------------------------------------------------- by person: the lead, and how consent stands


@dataclass(frozen=True, slots=True)
class Known:
    """A person's rows, as of one instant, with the events that name them. Documents are texts, to be compared."""

    key: bytes
    person: UUID
    consents: str
    folded: str  # of the recorded facts
    lead: "Lead | None"
    events: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Lead:
    """A lead's row."""

    address: str
    attributes: str
    refused: str
    since: datetime
    changed: datetime


# A chunk ends after so many people, or events of them; a person is never cut in two.
KNOWN = """
    SELECT c.key, c.person, c.consents::text AS consents, folded.consents::text AS folded,
           l.address::text AS address, l.attributes::text AS attributes, l.refused::text AS refused, l.since, l.changed,
           named.events, sum(cardinality(named.events)) OVER (ORDER BY c.key) <= %(events)s AS fits
      FROM (SELECT key, person, consents FROM contacts WHERE key > %(after)s ORDER BY key LIMIT %(people)s) AS c
      LEFT JOIN leads l ON l.contact = c.key
     CROSS JOIN LATERAL (SELECT consents_merge(consent_fact(list, kind, by_person, at, event_id)) AS consents
                           FROM consents
                          WHERE consents.contact = c.key) AS folded
     CROSS JOIN LATERAL (SELECT ARRAY(SELECT event_id FROM event_contacts
                                       WHERE event_contacts.contact = c.key
                                       LIMIT %(events)s + 1) AS events) AS named
     ORDER BY c.key
"""


def known(db: Database, after: bytes, *, people: int, events: int) -> tuple[list[Known], bool]:
    """Read the next people, at least one, and whether there may be more."""
    rows = db.run(KNOWN, {"after": after, "people": people, "events": events})
    taken = [row for place, row in enumerate(rows) if row["fits"] or place == 0]
    return [_known(row) for row in taken], len(taken) < len(rows) or len(rows) == people


def _known(row: Row) -> Known:
    parts = [row[name] for name in ("address", "attributes", "refused", "since", "changed")]
    lead = None if row["address"] is None else Lead(*parts)
    return Known(row["key"], row["person"], row["consents"], row["folded"], lead, tuple(row["events"]))


SIZES = "SELECT event_id, octet_length(body) AS bytes FROM payloads WHERE event_id = ANY (%(ids)s) ORDER BY event_id"


def sizes(db: Database, ids: Sequence[UUID]) -> dict[UUID, int]:
    """Measure the bodies of these events; one that was erased is not in the answer."""
    return {row["event_id"]: row["bytes"] for row in db.run(SIZES, {"ids": list(ids)})}


@dataclass
class Folding:
    """What the log says of leads so far, by contact."""

    leads: dict[bytes, Lead] = field(default_factory=dict)

    def add(self, db: Database, more: Iterable[tuple[bytes, Lead]]) -> None:
        """Merge more into it, by the functions that the plans use: in whatever order, the same."""
        pairs = [*self.leads.items(), *more]
        self.leads = {
            row.pop("contact"): Lead(**row)
            for row in db.run(
                FOLD,
                {
                    "contacts": [contact for contact, _ in pairs],
                    **{name: [getattr(lead, name) for _, lead in pairs] for name in Lead.__slots__},
                },
            )
        }


FOLD = """
    SELECT contact, lead_newest(address)::text AS address, lead_merge(attributes)::text AS attributes,
           lead_merge(refused)::text AS refused, min(since) AS since, max(changed) AS changed
      FROM unnest(%(contacts)s::bytea[], %(address)s::jsonb[], %(attributes)s::jsonb[], %(refused)s::jsonb[],
                  %(since)s::timestamptz[], %(changed)s::timestamptz[])
        AS said (contact, address, attributes, refused, since, changed)
     GROUP BY contact
"""

# What changed meanwhile is left as it is: the next run compares it.
REPLACE = """
    UPDATE leads
       SET address = %(address)s::jsonb, attributes = %(attributes)s::jsonb, refused = %(refused)s::jsonb,
           since = %(since)s, changed = %(changed)s
     WHERE contact = %(contact)s
       AND (address::text, attributes::text, refused::text) = (%(was_address)s, %(was_attributes)s, %(was_refused)s)
"""


def replace(db: Database, contact: bytes, was: Lead, lead: Lead) -> None:
    """Put a lead in the place of another, unless that has changed meanwhile."""
    values: dict[str, Any] = {name: getattr(lead, name) for name in Lead.__slots__}
    before = {f"was_{name}": getattr(was, name) for name in Lead.__slots__}
    db.run(REPLACE, {"contact": contact, **values, **before})


# Only added to: what stands in the row may be newer, and no withdrawal is ever taken out.
AGREE = "UPDATE contacts SET consents = consents_merged(consents, %(folded)s::jsonb) WHERE key = %(key)s"


def agree(db: Database, key: bytes, folded: str) -> None:
    """Add to a person's row what was recorded of their consent."""
    db.run(AGREE, {"key": key, "folded": folded})
