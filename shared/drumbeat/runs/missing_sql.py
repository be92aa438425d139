"""Who of a run got no mail and still may: counted, and sent to once more, a range of contacts at a time.

Meant are those whose mail ended as too late, with its run, as expired, by a cap (which is asked again), or because it
could not be filled, and those who were left out as too late. Whose mail was accepted, or may have been, is never among
them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from drumbeat.core.configuration import Step
from drumbeat.core.reasons import ReasonCode
from drumbeat.core.runs import ENDED
from drumbeat.ledger.database import Database
from drumbeat.ledger.unresolved import EVER_TAKEN
from drumbeat.runs.chunks_sql import chunk
from drumbeat.runs.expansion_sql import NEVER
from drumbeat.runs.sql import Run

CANCELLED_AS = (ReasonCode.MISSED, ReasonCode.RUN_CANCELLED, ReasonCode.EXPIRED, ReasonCode.CAPPED)
REFUSED_AS = (ReasonCode.NOT_RENDERED,)

# Each is about one row `e` of effects.
_MAY_BE_THERE = f"(e.maybe_sent IS TRUE OR {EVER_TAKEN})"
_ENDED_WITHOUT = f"""
    ((e.status = 'cancelled' AND e.reason_code = ANY (%(cancelled_as)s))
     OR (e.status = 'refused' AND e.reason_code = ANY (%(refused_as)s)))
    AND NOT {_MAY_BE_THERE}
"""
# About a row of contacts and a step's list: what an opening would refuse.
_BARRED = """
    (contacts.suppressed_at IS NOT NULL
     OR EXISTS (SELECT FROM contacts former WHERE former.key = contacts.former AND former.suppressed_at IS NOT NULL)
     OR (steps.list IS NOT NULL
         AND (contacts.complained_at IS NOT NULL OR consent_state(contacts.consents, steps.list) <> 'given')))
"""
_STEPS = """
    steps AS MATERIALIZED (
        SELECT * FROM unnest(%(steps)s::text[], %(accounts)s::text[], %(actions)s::text[], %(mailing_lists)s::text[])
                   WITH ORDINALITY AS s (step, account, action, list, place)
    )
"""

COUNT = f"""
    WITH run AS MATERIALIZED (
        SELECT runs.id, runs.state, progress.expanded < progress.chunks AS unfinished,
               substring(int8send((progress.expanded::bigint * 4294967296) / progress.chunks) FROM 5) AS reached
          FROM runs
          JOIN run_progress progress ON progress.run_id = runs.id
         WHERE runs.id = %(run)s
    ), {_STEPS}, without AS (
        SELECT e.step, e.contact,
               CASE e.status WHEN 'waiting' THEN 'run_cancelled' ELSE e.reason_code::text END AS why
          FROM run
          JOIN effects e ON e.event_id = run.id AND e.of_run
         WHERE {_ENDED_WITHOUT} OR (run.state = 'cancelled' AND e.status = 'waiting' AND NOT {_MAY_BE_THERE})
         UNION ALL
        SELECT steps.step, recipients.contact, coalesce(who.why, 'not_expanded')
          FROM run
          JOIN recipients ON recipients.run_id = run.id
         CROSS JOIN steps
         CROSS JOIN LATERAL (SELECT (coalesce(left_since, left_out))[steps.place] AS why) AS who
         WHERE who.why = 'missed' OR (who.why IS NULL AND run.unfinished AND recipients.contact >= run.reached)
    )
    SELECT without.step, without.why AS reason, count(*) AS people, count(*) FILTER (WHERE {_BARRED}) AS barred
      FROM without
      JOIN steps ON steps.step = without.step
      JOIN contacts ON contacts.key = without.contact
     GROUP BY steps.place, without.step, without.why
     ORDER BY steps.place, without.why
"""  # noqa: S608 - put together from constants


@dataclass(frozen=True, slots=True)
class Without:
    """People who got no mail of a step. `barred`: those among them who may not be mailed any more."""

    step: str
    reason: str  # of the effect, or `missed`, or `not_expanded`: the run ended before there was one
    people: int
    barred: int


def count(db: Database, run: UUID, steps: Sequence[Step]) -> list[Without]:
    """Count the people of a run that ended who got no mail of it, by step and reason."""
    return [Without(**row) for row in db.run(COUNT, {"run": run, **_meant(steps)})]


# What was due long ago is not too late any more: a person has decided. A run that came too late is approved by that.
BEGIN = """
    WITH before AS MATERIALIZED (
        SELECT id, state
          FROM runs
         WHERE id = %(run)s AND state = ANY (%(ended)s) AND seq = %(seq)s
           FOR NO KEY UPDATE
    ), moved AS (
        UPDATE runs
           SET state = 'expanding', seq = seq + 1, reason_code = 'person', reason_detail = %(reason)s,
               resumes_at = NULL, missed_before = NULL, starts = true, reviews = true, updated_at = drumbeat_now()
          FROM before
         WHERE runs.id = before.id
     RETURNING runs.id, runs.seq, runs.campaign, before.state AS before
    ), counted AS (
        INSERT INTO beginnings AS known (campaign, number)
        SELECT campaign, 1 FROM moved
            ON CONFLICT (campaign) DO UPDATE SET number = known.number + 1
    ), journaled AS (
        INSERT INTO run_journal (run_id, seq, from_state, to_state, reason_code, reason_detail, actor)
        SELECT id, seq, before, 'expanding', 'person', %(reason)s, %(actor)s FROM moved
    ), approved AS (
        INSERT INTO approvals (run_id, hash, actor, reason)
        SELECT moved.id, plans.hash, %(actor)s, %(reason)s FROM moved JOIN plans ON plans.event_id = moved.id
         WHERE moved.before = 'missed'
            ON CONFLICT DO NOTHING
    )
    UPDATE run_progress
       SET again = 0, expected_at = drumbeat_now()
      FROM moved
     WHERE run_progress.run_id = moved.id
 RETURNING run_id
