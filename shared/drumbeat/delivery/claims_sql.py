"""Claims: effects that are due and free, taken under a lease and a raised fence; and why one could not be taken.

The fence is the lock: a claim raises it, and what is written later must name it.
"""

import math
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import LiteralString
from uuid import UUID

from drumbeat.core.events import Event
from drumbeat.core.leads import lead_of
from drumbeat.core.status import Status
from drumbeat.delivery.budget import BYTES_PER_BATCH
from drumbeat.delivery.effects import Claimed, EffectState, Recipient
from drumbeat.ledger.database import Database, Row
from drumbeat.ledger.effects_of_runs import FREE, PLACED, RUN, WAITS
from drumbeat.ledger.stops import stopped
from drumbeat.ledger.unresolved import UNRESOLVED

# `wanted` locks the newest version of a row, while everything else is read as of the statement's beginning: attempts
# and outcomes that came with a newer version would be missed. Such a row is left to the next claim. (Each move writes
# the effect's row, so its version says whether there are any.) Bodies and requests are measured without being read.
# What proves that a mail was accepted counts from the commit that recorded it, also where no worker has used it yet; of
# an earlier generation it ends what a person has sent again and still waits. (The clock is read once: of each row that
# would cost a tenth.)
# (Status stands in a CASE, as `ledger.effects_of_runs` says why.)
_CLAIM = """
    WITH wanted AS MATERIALIZED (
        SELECT id, event_id, generation, xmin AS row_version
          FROM effects
         WHERE {whose}
           AND {waits}
           AND due_at <= drumbeat_now()
           AND lease_until IS NULL
           AND (crashes = 0 OR {alone})
           AND ({probe}
                OR expires_at <= drumbeat_now()
                OR account NOT IN (SELECT account FROM account_states WHERE paused_until IS NOT NULL))
           AND (NOT of_run OR status = 'unknown'
                OR NOT EXISTS (SELECT FROM runs
                                WHERE runs.id = effects.event_id AND runs.state IN ('paused', 'cancelled')))
           AND (status = 'unknown' OR expires_at <= drumbeat_now() OR NOT {stopped})
         ORDER BY {order}
         LIMIT {limit}
           FOR UPDATE SKIP LOCKED
    ), measured AS MATERIALIZED (
        SELECT w.id,
               row_number() OVER (ORDER BY w.id) = 1
               OR sum(coalesce(octet_length(p.body), 0) + coalesce(octet_length(r.frozen), 0)) OVER (ORDER BY w.id)
                  <= %(bytes)s AS fits
          FROM wanted w
          JOIN effects seen ON seen.id = w.id AND seen.xmin = w.row_version
          LEFT JOIN payloads p ON p.event_id = w.event_id
          LEFT JOIN requests r ON r.effect_id = w.id AND r.generation = w.generation
    ), moment AS MATERIALIZED (
        SELECT drumbeat_now() AS now
    ), taken AS (
        UPDATE effects e
           SET status = CASE status WHEN 'waiting' THEN 'claimed' ELSE status END,
               seq = seq + CASE status WHEN 'waiting' THEN 1 ELSE 0 END,
               fence = fence + 1,
               lease_until = moment.now + %(lease)s,
               due_at = moment.now + %(lease)s,
               updated_at = moment.now
          FROM measured m
         CROSS JOIN moment
         WHERE e.id = m.id AND m.fits
     RETURNING e.*
    ), journaled AS (
        INSERT INTO journal (effect_id, seq, from_status, to_status, fence, actor, at)
        SELECT id, seq, 'waiting', 'claimed', fence, 'worker', updated_at FROM taken WHERE status = 'claimed'
    )
    SELECT t.id, t.event_id, t.version,
           coalesce((SELECT semantics FROM replans WHERE replans.event_id = t.event_id AND replans.flow = t.flow),
                    (SELECT semantics FROM plans WHERE plans.event_id = t.event_id)) AS semantics,
           t.flow, t.step, t.account, t.action, t.contact, t.list, t.confirms, t.status, t.fence,
           t.generation, t.tries, t.crashes, t.looks, t.slot, t.base_due_at, t.dependents,
           coalesce(t.expires_at, t.base_due_at + interval '7 days') AS expires_at,
           t.updated_at AS now,
           (SELECT max(version) FROM configs) AS newest_version,
           e.source, e.key, e.type, e.door, e.scheduled_at, e.received_at, e.delivery, p.body,
           r.frozen, r.hash AS request_hash,
           tried.attempts, tried.unresolved, tried.first_opened_at, tried.last_opened_at, tried.last_n,
           tried.identity,
           proof.kind AS proof, proof.reference AS proof_reference,
           coalesce(c.suppression_reason, former.suppression_reason) AS suppressed,
           earlier.status AS predecessor,
           told.denied_at, told.unrepeatable,
           EXISTS (SELECT FROM account_states a WHERE a.account = t.account) AS account_failing,
           t.of_run, leads.address ->> 'v' AS lead_address, leads.attributes AS lead_attributes,
           recipients.zone AS lead_zone
      FROM taken t
      JOIN events e ON e.id = t.event_id
      LEFT JOIN payloads p ON p.event_id = t.event_id
      LEFT JOIN requests r ON r.effect_id = t.id AND r.generation = t.generation
      LEFT JOIN contacts c ON c.key = t.contact
      LEFT JOIN contacts former ON former.key = c.former
      LEFT JOIN effects earlier ON earlier.id = t.after
      LEFT JOIN leads ON t.of_run AND leads.contact = t.contact
      LEFT JOIN recipients ON t.of_run AND recipients.run_id = t.event_id AND recipients.contact = t.contact
     CROSS JOIN LATERAL (
        SELECT count(*) AS attempts,
               count(*) FILTER (WHERE {unresolved}) AS unresolved,
               min(a.opened_at) AS first_opened_at, max(a.opened_at) AS last_opened_at,
               max(a.n) AS last_n, max(a.identity) AS identity
          FROM attempts a
         WHERE a.effect_id = t.id AND a.generation = t.generation) AS tried
      LEFT JOIN LATERAL (
        SELECT kind, reference
          FROM (SELECT o.kind, o.reference, o.generation, o.id
                  FROM outcomes o
                 WHERE o.effect_id = t.id AND o.kind IN ('accepted', 'found', 'refused')
                 UNION ALL
                SELECT 'accepted', f.reference, f.generation, NULL
                  FROM feedback f
                 WHERE f.effect_id = t.id AND f.kind NOT IN ('refused', 'other')) AS known
         WHERE known.generation = t.generation OR (t.status = 'claimed' AND known.kind <> 'refused')
         ORDER BY kind = 'refused', id
         LIMIT 1) AS proof ON true
     CROSS JOIN LATERAL (
        SELECT max(o.at) FILTER (WHERE o.kind = 'denied') AS denied_at,
               max(o.detail) FILTER (WHERE o.reason_code = 'not_repeatable') AS unrepeatable
          FROM outcomes o
         WHERE o.effect_id = t.id AND o.generation = t.generation) AS told
"""
CLAIM = _CLAIM.format(
    whose="id = ANY (%(ids)s)",
    order="id",
    limit="%(limit)s",
    alone="%(alone)s",
    probe="%(probe)s",
    waits=WAITS,
    stopped=stopped("effects.account"),
    unresolved=UNRESOLVED,
)
# Those of a run that have been due longest. What may end its worker is named by the relay, and taken alone. A full
# batch has a statement of its own with its limit in it: where the limit is a parameter it is planned anew each time,
# which is a third of its cost.
_FULL: LiteralString = "48"
FULL_BATCH = int(_FULL)  # effects of a run
_OF_RUN: LiteralString = f"{RUN} = %(run)s AND {FREE}"
_BY_TURN: dict[str, LiteralString] = {
    "order": "due_at, id",
    "alone": "false",
    "probe": "false",
    "waits": WAITS,
    "stopped": stopped("effects.account"),
    "unresolved": UNRESOLVED,
}
CLAIM_OF_RUN = _CLAIM.format(whose=_OF_RUN, limit="%(limit)s", **_BY_TURN)
CLAIM_FULL_OF_RUN = _CLAIM.format(whose=_OF_RUN, limit=_FULL, **_BY_TURN)
# Those whose turn it is in the queue of a rate limit: what has no place there would go first, being due for longer.
_PLACED: LiteralString = f"{PLACED} = %(run)s AND {FREE} AND slot IS NOT NULL"
CLAIM_PLACED = _CLAIM.format(whose=_PLACED, limit="%(limit)s", **_BY_TURN)


