"""The effects of a run's people, recorded chunk by chunk; of an older plan only for those who are still meant."""

from collections.abc import Sequence

from psycopg.sql import SQL, Composed

from drumbeat.audiences.matching_sql import Matching
from drumbeat.core.configuration import Step
from drumbeat.ledger.database import Database
from drumbeat.runs.chunks_sql import mine, place_of
from drumbeat.runs.sql import Run

# Before the effects of an older plan: who is in the audience no more is left out, and who came later is counted.
_REVIEW = SQL("""reviewed AS MATERIALIZED (
        SELECT coalesce(planned.contact, matching.contact) AS contact, planned.contact IS NULL AS came,
               matching.contact IS NULL AS gone
          FROM (SELECT contact FROM recipients
                 WHERE run_id = %(run)s AND contact >= {low} AND contact < {high}) AS planned
          FULL JOIN ({matching}) AS matching ON matching.contact = planned.contact
         WHERE EXISTS (SELECT FROM mine)
    ), leavers AS (
        UPDATE recipients
           SET left_since = (SELECT array_agg(coalesce(reason, 'left_audience') ORDER BY place)
                               FROM unnest(coalesce(left_out, array_fill(NULL::text, ARRAY[{steps}])))
                                    WITH ORDINALITY AS reasons (reason, place))
          FROM reviewed
         WHERE recipients.run_id = %(run)s AND recipients.contact = reviewed.contact AND reviewed.gone
    ), """)
_STAYED = SQL("AND NOT EXISTS (SELECT FROM reviewed WHERE reviewed.contact = recipients.contact AND reviewed.gone)")
# (The clock is read once: of each row it would cost a twentieth.)
_EXPAND = SQL("""
    WITH {mine}, {review}moment AS MATERIALIZED (
        SELECT drumbeat_now() AS now
    ), steps AS MATERIALIZED (
        SELECT * FROM unnest(%(steps)s::text[], %(accounts)s::text[], %(actions)s::text[], %(mailing_lists)s::text[])
                   WITH ORDINALITY AS s (step, account, action, list, place)
    ), chosen AS MATERIALIZED (
        SELECT drumbeat_id(mine.run_id::text, %(flow)s, steps.step, encode(recipients.contact, 'hex')) AS id,
               mine.run_id, steps.step, steps.account, steps.action, steps.list, recipients.contact, recipients.due_at
          FROM mine
          JOIN recipients ON recipients.run_id = mine.run_id
                         AND recipients.contact >= {low} AND recipients.contact < {high}
         CROSS JOIN steps
         WHERE recipients.left_out[steps.place] IS NULL AND recipients.left_since[steps.place] IS NULL {stayed}
    ), inserted AS (
        INSERT INTO effects (id, event_id, version, flow, step, account, action, contact, list, base_due_at, expires_at,
                             status, seq, due_at, campaign, of_run, updated_at)
        SELECT id, run_id, %(version)s, %(flow)s, step, account, action, contact, list, due_at, %(never)s,
               'waiting', 1, due_at, true, true, moment.now
          FROM chosen
         CROSS JOIN moment
         ORDER BY id
            ON CONFLICT DO NOTHING
     RETURNING id
    ), journaled AS (
        INSERT INTO journal (effect_id, seq, to_status, fence, actor, at)
        SELECT id, 1, 'waiting', 0, 'planner', moment.now FROM inserted CROSS JOIN moment
    )
    UPDATE run_progress
       SET expanded = expanded + 1,
           came_later = came_later + {came},
           expected_at = drumbeat_now()
      FROM mine
     WHERE run_progress.run_id = mine.run_id
 RETURNING expanded
""")
_CAME = SQL("(SELECT count(*) FROM reviewed WHERE came)")
_LOW = SQL("coalesce(%(low)s::bytea, '')")
_HIGH = SQL("coalesce(%(high)s::bytea, decode(repeat('ff', 64), 'hex'))")
NEVER = "9999-12-31 00:00+00"  # an effect of a run does not expire while it runs or is paused


def expand(db: Database, run: Run, flow: str, steps: Sequence[Step], review: Matching | None) -> bool:
    """Record the effects of the next chunk; False when another does it, or it is done.

    With `review` the audience is read again: the plan is older, and a person approved it or asked for it.
    """
    places = {"low": _LOW, "high": _HIGH}
    reviewed: Composed | SQL = SQL("")
    if review is not None:
        reviewed = _REVIEW.format(matching=review.statement, steps=SQL(str(len(steps))), **places)
    statement = _EXPAND.format(
        mine=SQL(mine("expanded")),
        review=reviewed,
        stayed=SQL("") if review is None else _STAYED,
        came=SQL("0") if review is None else _CAME,
        **places,
    )
    parameters = {
        **place_of(run, run.expanded, "expanding"),
        **(review.parameters if review else {}),
        "flow": flow,
        "version": run.version,
        "steps": [step.id for step in steps],
        "accounts": [step.account for step in steps],
        "actions": [step.action for step in steps],
        "mailing_lists": [step.arguments.get("list") for step in steps],
        "never": NEVER,
    }
    return bool(db.run(statement, parameters))
