"""Plans: what one configuration version makes of one event, kept once, with all its effects."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from drumbeat.core.compatibility import SEMANTICS
from drumbeat.ledger.database import Database, Row
from drumbeat.ledger.stops import stopped


@dataclass(frozen=True, slots=True)
class NewEffect:
    """One effect about to be recorded. `claim`: take it at once when it is due."""

    id: UUID
    event_id: UUID
    version: int
    flow: str
    step: str
    account: str
    action: str
    contact: bytes | None
    after: UUID | None
    dependents: tuple[UUID, ...]
    due_at: datetime
    expires_at: datetime
    claim: bool
    former: bytes | None = None  # the contact's key by the first reading of addresses, where that is another
    list: str | None = None
    confirms: bool = False


@dataclass(frozen=True, slots=True)
class Person:
    """What an event says about the person that it names. Entries and facts are as step 010 describes them."""

    contact: bytes
    former: bytes | None
    received_at: datetime
    address: Mapping[str, object] | None = None  # the entry of a lead; None: it changes no lead
    attributes: Mapping[str, object] = field(default_factory=dict)
    refused: Mapping[str, object] = field(default_factory=dict)
    consents: Sequence[tuple[str, str, bool]] = ()  # list, kind, by the person


@dataclass(frozen=True, slots=True)
class NewPlan:
    """One plan about to be recorded; `flow` names the single flow of a re-plan."""

    event_id: UUID
    version: int
    hash: bytes
    failed: Mapping[str, str]
    flow: str | None = None
    semantics: int = SEMANTICS
    person: Person | None = None  # named by the event; None in a re-plan


# A second planner's plan conflicts: then it is in neither `planned` nor `replanned`, and nothing of it is recorded.
# Rows are written in key order, so that of two planners of the same events neither waits for what the other holds.
PLANS = """
    input AS (
        SELECT * FROM unnest(%(plan_events)s::uuid[], %(plan_versions)s::int[], %(hashes)s::bytea[],
                             %(failed)s::jsonb[], %(plan_flows)s::text[], %(semantics)s::smallint[])
                   AS i (event_id, version, hash, failed, flow, semantics)
    ), planned AS (
        INSERT INTO plans (event_id, version, hash, failed, semantics)
        SELECT event_id, version, hash, failed, semantics FROM input WHERE flow IS NULL ORDER BY event_id
            ON CONFLICT DO NOTHING
        RETURNING event_id, NULL::text AS flow
    ), replanned AS (
        INSERT INTO replans (event_id, version, hash, flow, semantics)
        SELECT event_id, version, hash, flow, semantics FROM input WHERE flow IS NOT NULL ORDER BY event_id, flow
            ON CONFLICT DO NOTHING
        RETURNING event_id, flow
    )
