"""One person: what is known of an address, what it agreed to, and everything that happened because of it."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from drumbeat.core.clock import from_microseconds
from drumbeat.core.consent import document, evidence
from drumbeat.core.lead_limits import MAX_VALUE_BYTES
from drumbeat.ledger.database import Database, Row
from drumbeat.views.derived import REASON
from drumbeat.views.event_pages import EventFilter, EventItem, events
from drumbeat.views.lead_pages import BARRED

EVENTS_SHOWN = 100  # a page; older ones by its cursor
EFFECTS_SHOWN = 500  # of these events; more are shown with their event
TOO_LARGE = f"more than {MAX_VALUE_BYTES} bytes as JSON, or a character that the ledger cannot hold"

type Json = Mapping[str, Any]
type Reading = Callable[[bytes, bytes], object]  # frozen bytes and their hash -> what a person reads


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
    """How consent to a list stands. `asked`: since when a newer sign-up waits to be confirmed."""

    list: str  # `*`: every list
    state: str
    asked: datetime | None


@dataclass(frozen=True, slots=True)
class ConsentFact:
    """One statement about consent, with what proves it. The evidence goes with the event's body."""

    list: str
    kind: str  # pending | given | withdrawn
    by_person: bool
    at: datetime
    recorded_at: datetime
    event_id: UUID
    source: str
    door: str
    no_effect: str | None  # why consent stood as before: left | given_before
    evidence: Mapping[str, object] | None


@dataclass(frozen=True, slots=True)
class SuppressionChange:
    """The person was suppressed, or that was lifted."""

    lifted: bool
    reason: str
    actor: str
    at: datetime


@dataclass(frozen=True, slots=True)
class PersonEffect:
    """One effect of this person's events. `request`: what was sent, to the letter; None: not rendered, or pruned."""

    effect_id: UUID
    event_id: UUID
    flow: str
    step: str
    account: str
    action: str
    list: str | None
    status: str
    reason_code: str | None
    reason_detail: str | None
    reason: str | None  # why it was not carried out, or not yet
    maybe_sent: bool | None
    planned_for: datetime
    opened_at: datetime | None  # its last attempt
    updated_at: datetime
    request: object


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
    events: list[EventItem]  # newest first
    effects: list[PersonEffect]  # of these events
    next: str | None  # where older events begin


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

STATES = """
    SELECT list, consent_state(consents, list) AS state,
           CASE WHEN consent_state(consents, list) = 'withdrawn'
                 AND asked > greatest((consents #>> ARRAY[list, 'd', '0'])::bigint, (consents #>> '{*,d,0}')::bigint)
                THEN to_timestamp(asked / 1e6) END AS asked
      FROM (SELECT %(consents)s::jsonb AS consents) AS known
     CROSS JOIN LATERAL jsonb_object_keys(consents) AS list
     CROSS JOIN LATERAL (SELECT (consents #>> ARRAY[list, 'p', '0'])::bigint AS asked) AS pending
     ORDER BY list
"""

# How consent stood before a fact is what `consent_state` reads from those before it: what the person decided, or else
# what a machine gave.
CONSENTS = """
    SELECT consents.list, consents.kind, consents.by_person, consents.at, consents.recorded_at, consents.event_id,
           events.source, events.door, payloads.body,
           CASE WHEN consents.kind = 'given' AND NOT consents.by_person AND stood.kind = 'withdrawn' THEN 'left'
                WHEN (consents.kind = 'pending' OR NOT consents.by_person) AND consents.kind <> 'withdrawn'
                     AND stood.kind = 'given' THEN 'given_before' END AS no_effect
      FROM consents
      LEFT JOIN LATERAL (
            SELECT earlier.kind
              FROM consents AS earlier
             WHERE earlier.contact = consents.contact
               AND earlier.list IN (consents.list, '*')
               AND earlier.kind <> 'pending'
               AND (earlier.at, earlier.event_id) < (consents.at, consents.event_id)
             ORDER BY earlier.by_person OR earlier.kind = 'withdrawn' DESC, earlier.at DESC,
                      earlier.kind = 'withdrawn' DESC
             LIMIT 1) AS stood ON true
      JOIN events ON events.id = consents.event_id
      LEFT JOIN payloads ON payloads.event_id = events.id
     WHERE consents.contact = %(own)s
     ORDER BY consents.at DESC, consents.event_id, consents.list
     LIMIT %(limit)s
"""

SUPPRESSIONS = """
    SELECT lifted, reason, actor, created_at AS at
      FROM suppressions
     WHERE contact = ANY (%(keys)s)
     ORDER BY created_at DESC, seq DESC
     LIMIT %(limit)s
"""

# Of an event for many people only what is for this one, and what is for none in particular.
EFFECTS = f"""
    SELECT id AS effect_id, event_id, flow, step, account, action, list, status, {REASON},
           base_due_at AS planned_for,
           (SELECT max(opened_at) FROM attempts WHERE attempts.effect_id = effects.id) AS opened_at,
           updated_at, requests.frozen, requests.hash
      FROM effects
      LEFT JOIN LATERAL (SELECT frozen, hash
                           FROM requests
                          WHERE requests.effect_id = effects.id AND requests.generation = effects.generation
                         OFFSET 0) AS requests ON true
     WHERE event_id = ANY (%(events)s)
       AND (contact IS NULL OR contact = ANY (%(keys)s))
     ORDER BY base_due_at, flow, step, id
     LIMIT %(limit)s
"""  # noqa: S608 - put together from constants


def person(
    db: Database, *, keys: Sequence[bytes] = (), id: UUID | None = None, cursor: str | None = None, reading: Reading
) -> PersonStory | None:
    """Return a person by the keys of an address, or by id; None when neither is known.

    Raises Invalid for a cursor that is not valid.
    """
    (head,) = db.run(PERSON, {"keys": list(keys), "id": id})
    if head["keys"] is None:
        return None
    scope = {"keys": head["keys"], "own": head["own"], "limit": EVENTS_SHOWN}
    named = events(db, EventFilter(contacts=tuple(head["keys"])), cursor=cursor, limit=EVENTS_SHOWN)
    return PersonStory(
        id=head["person"],
        address=head["address"],
        since=head["since"],
        changed=head["changed"],
        attributes=_attributes(head["attributes"]),
        refused=_refused(head["refused"], head["attributes"]),
        consent=[ConsentItem(**row) for row in db.run(STATES, {"consents": json.dumps(head["consents"])})],
        consent_history=[_fact(row) for row in db.run(CONSENTS, scope)],
        suppressed=head["suppressed"],
        suppressed_at=head["suppressed_at"],
        suppressions=[SuppressionChange(**row) for row in db.run(SUPPRESSIONS, scope)],
        events=named.items,
        effects=_effects(db, scope, named.items, reading),
        next=named.next,
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


def _fact(row: Row) -> ConsentFact:
    body = row.pop("body")
    return ConsentFact(**row, evidence=evidence(document(body), row["door"], row["list"]) or None)


def _effects(db: Database, scope: Json, named: Sequence[EventItem], reading: Reading) -> list[PersonEffect]:
    found = []
    for row in db.run(EFFECTS, {**scope, "events": [event.event_id for event in named], "limit": EFFECTS_SHOWN}):
        frozen, hash = row.pop("frozen"), row.pop("hash")
        found.append(PersonEffect(**row, request=None if frozen is None else reading(frozen, hash)))
    return found