"""


def begin(db: Database, run: Run, *, reason: str, actor: str) -> bool:
    """Let a run that ended be sent to those who did not get it; False: it has moved on."""
    parameters = {"run": run.id, "seq": run.seq, "reason": reason, "actor": actor}
    return bool(db.run(BEGIN, {**parameters, "ended": [state.value for state in ENDED]}))


# A new generation has a new key and may have other bytes. Who was left out has an effect from here on, in the same
# commit: so the run adds up at each moment.
AGAIN = f"""
    WITH mine AS MATERIALIZED (
        SELECT progress.run_id, word.actor, without_addresses(word.reason_detail) AS reason_detail
          FROM run_progress progress
          JOIN runs ON runs.id = progress.run_id
         CROSS JOIN LATERAL (SELECT actor, reason_detail
                               FROM run_journal
                              WHERE run_journal.run_id = runs.id AND to_state = 'expanding'
                                AND from_state = ANY (%(ended)s)
                              ORDER BY seq DESC
                              LIMIT 1) AS word
         WHERE progress.run_id = %(run)s AND progress.again = %(number)s AND progress.expanded = progress.chunks
           AND runs.state = 'expanding'
           FOR NO KEY UPDATE OF progress SKIP LOCKED
    ), {_STEPS}, meant AS MATERIALIZED (
        SELECT recipients.contact, recipients.due_at, steps.step, steps.account, steps.action, steps.list, steps.place,
               (coalesce(left_since, left_out))[steps.place] AS why,
               drumbeat_id(mine.run_id::text, %(flow)s, steps.step, encode(recipients.contact, 'hex')) AS id
          FROM mine
          JOIN recipients ON recipients.run_id = mine.run_id
                         AND recipients.contact >= coalesce(%(low)s::bytea, '')
                         AND recipients.contact < coalesce(%(high)s::bytea, decode(repeat('ff', 64), 'hex'))
          JOIN contacts ON contacts.key = recipients.contact
         CROSS JOIN steps
         WHERE NOT {_BARRED}
    ), taken AS (
        UPDATE recipients
           SET left_since = (SELECT array_agg(CASE WHEN place <> ALL (late.places) THEN reason END ORDER BY place)
                               FROM unnest(coalesce(left_since, left_out)) WITH ORDINALITY AS reasons (reason, place))
          FROM (SELECT contact, array_agg(place) AS places FROM meant WHERE why = 'missed' GROUP BY contact) AS late
         WHERE recipients.run_id = %(run)s AND recipients.contact = late.contact
    ), inserted AS (
        INSERT INTO effects (id, event_id, version, flow, step, account, action, contact, list, base_due_at, expires_at,
                             status, seq, due_at, campaign, of_run)
        SELECT id, %(run)s, %(version)s, %(flow)s, step, account, action, contact, list, due_at, %(never)s,
               'waiting', 1, due_at, true, true
          FROM meant
         WHERE why = 'missed'
         ORDER BY id
            ON CONFLICT DO NOTHING
     RETURNING id
    ), without AS MATERIALIZED (
        SELECT e.id, e.status
          FROM meant
          JOIN effects e ON e.id = meant.id
         WHERE meant.why IS NULL AND {_ENDED_WITHOUT}
         ORDER BY e.id
           FOR UPDATE OF e
    ), moved AS (
        UPDATE effects e
           SET status = 'waiting', seq = e.seq + 1, generation = e.generation + 1, tries = 0, looks = 0, crashes = 0,
               slot = NULL, due_at = greatest(e.base_due_at, drumbeat_now()), lease_until = NULL,
               reason = mine.reason_detail, reason_code = 'decided', reason_detail = mine.reason_detail,
               maybe_sent = false, updated_at = drumbeat_now()
          FROM without
         CROSS JOIN mine
         WHERE e.id = without.id
     RETURNING e.id, e.seq, without.status AS before, e.fence, e.reason, mine.actor
    ), journaled AS (
        INSERT INTO journal (effect_id, seq, from_status, to_status, fence, reason, reason_code, reason_detail,
                             maybe_sent, actor)
        SELECT id, seq, before, 'waiting', fence, reason, 'decided', reason, false, actor FROM moved
         UNION ALL
        SELECT id, 1, NULL, 'waiting', 0, NULL, NULL, NULL, NULL, 'planner' FROM inserted
    )
    UPDATE run_progress
       SET again = again + 1, expected_at = drumbeat_now()
      FROM mine
     WHERE run_progress.run_id = mine.run_id
 RETURNING again
"""  # noqa: S608 - put together from constants


def again(db: Database, run: Run, flow: str, steps: Sequence[Step]) -> bool:
    """Send the next chunk's people their mails who did not get them; False when another does it, or it is done."""
    assert run.again is not None
    part = chunk(run.again, run.chunks)
    parameters = {
        "run": run.id,
        "number": run.again,
        "low": part.low,
        "high": part.high,
        "flow": flow,
        "version": run.version,
        "never": NEVER,
        "ended": [state.value for state in ENDED],
        **_meant(steps),
    }
    return bool(db.run(AGAIN, parameters))


def _meant(steps: Sequence[Step]) -> Mapping[str, object]:
    return {
        "steps": [step.id for step in steps],
        "accounts": [step.account for step in steps],
        "actions": [step.action for step in steps],
        "mailing_lists": [step.arguments.get("list") for step in steps],
        "cancelled_as": [code.value for code in CANCELLED_AS],
        "refused_as": [code.value for code in REFUSED_AS],
    }