"""

# What events say of the people they name (`named`), and for whom they have effects (`steps`). Each is a join, so that
# twice is once, and any order the same. All rows of contacts are written by one INSERT, in key order: of two statements
# that make or change the same ones neither waits for what the other holds. What people agreed to has its time from
# under the contact's lock, as attempts have.
PEOPLE = """
    said AS MATERIALIZED (
        SELECT DISTINCT ON (contact, list, event_id, kind) contact, former, event_id, received_at, list, kind, by_person
          FROM unnest(%(consent_events)s::uuid[], %(lists)s::text[], %(kinds)s::text[], %(by_persons)s::bool[])
            AS s (event_id, list, kind, by_person)
          JOIN named USING (event_id)
    ), people AS (
        INSERT INTO contacts AS c (key, former, consents)
        SELECT key, min(keys.former), consents_merge(fact)
          FROM (SELECT contact AS key, former, NULL::jsonb AS fact FROM steps
                 UNION ALL
                SELECT former, NULL, NULL FROM steps
                 UNION ALL
                SELECT contact, former, NULL FROM named
                 UNION ALL
                SELECT former, NULL, NULL FROM named
                 UNION ALL
                SELECT contact, former, consent_fact(list, kind, by_person, received_at, event_id) FROM said) AS keys
          LEFT JOIN contacts seen USING (key)
         WHERE key IS NOT NULL
         GROUP BY key, seen.key, seen.former
        HAVING seen.key IS NULL OR count(fact) > 0 OR (seen.former IS NULL AND min(keys.former) IS NOT NULL)
         ORDER BY key
            ON CONFLICT (key) DO UPDATE
           SET former = coalesce(c.former, excluded.former), consents = consents_merged(c.consents, excluded.consents)
         WHERE excluded.consents <> '{}' OR (c.former IS NULL AND excluded.former IS NOT NULL)
     RETURNING key
    ), evidence AS (
        INSERT INTO consents (contact, list, event_id, kind, by_person, at)
        SELECT contact, list, event_id, kind, by_person, received_at
          FROM said
          JOIN people ON people.key = said.contact
            ON CONFLICT DO NOTHING
    ), indexed AS (
        INSERT INTO event_contacts (contact, event_id, received_at)
        SELECT contact, event_id, (SELECT events.received_at FROM events WHERE events.id = pairs.event_id)
          FROM (SELECT contact, event_id FROM named
                 UNION
                SELECT contact, event_id FROM steps WHERE contact IS NOT NULL) AS pairs
            ON CONFLICT DO NOTHING
    ), known AS (
        INSERT INTO leads AS l (contact, address, attributes, refused, since, changed)
        SELECT contact, lead_newest(address), lead_merge(attributes), lead_merge(refused),
               min(received_at), max(received_at)
          FROM named
         WHERE address IS NOT NULL
         GROUP BY contact
         ORDER BY contact
            ON CONFLICT (contact) DO UPDATE
           SET address = lead_newer(l.address, excluded.address),
               attributes = lead_merged(l.attributes, excluded.attributes),
               refused = lead_merged(l.refused, excluded.refused),
               since = least(l.since, excluded.since),
               changed = greatest(l.changed, excluded.changed)
    )
"""

# An effect that is due already is claimed by the same statement: planned and claimed are two rows of the journal, one
# commit. A contact whose key was another by the first reading of addresses remembers that one, which gets a row of its
# own: an attempt has to lock it.
RECORD = f"""
    WITH {PLANS}, steps AS MATERIALIZED (
        SELECT s.*, a.account IS NOT NULL AS failing,
               (a.paused_until > drumbeat_now()) IS TRUE OR {stopped("s.account")} AS paused,
               s.claim AND s.due_at <= drumbeat_now() AND s.after IS NULL AND a.paused_until IS NULL
               AND NOT {stopped("s.account")} AS take
          FROM unnest(%(ids)s::uuid[], %(events)s::uuid[], %(versions)s::int[], %(flows)s::text[], %(steps)s::text[],
                      %(accounts)s::text[], %(actions)s::text[], %(contacts)s::bytea[], %(formers)s::bytea[],
                      %(mailing_lists)s::text[], %(confirms)s::bool[],
                      %(afters)s::uuid[], %(dependents)s::text[], %(dues)s::timestamptz[], %(expiries)s::timestamptz[],
                      %(claims)s::bool[])
            AS s (id, event_id, version, flow, step, account, action, contact, former, list, confirms, after,
                  dependents, due_at, expires_at, claim)
          JOIN (SELECT * FROM planned UNION ALL SELECT * FROM replanned) AS new
            ON new.event_id = s.event_id AND (new.flow IS NULL OR new.flow = s.flow)
          LEFT JOIN account_states a ON a.account = s.account
    ), named AS MATERIALIZED (
        SELECT n.*
          FROM unnest(%(named_events)s::uuid[], %(named)s::bytea[], %(named_formers)s::bytea[],
                      %(received_ats)s::timestamptz[], %(addresses)s::jsonb[], %(attributes)s::jsonb[],
                      %(refused)s::jsonb[])
            AS n (event_id, contact, former, received_at, address, attributes, refused)
          JOIN planned USING (event_id)
    ), {PEOPLE}, inserted AS (
        INSERT INTO effects (id, event_id, version, flow, step, account, action, contact, list, confirms, after,
                             dependents, base_due_at, expires_at, lasts, status, seq, fence, due_at, lease_until,
                             campaign)
        SELECT id, event_id, version, flow, step, account, action, contact, list, confirms, after, dependents::uuid[],
               due_at, expires_at, expires_at - due_at,
               CASE WHEN take THEN 'claimed' ELSE 'waiting' END,
               CASE WHEN take THEN 2 ELSE 1 END,
               CASE WHEN take THEN 1 ELSE 0 END,
               CASE WHEN take THEN drumbeat_now() + %(lease)s
                    WHEN after IS NOT NULL THEN 'infinity'
                    ELSE due_at END,
               CASE WHEN take THEN drumbeat_now() + %(lease)s END,
               (SELECT events.type = 'CAMPAIGN_TRIGGER' FROM events WHERE events.id = event_id)
          FROM steps
            ON CONFLICT DO NOTHING
        RETURNING id, status, fence
    ), journaled AS (
        INSERT INTO journal (effect_id, seq, from_status, to_status, fence, actor)
        SELECT id, 1, NULL, 'waiting', 0, 'planner' FROM inserted
         UNION ALL
        SELECT id, 2, 'waiting', 'claimed', fence, 'worker' FROM inserted WHERE status = 'claimed'
    )
    SELECT id, inserted.status, drumbeat_now() AS now, steps.failing, steps.paused
      FROM inserted JOIN steps USING (id)
