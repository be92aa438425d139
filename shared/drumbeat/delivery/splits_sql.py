"""Deliveries that are split: the plan of each, with an event for each of its facts."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from drumbeat.core import fingerprint
from drumbeat.delivery import plans_sql
from drumbeat.delivery.plans_sql import NewPlan
from drumbeat.ledger.database import Database
from drumbeat.planning.facts import Fact

# What records the plan records the facts, in one commit: so a delivery is acted on itself or split, and never both.
# A fact that another delivery has brought already is that event. In the order of ids, so that two workers with the same
# facts cannot wait for each other. Facts are received a microsecond apart, so that of two about one person the later is
# the newer.
RECORD = f"""
    WITH {plans_sql.PLANS}, split AS MATERIALIZED (
        SELECT events.id, events.source, events.type, events.received_at
          FROM (SELECT event_id FROM planned UNION SELECT event_id FROM replanned) AS new
          JOIN events ON events.id = new.event_id
    ), facts AS MATERIALIZED (
        SELECT f.id, f.key, f.fingerprint, f.body, f.place, split.id AS delivery, split.source, split.type,
               split.received_at AS delivered_at,
               split.received_at + f.place * interval '1 microsecond' AS received_at
          FROM unnest(%(deliveries)s::uuid[], %(places)s::int[], %(ids)s::uuid[], %(keys)s::text[],
                      %(fingerprints)s::bytea[], %(bodies)s::bytea[])
            AS f (delivery, place, id, key, fingerprint, body)
          JOIN split ON split.id = f.delivery
    ), noted AS (
        INSERT INTO deliveries (event_id, facts, received_at)
        SELECT delivery, array_agg(id ORDER BY place), min(delivered_at) FROM facts GROUP BY delivery
            ON CONFLICT DO NOTHING
    ), inserted AS (
        INSERT INTO events (id, source, key, type, door, fingerprint, received_at, delivery)
        SELECT DISTINCT ON (id) id, source, key, type, 'webhook', fingerprint, received_at, delivery
          FROM facts
         ORDER BY id, received_at, delivery
            ON CONFLICT (id) DO NOTHING
        RETURNING id, delivery
    ), kept AS (
        INSERT INTO payloads (event_id, body) SELECT id, body FROM facts JOIN inserted USING (id, delivery)
    )
    SELECT id FROM inserted
"""  # noqa: S608 - put together from constants


@dataclass(frozen=True, slots=True)
class Split:
    """One delivery about to be split by its plan, or by the plan of one of its flows that failed before."""

    plan: NewPlan
    facts: Sequence[Fact]


def record(db: Database, splits: Sequence[Split]) -> list[UUID]:
    """Record the plans of these deliveries with their facts; nothing of a delivery that has this plan already.

    Returns the events that are new.
    """
    plans = [split.plan for split in splits]
    named = {split.plan.event_id: split.facts for split in splits}  # several flows of one give the same
    facts = [(delivery, place, fact) for delivery, some in named.items() for place, fact in enumerate(some)]
    rows = db.run(
        RECORD,
        {
            **plans_sql.plan_parameters(plans),
            "deliveries": [delivery for delivery, _, _ in facts],
            "places": [place for _, place, _ in facts],
            "ids": [fact.id for *_, fact in facts],
            "keys": [fact.key for *_, fact in facts],
            "fingerprints": [fingerprint.of_raw(fact.body) for *_, fact in facts],
            "bodies": [fact.body for *_, fact in facts],
        },
    )
    return [row["id"] for row in rows]
