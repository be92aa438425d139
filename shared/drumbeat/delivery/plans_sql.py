"""Plans: what one configuration version makes of one event, kept once, with all its effects."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from drumbeat.core.compatibility import SEMANTICS
from drumbeat.ledger.database import Database, Row


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


@dataclass(frozen=True, slots=True)
class NewPlan:
    """One plan about to be recorded; `flow` names the single flow of a re-plan."""

    event_id: UUID
    version: int
    hash: bytes
    failed: Mapping[str, str]
    flow: str | None = None
    semantics: int = SEMANTICS


# A second planner's plan conflicts, so its steps find no row in `planned` and nothing of it is recorded. An effect
# that is due already is claimed by the same statement: planned and claimed are two rows of the journal, one commit. A
# contact whose key was another by the first reading of addresses remembers that one, which gets a row of its own: an
# attempt has to lock it.
RECORD = """
    WITH input AS (
        SELECT * FROM unnest(%(plan_events)s::uuid[], %(plan_versions)s::int[], %(hashes)s::bytea[],
                             %(failed)s::jsonb[], %(plan_flows)s::text[], %(semantics)s::smallint[])
                   AS i (event_id, version, hash, failed, flow, semantics)
    ), planned AS (
        INSERT INTO plans (event_id, version, hash, failed, semantics)
        SELECT event_id, version, hash, failed, semantics FROM input WHERE flow IS NULL
            ON CONFLICT DO NOTHING
        RETURNING event_id, NULL::text AS flow
    ), replanned AS (
        INSERT INTO replans (event_id, version, hash, flow, semantics)
        SELECT event_id, version, hash, flow, semantics FROM input WHERE flow IS NOT NULL
            ON CONFLICT DO NOTHING
        RETURNING event_id, flow
    ), steps AS MATERIALIZED (
        SELECT s.*, a.account IS NOT NULL AS failing, a.paused_until > drumbeat_now() AS paused,
               s.claim AND s.due_at <= drumbeat_now() AND s.after IS NULL AND a.paused_until IS NULL AS take
          FROM unnest(%(ids)s::uuid[], %(events)s::uuid[], %(versions)s::int[], %(flows)s::text[], %(steps)s::text[],
                      %(accounts)s::text[], %(actions)s::text[], %(contacts)s::bytea[], %(formers)s::bytea[],
                      %(afters)s::uuid[], %(dependents)s::text[], %(dues)s::timestamptz[], %(expiries)s::timestamptz[],
                      %(claims)s::bool[])
            AS s (id, event_id, version, flow, step, account, action, contact, former, after, dependents, due_at,
                  expires_at, claim)
          JOIN (SELECT * FROM planned UNION ALL SELECT * FROM replanned) AS new
            ON new.event_id = s.event_id AND (new.flow IS NULL OR new.flow = s.flow)
          LEFT JOIN account_states a ON a.account = s.account
    ), people AS (
        INSERT INTO contacts (key, former)
        SELECT DISTINCT ON (key) key, former
          FROM (SELECT contact AS key, former FROM steps
                 UNION ALL
                SELECT former, NULL FROM steps) AS keys
         WHERE key IS NOT NULL
         ORDER BY key, former
            ON CONFLICT DO NOTHING
    ), reminded AS (
        UPDATE contacts c
           SET former = old.former
          FROM (SELECT contacts.key, steps.former
                  FROM contacts
                  JOIN steps ON steps.contact = contacts.key
                 WHERE steps.former IS NOT NULL AND contacts.former IS NULL
                 ORDER BY contacts.key
                   FOR NO KEY UPDATE OF contacts) AS old
         WHERE c.key = old.key
    ), inserted AS (
        INSERT INTO effects (id, event_id, version, flow, step, account, action, contact, after, dependents,
                             base_due_at, expires_at, lasts, status, seq, fence, due_at, lease_until, campaign)
        SELECT id, event_id, version, flow, step, account, action, contact, after, dependents::uuid[],
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
"""


def record(db: Database, plans: Sequence[NewPlan], effects: Sequence[NewEffect], lease: timedelta) -> list[Row]:
    """Record these plans with all their effects, and claim what is due; nothing of a plan that exists already.

    Returns id, status and the database's now of each effect that is new.
    """
    return db.run(
        RECORD,
        {
            "plan_events": [plan.event_id for plan in plans],
            "plan_versions": [plan.version for plan in plans],
            "hashes": [plan.hash for plan in plans],
            "failed": [json.dumps(dict(plan.failed)) for plan in plans],
            "plan_flows": [plan.flow for plan in plans],
            "semantics": [plan.semantics for plan in plans],
            "ids": [effect.id for effect in effects],
            "events": [effect.event_id for effect in effects],
            "versions": [effect.version for effect in effects],
            "flows": [effect.flow for effect in effects],
            "steps": [effect.step for effect in effects],
            "accounts": [effect.account for effect in effects],
            "actions": [effect.action for effect in effects],
            "contacts": [effect.contact for effect in effects],
            "formers": [effect.former for effect in effects],
            "afters": [effect.after for effect in effects],
            # An array of arrays must be rectangular, so each list travels as its own text.
            "dependents": ["{" + ",".join(map(str, effect.dependents)) + "}" for effect in effects],
            "dues": [effect.due_at for effect in effects],
            "expiries": [effect.expires_at for effect in effects],
            "claims": [effect.claim for effect in effects],
            "lease": lease,
        },
    )