"""  # noqa: S608 - put together from constants


def record(db: Database, plans: Sequence[NewPlan], effects: Sequence[NewEffect], lease: timedelta) -> list[Row]:
    """Record these plans with all their effects, and claim what is due; nothing of a plan that exists already.

    Returns id, status and the database's now of each effect that is new.
    """
    return db.run(
        RECORD,
        {
            **plan_parameters(plans),
            "ids": [effect.id for effect in effects],
            "events": [effect.event_id for effect in effects],
            "versions": [effect.version for effect in effects],
            "flows": [effect.flow for effect in effects],
            "steps": [effect.step for effect in effects],
            "accounts": [effect.account for effect in effects],
            "actions": [effect.action for effect in effects],
            "contacts": [effect.contact for effect in effects],
            "formers": [effect.former for effect in effects],
            "mailing_lists": [effect.list for effect in effects],
            "confirms": [effect.confirms for effect in effects],
            "afters": [effect.after for effect in effects],
            # An array of arrays must be rectangular, so each list travels as its own text.
            "dependents": ["{" + ",".join(map(str, effect.dependents)) + "}" for effect in effects],
            "dues": [effect.due_at for effect in effects],
            "expiries": [effect.expires_at for effect in effects],
            "claims": [effect.claim for effect in effects],
            "lease": lease,
            **people_parameters({plan.event_id: plan.person for plan in plans if plan.person}),
        },
    )


def plan_parameters(plans: Sequence[NewPlan]) -> dict[str, list[object]]:
    """Return plans as the arrays that PLANS takes."""
    return {
        "plan_events": [plan.event_id for plan in plans],
        "plan_versions": [plan.version for plan in plans],
        "hashes": [plan.hash for plan in plans],
        "failed": [json.dumps(dict(plan.failed)) for plan in plans],
        "plan_flows": [plan.flow for plan in plans],
        "semantics": [plan.semantics for plan in plans],
    }


def people_parameters(named: Mapping[UUID, Person]) -> dict[str, list[object]]:
    """Return what events say about people as the arrays that PEOPLE takes."""
    said = [(event, *fact) for event, person in named.items() for fact in person.consents]
    return {
        "named_events": list(named),
        "named": [person.contact for person in named.values()],
        "named_formers": [person.former for person in named.values()],
        "received_ats": [person.received_at for person in named.values()],
        "addresses": [person.address and json.dumps(person.address) for person in named.values()],
        "attributes": [json.dumps(person.attributes) for person in named.values()],
        "refused": [json.dumps(person.refused) for person in named.values()],
        "consent_events": [event for event, *_ in said],
        "lists": [name for _, name, _, _ in said],
        "kinds": [kind for _, _, kind, _ in said],
        "by_persons": [by_person for *_, by_person in said],
    }
