"""One person: what is known of an address, what it agreed to, and everything that happened because of it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from drumbeat.core.clock import from_microseconds
from drumbeat.core.consent import CONFIRMED_WITHIN
from drumbeat.core.lead_limits import MAX_VALUE_BYTES
from drumbeat.ledger.database import Database
from drumbeat.views.lead_pages import BARRED
from drumbeat.views.pages import Fits, everything
from drumbeat.views.person_consent import ConsentFact
from drumbeat.views.person_effects import PersonEffect, Reading
from drumbeat.views.person_history import Known, PersonEvent, SuppressionChange, history

TOO_LARGE = f"more than {MAX_VALUE_BYTES} bytes as JSON, or a character that the ledger cannot hold"

type Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute, and which event said so."""

    name: str
    value: object
    since: datetime
    event_id: UUID


@dataclass(frozen=True, slots=True)
class Refused:
    """An attribute whose newest value was not taken."""

    name: str
    why: str
    since: datetime
    event_id: UUID


@dataclass(frozen=True, slots=True)
class ConsentItem:
    """How consent to a list stands.

    `asked`: since when a newer sign-up waits to be confirmed. `until`: when that, or the one that is `pending`, ends.
    """

    list: str  # `*`: every list
    state: str  # given | pending | expired | withdrawn
    asked: datetime | None
    until: datetime | None


@dataclass(frozen=True, slots=True)
class PersonStory:
    """One person. Who has no lead is known by a suppression, a list or an effect alone: then `address` is None."""

    id: UUID
    address: str | None
    since: datetime | None
    changed: datetime | None
    attributes: list[Attribute]
    refused: list[Refused]
    consent: list[ConsentItem]
    consent_history: list[ConsentFact]
    suppressed: str | None
    suppressed_at: datetime | None
    suppressions: list[SuppressionChange]
    events: list[PersonEvent]  # newest first
    effects: list[PersonEffect]  # of these events
    next: str | None  # where older entries of the last four begin


# A person may have a second key, of the first reading of addresses, and what happened is told under either. What stops
# mail is read as where attempts are opened: a suppression under either, consent and a complaint under today's alone.
PERSON = f"""
    WITH wanted AS MATERIALIZED (
        SELECT key, place = 1 AS own
          FROM unnest(%(keys)s::bytea[] || (SELECT ARRAY[key, former] FROM contacts WHERE person = %(id)s::uuid))
               WITH ORDINALITY AS keys (key, place)
    )
    SELECT array_agg(contacts.key) AS keys, (array_agg(contacts.key) FILTER (WHERE own))[1] AS own,
           (array_agg(person ORDER BY own DESC))[1] AS person,
           consents_merge(consents) AS consents,
           (array_agg({BARRED}) FILTER (WHERE {BARRED} IS NOT NULL))[1] AS suppressed,
           min(coalesce(suppressed_at, complained_at)) AS suppressed_at,
           lead_newest(leads.address) ->> 'v' AS address,
           lead_merge(leads.attributes) AS attributes, lead_merge(leads.refused) AS refused,
           min(leads.since) AS since, max(leads.changed) AS changed
      FROM wanted
     CROSS JOIN LATERAL (SELECT key, person, suppressed_at, suppression_reason,
                                CASE WHEN own THEN complained_at END AS complained_at,
                                CASE WHEN own THEN consents END AS consents
                           FROM contacts
                          WHERE contacts.key = wanted.key
                         OFFSET 0) AS contacts
      LEFT JOIN LATERAL (SELECT * FROM leads WHERE leads.contact = wanted.key OFFSET 0) AS leads ON true
"""  # noqa: S608 - put together from constants

# A sign-up that is not confirmed in time has expired: nothing is written for that. Who has left is asked again by their
# own sign-up alone: a program's word causes no mail then.
STATES = """
    SELECT list, state, CASE WHEN waits THEN asked END AS asked,
           CASE WHEN waits OR state IN ('pending', 'expired') THEN asked + %(confirmed_within)s END AS until
      FROM (SELECT %(consents)s::jsonb AS consents, drumbeat_now() - %(confirmed_within)s AS since) AS known
     CROSS JOIN LATERAL jsonb_object_keys(consents) AS known_list (list)
     CROSS JOIN LATERAL (
           SELECT consent_shown(consents, list, since) AS state,
                  timestamptz 'epoch' + pending * interval '1 microsecond' AS asked,
                  pending > greatest((consents #>> ARRAY[list, 'd', '0'])::bigint, (consents #>> '{*,d,0}')::bigint)
                  AS is_newer
             FROM (SELECT CASE WHEN consent_state(consents, list) = 'withdrawn'
                               THEN (SELECT microseconds(max(said.at))
                                       FROM consents AS said
                                      WHERE said.contact = %(own)s AND said.list = known_list.list
                                        AND said.kind = 'pending' AND said.by_person AND said.at >= since)
                               ELSE (consents #>> ARRAY[list, 'p', '0'])::bigint END AS pending) AS newest) AS standing
     CROSS JOIN LATERAL (SELECT state = 'withdrawn' AND is_newer AND asked >= since AS waits) AS waiting
     ORDER BY list
"""


def person(
    db: Database,
    *,
    keys: Sequence[bytes] = (),
    id: UUID | None = None,
    cursor: str | None = None,
    reading: Reading,
    fits: Fits = everything,
) -> PersonStory | None:
    """Return a person by the keys of an address, or by id, with a page of what happened; None when neither is known.

    Raises Invalid for a cursor that is not valid.
    """
    (head,) = db.run(PERSON, {"keys": list(keys), "id": id})
    if head["keys"] is None:
        return None
    known = {"consents": json.dumps(head["consents"]), "own": head["own"], "confirmed_within": CONFIRMED_WITHIN}
    consent = [ConsentItem(**row) for row in db.run(STATES, known)]
    waits = any(each.state == "pending" or each.asked is not None for each in consent)
    told = history(db, Known(head["keys"], head["own"], waits), cursor=cursor, reading=reading, fits=fits)
    return PersonStory(
        id=head["person"],
        address=head["address"],
        since=head["since"],
        changed=head["changed"],
        attributes=_attributes(head["attributes"]),
        refused=_refused(head["refused"], head["attributes"]),
        consent=consent,
        consent_history=told.consent_history,
        suppressed=head["suppressed"],
        suppressed_at=head["suppressed_at"],
        suppressions=told.suppressions,
        events=told.events,
        effects=told.effects,
        next=told.next,
    )


def _attributes(entries: Json) -> list[Attribute]:
    return [Attribute(name, entry["v"], *_stamp(entry)) for name, entry in sorted(entries.items()) if "v" in entry]


def _refused(entries: Json, taken: Json) -> list[Refused]:
    """Leave out what a later event said in a form that could be taken."""
    return [
        Refused(name, TOO_LARGE, *_stamp(entry))
        for name, entry in sorted(entries.items())
        if name not in taken or (taken[name]["t"], taken[name]["e"]) < (entry["t"], entry["e"])
    ]


def _stamp(entry: Json) -> tuple[datetime, UUID]:
    return from_microseconds(entry["t"]), UUID(entry["e"])
