"""Who a run's people are: recorded chunk by chunk, and then its plan, which is over all of them."""

from collections.abc import Sequence
from datetime import datetime

from psycopg.sql import SQL, Composed, Placeholder

from drumbeat.audiences.matching_sql import Matching
from drumbeat.audiences.standing_sql import given
from drumbeat.calendar.run_times import ZoneTimes
from drumbeat.core.configuration import Step
from drumbeat.ledger.database import Database
from drumbeat.runs.chunks_sql import ZONE, mine, place_of
from drumbeat.runs.sql import Run

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
        mine=SQL(mine("gathered")),
        zone=SQL(ZONE),
        matching=matching.statement,
        steps=SQL(str(len(steps))),
        reasons=SQL(", ").join(_reason(name) for name in lists),
        digest=DIGEST.format(recipients=SQL("made")),
    )
    parameters = {
        **place_of(run, run.gathered, "planned"),
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


def _array(instants: Sequence[datetime]) -> str:
    """Write an array of Postgres: one of arrays would have to be rectangular."""
    return "{" + ",".join(f'"{each.isoformat()}"' for each in instants) + "}"