def claim(
    db: Database,
    ids: Sequence[UUID],
    *,
    lease: timedelta,
    limit: int,
    most_bytes: int = BYTES_PER_BATCH,
    alone: bool = False,
    probe: bool = False,
) -> list[Claimed]:
    """Take those of the effects that are due and free, under a raised fence, for the time of the lease.

    At least one of those that can be taken is, and no more than hold `most_bytes` of bodies and requests.

    A lease that ended is not free: `leases.recover_named` says first that a worker died under it.
    An effect whose last claim ended without a result is only taken `alone`, so that one that crashes workers hurts no
    neighbour. One whose account is paused is only taken as a `probe`, or once it has expired; one whose account was
    stopped once it has expired, or to find out what became of it.
    """
    rows = db.run(
        CLAIM,
        {
            "ids": list(ids),
            "lease": lease,
            "limit": limit,
            "bytes": most_bytes,
            "alone": alone,
            "probe": probe,
        },
    )
    return _in_order(rows, probe=probe)


def claim_of_run(
    db: Database, run: UUID, *, lease: timedelta, limit: int, placed: bool = False, most_bytes: int = BYTES_PER_BATCH
) -> list[Claimed]:
    """Take some of a run's effects that are due and free, as `claim` does; none to be sent while the run is paused.

    With `placed`, only those that a rate limit gave a place.
    """
    statement = CLAIM_PLACED if placed else CLAIM_FULL_OF_RUN if limit == FULL_BATCH else CLAIM_OF_RUN
    parameters = {"run": run, "lease": lease, "limit": limit, "bytes": most_bytes}
    return _in_order(db.run(statement, parameters), probe=False)


