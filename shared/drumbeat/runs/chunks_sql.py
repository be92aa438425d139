"""A run's work in chunks: each a range of contact keys, one statement, and the progress that it makes.

The row of its progress is the lock: a worker that finds it taken, or further, does nothing. So a chunk is done once,
however often and by however many it is asked for, and a run goes on from where the last commit left it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.sql import SQL, Composed, Placeholder

from drumbeat.audiences.matching_sql import Matching
from drumbeat.audiences.standing_sql import given
from drumbeat.calendar.run_times import ZoneTimes
from drumbeat.core.configuration import Step
from drumbeat.ledger.database import Database
from drumbeat.runs.sql import Run

KEYS = 2**32  # of contacts, by the first four bytes


@dataclass(frozen=True, slots=True)
class Range:
    """The contacts of one chunk: from `low` on and before `high`; None: without an end."""

    low: bytes | None
    high: bytes | None


def chunk(number: int, of: int) -> Range:
    """Return one of so many equal ranges."""
    low, high = ((place * KEYS // of).to_bytes(5)[1:] for place in (number, number + 1))
    return Range(low if number else None, high if number + 1 < of else None)


def _mine(part: str) -> str:
    """Take the progress of a run whose next chunk of one part this is; nothing, where it is not, or is being done."""
    return f"""mine AS MATERIALIZED (
        SELECT progress.run_id, progress.hash, progress.as_of
          FROM run_progress progress
          JOIN runs ON runs.id = progress.run_id
         WHERE progress.run_id = %(run)s AND progress.{part} = %(number)s AND runs.state = %(state)s
           FOR NO KEY UPDATE OF progress SKIP LOCKED
    )"""  # noqa: S608 - a column of ours


# ---------------------------------------------------------------- how many people there are, by zone

# A zone as people say it, or '' where they say none, or one that there is not.
_ZONE = """
    CASE WHEN leads.attributes #>> '{timezone,v}' = ANY (%(zones)s) THEN leads.attributes #>> '{timezone,v}' ELSE '' END
"""

_COUNT = SQL("""
    WITH {mine}, found AS (
        SELECT {zone} AS zone, count(*) AS people
          FROM ({matching}) AS matching
          JOIN leads ON leads.contact = matching.contact
         WHERE EXISTS (SELECT FROM mine)
         GROUP BY 1
    )
    UPDATE run_progress
       SET counted = counted + 1,
           expected_at = drumbeat_now(),
           zones = zones || coalesce((SELECT jsonb_object_agg(zone, people + coalesce((zones ->> zone)::bigint, 0))
                                        FROM found), '{{}}')
      FROM mine
     WHERE run_progress.run_id = mine.run_id
 RETURNING counted
