"""Effects of runs compared with the recipients from which they follow, and the other way round."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from drumbeat.audit.findings_sql import Finding
from drumbeat.audit.mailed_sql import MOMENT
from drumbeat.audit.spans_sql import CONTACTS, Span, effects_of_runs, of_ids
from drumbeat.core.campaigns import CAMPAIGN
from drumbeat.delivery.run_bars_sql import KEPT
from drumbeat.ledger.database import Database
from drumbeat.runs.expansion_sql import NEVER


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A step of a run, as the version that planned it has it. `place` counts from one."""

    run: UUID
    step: str
    place: int
    account: str
    action: str
    list: str | None


RUNS = f"""
    SELECT DISTINCT run_id AS id FROM recipients WHERE {CONTACTS}
     UNION
    {effects_of_runs("event_id")}
"""  # noqa: S608 - put together from constants


def runs(db: Database, span: Span) -> list[UUID]:
    """Return which runs have recipients or effects in a span; one may not be there."""
    return [row["id"] for row in db.run(RUNS, span.bounds)]


# Who is not left out by the time of the expansion has an effect for each step; the chunks that are not expanded yet
# begin with the key `reached`.
_PLANNED = """
    planned AS MATERIALIZED (
        SELECT p.*, runs.version, %(flow)s || runs.campaign AS flow,
               CASE WHEN progress.expanded < progress.chunks
                    THEN substring(int8send((progress.expanded::bigint * 4294967296) / progress.chunks) FROM 5)
               END AS reached
          FROM unnest(%(runs)s::uuid[], %(steps)s::text[], %(places)s::int[], %(accounts)s::text[], %(actions)s::text[],
                      %(lists)s::text[]) AS p (run_id, step, place, account, action, list)
          JOIN runs ON runs.id = p.run_id
          JOIN run_progress progress ON progress.run_id = p.run_id
    )"""
_ID = "drumbeat_id(planned.run_id::text, planned.flow, planned.step, encode(recipients.contact, 'hex'))"
_OF_RECIPIENTS = f"""
    {_PLANNED}, people AS MATERIALIZED (
        SELECT run_id, contact, coalesce(left_since, left_out) AS left_out FROM recipients WHERE {CONTACTS}
    ), wanted AS MATERIALIZED (
        SELECT {_ID} AS id, planned.run_id, planned.flow, planned.step, planned.list, recipients.contact
          FROM people AS recipients
          JOIN planned ON planned.run_id = recipients.run_id
         WHERE recipients.left_out[planned.place] IS NULL
           AND (planned.reached IS NULL OR recipients.contact < planned.reached)
    )"""  # noqa: S608 - put together from constants

MISSING = f"""
    WITH {_OF_RECIPIENTS}
    SELECT 'effect-missing' AS kind, id, jsonb_build_object('flow', flow, 'step', step, 'event', run_id) AS facts
      FROM wanted
     WHERE NOT EXISTS (SELECT FROM effects WHERE effects.id = wanted.id OFFSET 0)
     UNION ALL
    SELECT 'recipient-stray', run_id, jsonb_build_object('people', count(*))
      FROM people
     WHERE NOT EXISTS (SELECT FROM runs WHERE runs.id = people.run_id)
     GROUP BY run_id
"""  # noqa: S608 - put together from constants

# What was sent, or waits to be, outside of what was planned; else what is other than planned about it.
_DEVIATING = f"""
    WITH {_PLANNED}, scope AS MATERIALIZED (
{{scope}}
    ), judged AS MATERIALIZED (
        SELECT scope.id, scope.event_id, scope.status,
               CASE WHEN planned.step IS NULL THEN 'the run has no step ' || scope.step
                    WHEN recipients.contact IS NULL THEN 'its person is no recipient'
                    WHEN scope.id <> {_ID} THEN 'its id is not that of its recipient'
                    WHEN left_out.reasons[planned.place] IS NOT NULL
                    THEN 'its person was left out, ' || left_out.reasons[planned.place]
                    WHEN recipients.contact >= planned.reached THEN 'its person''s turn had not come'
               END AS why,
               array_remove(ARRAY[
                   CASE WHEN scope.version <> planned.version THEN 'version' END,
                   CASE WHEN scope.flow <> planned.flow THEN 'flow' END,
                   CASE WHEN scope.account <> planned.account THEN 'account' END,
                   CASE WHEN scope.action <> planned.action THEN 'action' END,
                   CASE WHEN scope.list IS DISTINCT FROM planned.list OR scope.confirms THEN 'list' END,
                   CASE WHEN scope.base_due_at <> recipients.due_at THEN 'time' END,
                   CASE WHEN scope.expires_at IS DISTINCT FROM %(never)s::timestamptz THEN 'expiry' END,
                   CASE WHEN scope.after IS NOT NULL OR scope.dependents <> '{{}}' THEN 'order' END,
                   CASE WHEN NOT scope.of_run OR NOT scope.campaign THEN 'mark' END
               ], NULL) AS fields
          FROM scope
          LEFT JOIN planned ON planned.run_id = scope.event_id AND planned.step = scope.step
          LEFT JOIN LATERAL (SELECT contact, due_at, left_out, left_since
                               FROM recipients r
                              WHERE r.run_id = scope.event_id AND r.contact = scope.contact
                             OFFSET 0) AS recipients ON true
         CROSS JOIN LATERAL (SELECT coalesce(recipients.left_since, recipients.left_out) AS reasons) AS left_out
    )
    SELECT 'plan-deviation' AS kind, id, jsonb_build_object('status', status, 'run', event_id, 'why', why) AS facts
      FROM judged
     WHERE why IS NOT NULL
     UNION ALL
    SELECT 'effect-other', id,
           jsonb_build_object('fields', array_to_string(fields, ' and ')
                                        || CASE WHEN cardinality(fields) > 1 THEN ' are' ELSE ' is' END)
      FROM judged
     WHERE why IS NULL AND fields <> '{{}}'
"""  # noqa: S608 - put together from constants
_AS_PLANNED = (
    "id, event_id, version, flow, step, account, action, contact, list, confirms, after, dependents, base_due_at,"
    " expires_at, campaign, of_run, status"
)
_READ = "AND event_id = ANY (%(read)s::uuid[])"
DEVIATING = _DEVIATING.replace("{scope}", effects_of_runs(_AS_PLANNED, _READ))
DEVIATING_OF = _DEVIATING.replace("{scope}", of_ids(_AS_PLANNED, _READ))