def _in_order(rows: Iterable[Row], *, probe: bool) -> list[Claimed]:
    """Return what was claimed in the order in which a limit lets it through: what was planned earliest comes first.

    Without an order it would be that in which Postgres has stored the rows, which is another each time.
    """
    return sorted((_claimed(row, probe=probe) for row in rows), key=_place)


def _place(claimed: Claimed) -> tuple[datetime, float, UUID]:
    return claimed.base_due_at, math.inf if claimed.slot is None else claimed.slot, claimed.id


def _claimed(row: Row, *, probe: bool) -> Claimed:
    event = Event(
        id=row.pop("event_id"),
        source=row.pop("source"),
        key=row.pop("key"),
        type=row.pop("type"),
        door=row.pop("door"),
        scheduled_at=row.pop("scheduled_at"),
        received_at=row.pop("received_at"),
        body=row.pop("body"),
        delivery=row.pop("delivery"),
    )
    row["status"] = Status(row["status"])
    row["predecessor"] = row["predecessor"] and Status(row["predecessor"])
    row["dependents"] = tuple(row["dependents"])
    address, attributes, zone = (row.pop(f"lead_{name}") for name in ("address", "attributes", "zone"))
    recipient = Recipient(address and lead_of(address, attributes), zone) if row.pop("of_run") else None
    return Claimed(event=event, probe=probe, recipient=recipient, **row)


# (A pause of a run, and a stop, have no end that could be waited for.)
STATES = f"""
    SELECT id, status IN ('waiting', 'unknown') AND due_at <> 'infinity' AND lease_until IS NULL AS free,
           status IN ('claimed', 'sending', 'unknown') AND coalesce(lease_until <= drumbeat_now(), false) AS abandoned,
           crashes,
           CASE WHEN due_at = 'infinity'
                     OR (of_run AND status = 'waiting' AND lease_until IS NULL AND EXISTS (
                         SELECT FROM runs WHERE runs.id = effects.event_id AND runs.state IN ('paused', 'cancelled')))
                     OR (status = 'waiting' AND lease_until IS NULL AND expires_at > drumbeat_now()
                         AND {stopped("account")})
                THEN 'infinity'
                ELSE extract(epoch FROM due_at - drumbeat_now())::float8 END AS due_in,
           account,
           extract(epoch FROM a.paused_until - drumbeat_now())::float8 AS paused_for
      FROM effects
      LEFT JOIN account_states a USING (account)
     WHERE id = ANY (%(ids)s)
"""  # noqa: S608 - put together from constants


def states(db: Database, ids: Sequence[UUID]) -> dict[UUID, EffectState]:
    """Read where effects stand that could not be claimed; an id that does not exist is not in the answer."""
    return {row["id"]: EffectState(**row) for row in db.run(STATES, {"ids": list(ids)})}