""")


def count(db: Database, run: Run, matching: Matching, zones: Sequence[str]) -> bool:
    """Count the people of the next chunk by zone; False when another does it, or it is done."""
    statement = _COUNT.format(mine=SQL(_mine("counted")), zone=SQL(_ZONE), matching=matching.statement)
    return bool(db.run(statement, {**_of(run, run.counted, "planned"), **matching.parameters, "zones": list(zones)}))


ZONES = "SELECT zones, times FROM run_progress WHERE run_id = %(run)s"


def zones(db: Database, run: UUID) -> tuple[dict[str, int], list[dict[str, Any]] | None]:
    """Return how many people each zone has, and when they are mailed, where that is worked out."""
    row = db.run(ZONES, {"run": run})[0]
    return row["zones"], row["times"]


TIMES = "UPDATE run_progress SET times = %(times)s WHERE run_id = %(run)s AND times IS NULL"


def keep_times(db: Database, run: UUID, times: str) -> None:
    """Keep, once, when the people of each zone are mailed."""
    db.run(TIMES, {"run": run, "times": times})


# ---------------------------------------------------------------- who they are

# Of the people of a chunk each is recorded, with why a step leaves them out, and when they are due: to the microsecond
# as `calendar.run_times` has it.
_GATHER = SQL("""
    WITH {mine}, times AS MATERIALIZED (
        SELECT * FROM unnest(%(names)s::text[], %(starts)s::timestamptz[], %(spans)s::bigint[], %(closed_from)s::text[],
                             %(closed_until)s::text[], %(left_out)s::text[])
                   AS t (zone, start, span, closed_from, closed_until, left_out)
    ), people AS MATERIALIZED (
        SELECT matching.contact, {zone} AS zone, coalesce(leads.attributes #>> '{{timezone,v}}', '') AS said,
               contacts.suppressed_at IS NOT NULL
               OR EXISTS (SELECT FROM contacts former
                           WHERE former.key = contacts.former AND former.suppressed_at IS NOT NULL) AS suppressed,
               contacts.complained_at IS NOT NULL AS complained, contacts.consents
          FROM ({matching}) AS matching
          JOIN leads ON leads.contact = matching.contact
          JOIN contacts ON contacts.key = matching.contact
         WHERE EXISTS (SELECT FROM mine)
    ), made AS MATERIALIZED (
        SELECT contacts.contact, nullif(contacts.zone, '') AS zone,
               contacts.said <> '' AND contacts.zone = '' AND cardinality(%(zones)s::text[]) > 0 AS odd,
               coalesce(closed.until, slot.at) AS due_at,
               CASE WHEN judged.left_out IS NOT NULL AND judged.left_out <> array_fill(NULL::text, ARRAY[{steps}])
                    THEN judged.left_out END AS left_out
          FROM people AS contacts
          JOIN times ON times.zone = contacts.zone
         CROSS JOIN LATERAL (
            SELECT times.start + interval '1 microsecond' * CASE WHEN times.span = 0 THEN 0 ELSE
                       div((get_byte(contacts.contact, 0) * 16777216::bigint + get_byte(contacts.contact, 1) * 65536
                            + get_byte(contacts.contact, 2) * 256 + get_byte(contacts.contact, 3))::numeric
                           * times.span, 4294967296)::float8 END AS at) AS slot
          LEFT JOIN LATERAL (
            SELECT max(pause.until) AS until
              FROM unnest(times.closed_from::timestamptz[], times.closed_until::timestamptz[]) AS pause (since, until)
             WHERE slot.at >= pause.since AND slot.at < pause.until) AS closed ON times.span > 0
         CROSS JOIN LATERAL (SELECT ARRAY[{reasons}]::text[] AS left_out) AS judged
    ), added AS (
        INSERT INTO recipients (run_id, contact, due_at, zone, left_out)
        SELECT mine.run_id, made.contact, made.due_at, made.zone, made.left_out FROM made CROSS JOIN mine
         ORDER BY made.contact
    )
    UPDATE run_progress
       SET gathered = gathered + 1,
           expected_at = drumbeat_now(),
           matched = matched + coalesce((SELECT count(*) FROM made), 0),
           odd_zones = odd_zones + coalesce((SELECT count(*) FROM made WHERE odd), 0),
           hash = sha256(mine.hash || {digest})
      FROM mine
     WHERE run_progress.run_id = mine.run_id
 RETURNING gathered
""")
# Of the recipients of a chunk, as they were planned.
DIGEST = SQL("""
    coalesce((SELECT sha256(string_agg(
                         contact || int8send(microseconds(due_at))
                         || convert_to(coalesce(array_to_string(left_out, ',', '-'), ''), 'UTF8'), ''::bytea
                         ORDER BY contact)) FROM {recipients}), ''::bytea)
""")
_REASON = SQL("""
    coalesce(times.left_out,
             CASE WHEN contacts.suppressed THEN 'suppressed'
                  WHEN {list}::text IS NULL THEN NULL
                  WHEN contacts.complained THEN 'complained'
                  WHEN {given} THEN NULL
                  ELSE CASE consent_state(contacts.consents, {list}::text)
                            WHEN 'pending' THEN 'consent_pending'
                            WHEN 'withdrawn' THEN 'withdrawn'
                            ELSE 'no_consent' END END)
""")


def _reason(name: str) -> Composed:
    mailing_list = Placeholder(name)
    return _REASON.format(list=mailing_list, given=given(SQL("{}::text").format(mailing_list)))


def gather(db: Database, run: Run, matching: Matching, steps: Sequence[Step], times: Sequence[ZoneTimes]) -> bool:
    """Record the recipients of the next chunk; False when another does it, or it is done."""
    lists = {f"list_{place}": step.arguments.get("list") for place, step in enumerate(steps)}
    statement = _GATHER.format(
        mine=SQL(_mine("gathered")),
        zone=SQL(_ZONE),
        matching=matching.statement,
        steps=SQL(str(len(steps))),
        reasons=SQL(", ").join(_reason(name) for name in lists),
        digest=DIGEST.format(recipients=SQL("made")),
    )
    parameters = {
        **_of(run, run.gathered, "planned"),
        **matching.parameters,
        **lists,
        "zones": [each.zone for each in times if each.zone],
        "names": [each.zone for each in times],
        "starts": [each.start for each in times],
        "spans": [each.span for each in times],
        "closed_from": [_array([since for since, _ in each.closed]) for each in times],
        "closed_until": [_array([until for _, until in each.closed]) for each in times],
        "left_out": [each.left_out for each in times],
    }
    return bool(db.run(statement, parameters))


# The plan of a run is over its recipients: there is one once they are all recorded, and not before.
PLAN = """
    INSERT INTO plans (event_id, version, hash, semantics)
    SELECT runs.id, runs.version, sha256(convert_to(%(head)s, 'UTF8') || progress.hash), runs.semantics
      FROM runs
      JOIN run_progress progress ON progress.run_id = runs.id
     WHERE runs.id = %(run)s AND progress.gathered = progress.chunks
        ON CONFLICT DO NOTHING
"""


def record_plan(db: Database, run: Run) -> None:
    """Record the plan of a run whose recipients are all there; its hash covers version, steps, recipients, instants."""
    db.run(PLAN, {"run": run.id, "head": plan_head(run)})


def plan_head(run: Run) -> str:
    """Return what a plan's hash begins with."""
    return "\x1f".join([str(run.version), run.campaign, *run.steps, run.content.hex()])


# ---------------------------------------------------------------- their effects

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
        mine=SQL(_mine("expanded")),
        review=reviewed,
        stayed=SQL("") if review is None else _STAYED,
        came=SQL("0") if review is None else _CAME,
        **places,
    )
    parameters = {
        **_of(run, run.expanded, "expanding"),
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


def _of(run: Run, number: int, state: str) -> Mapping[str, object]:
    part = chunk(number, run.chunks)
    return {"run": run.id, "number": number, "state": state, "low": part.low, "high": part.high}


def _array(instants: Sequence[datetime]) -> str:
    """Write an array of Postgres: one of arrays would have to be rectangular."""
    return "{" + ",".join(f'"{each.isoformat()}"' for each in instants) + "}"