# The openings that caps are counted by stand in the person's row. The row's time is taken a moment from the attempt's,
# and what is older than a month may be gone from it.
MAILED = f"""
    WITH {_OF_RECIPIENTS}, opened AS MATERIALIZED (
        SELECT wanted.contact, wanted.id::text AS effect, max(a.opened_at) AS at
          FROM wanted
         CROSS JOIN LATERAL (SELECT opened_at FROM attempts WHERE effect_id = wanted.id OFFSET 0) AS a
         WHERE wanted.list IS NOT NULL
         GROUP BY 1, 2
    ), noted AS MATERIALIZED (
        SELECT contacts.key AS contact, entry ->> 1 AS effect,
               timestamptz 'epoch' + (entry ->> 0)::bigint * interval '1 microsecond' AS at
          FROM contacts
         CROSS JOIN LATERAL jsonb_array_elements(contacts.mailed) AS entry
         WHERE {CONTACTS.replace("contact ", "contacts.key ")}
    ), unlike AS (
        SELECT contact
          FROM opened
         WHERE at > drumbeat_now() - %(kept)s + %(unlike)s
           AND NOT EXISTS (SELECT FROM noted
                            WHERE noted.contact = opened.contact AND noted.effect = opened.effect
                              AND noted.at BETWEEN opened.at - %(unlike)s AND opened.at + %(unlike)s)
         UNION
        SELECT noted.contact
          FROM noted
         WHERE NOT EXISTS (SELECT
                             FROM attempts a
                             JOIN effects ON effects.id = a.effect_id
                            WHERE a.effect_id = noted.effect::uuid AND effects.contact = noted.contact
                              AND a.opened_at BETWEEN noted.at - %(unlike)s AND noted.at + %(unlike)s
                           OFFSET 0)
    )
    SELECT 'mailed-fold' AS kind, contacts.person AS id, '{{}}'::jsonb AS facts
      FROM unlike
      JOIN contacts ON contacts.key = unlike.contact
"""  # noqa: S608 - put together from constants


def findings(db: Database, span: Span, steps: Sequence[PlannedStep]) -> list[Finding]:
    """List everything that the statements above find in a span, of the runs whose steps are known."""
    parameters = {**span.bounds, "kept": KEPT, "unlike": MOMENT, **_as_planned(steps)}
    return [Finding(**row) for sql in (MISSING, DEVIATING, MAILED) for row in db.run(sql, parameters)]


RUNS_OF = """
    SELECT DISTINCT event_id AS id
      FROM effects
     WHERE id = ANY (%(ids)s) AND EXISTS (SELECT FROM runs WHERE runs.id = effects.event_id)
"""


def runs_of(db: Database, ids: Sequence[UUID]) -> list[UUID]:
    """Return of which runs these effects are."""
    return [row["id"] for row in db.run(RUNS_OF, {"ids": list(ids)})]


def deviations(db: Database, ids: Sequence[UUID], steps: Sequence[PlannedStep]) -> list[Finding]:
    """List which of these effects are not as was planned, of the runs whose steps are known."""
    return [Finding(**row) for row in db.run(DEVIATING_OF, {"ids": list(ids), **_as_planned(steps)})]


def _as_planned(steps: Sequence[PlannedStep]) -> dict[str, Any]:
    return {
        "flow": CAMPAIGN,
        "never": NEVER,
        "read": list({each.run for each in steps}),
        "runs": [each.run for each in steps],
        **{f"{name}s": [getattr(each, name) for each in steps] for name in PlannedStep.__slots__ if name != "run"},
    }
