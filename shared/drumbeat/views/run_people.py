"""The people of a run, a page at a time: what became of their mails, and why each that is not mailed is not."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from drumbeat.core.campaigns import campaign_flow
from drumbeat.core.errors import Invalid
from drumbeat.core.runs import LeftOut
from drumbeat.core.status import Status
from drumbeat.ledger.database import Database
from drumbeat.views.derived import REASON
from drumbeat.views.pages import INVALID_CURSOR, PAGE_SIZE, Page, one_of
from drumbeat.views.run_story import RunHead

LOOKED_AT = 5_000  # people, for one page: with a filter it may be short while there are more
ANY = "any"  # as a reason: whatever it is


@dataclass(frozen=True, slots=True)
class PersonsStep:
    """One step for one person: the effect that it has, or why it has none."""

    step: str
    effect_id: UUID | None
    left_out: str | None
    status: str | None
    reason_code: str | None
    reason_detail: str | None
    reason: str | None  # the sentence of code and detail
    updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class RunPerson:
    """One person of a run. `person`: their id, under which `leads show` finds them."""

    contact: bytes
    person: UUID | None
    address: str | None  # None: they have no lead any more
    due_at: datetime
    zone: str | None
    steps: list[PersonsStep]


@dataclass(frozen=True, slots=True)
class PeopleFilter:
    """Which people; None leaves a field open. `left_out`: a reason, or `any`. `mailed`: only whom a step reaches.
    `keys`: of one person.
    """

    left_out: str | None = None
    status: str | None = None
    mailed: bool = False
    keys: tuple[bytes, ...] | None = None

    def __post_init__(self) -> None:
        """Refuse what no person of a run can have."""
        one_of("left_out", self.left_out, (*LeftOut, ANY))
        one_of("status", self.status, tuple(Status))


_OF_RUN: LiteralString = """
        SELECT contact, due_at, zone, coalesce(left_since, left_out) AS left_out
          FROM recipients
         WHERE run_id = %(run)s AND contact > %(after)s
"""


def _people(looked_at: LiteralString) -> LiteralString:
    """Return a page of those of these recipients that a filter lets through.

    A step's effect is found by its id, which follows from run, step and contact: never by the run's effects.
    """
    return f"""
    WITH looked_at AS MATERIALIZED ({looked_at}
    ), found AS MATERIALIZED (
        SELECT contact, due_at, zone, left_out
          FROM looked_at
         WHERE (%(reason)s::text IS NULL
                OR %(reason)s = ANY (left_out)
                OR (%(reason)s = 'any' AND EXISTS (SELECT FROM unnest(left_out) AS one WHERE one IS NOT NULL)))
           AND (NOT %(mailed)s OR left_out IS NULL OR array_position(left_out, NULL) IS NOT NULL)
           AND (%(status)s::text IS NULL
                OR EXISTS (SELECT
                             FROM unnest(%(steps)s::text[]) AS wanted (step)
                             JOIN effects ON effects.id = drumbeat_id(%(run)s::uuid::text, %(flow)s, wanted.step,
                                                                      encode(looked_at.contact, 'hex'))
                            WHERE effects.status = %(status)s))
         ORDER BY contact
         LIMIT %(limit)s
    )
    SELECT found.contact, found.due_at, found.zone, found.left_out, contacts.person, leads.address ->> 'v' AS address,
           steps.step, steps.place, effects.id AS effect_id, effects.status, effects.reason_code, effects.reason_detail,
           effects.reason, effects.updated_at, (SELECT max(contact) FROM looked_at) AS reached,
           (SELECT count(*) FROM looked_at) AS seen
      FROM found
      LEFT JOIN contacts ON contacts.key = found.contact
      LEFT JOIN leads ON leads.contact = found.contact
     CROSS JOIN unnest(%(steps)s::text[]) WITH ORDINALITY AS steps (step, place)
      LEFT JOIN LATERAL (SELECT id, status, {REASON}, updated_at
                           FROM effects
                          WHERE effects.id = drumbeat_id(%(run)s::uuid::text, %(flow)s, steps.step,
                                                         encode(found.contact, 'hex'))
                         OFFSET 0) AS effects ON true
     ORDER BY found.contact, steps.place
    """  # noqa: S608 - put together from constants


PEOPLE = _people(f"{_OF_RUN} ORDER BY contact LIMIT %(looked_at)s")
ONE = _people(f"{_OF_RUN} AND contact = ANY (%(keys)s::bytea[])")
REACHED = """
    SELECT max(contact) AS reached, count(*) AS seen
      FROM (SELECT contact
              FROM recipients
             WHERE run_id = %(run)s AND contact > %(after)s
             ORDER BY contact
             LIMIT %(looked_at)s) AS looked_at
"""


def people_of_run(
    db: Database,
    run: RunHead,
    filter: PeopleFilter,
    *,
    cursor: str | None = None,
    limit: int = PAGE_SIZE,
    looked_at: int = LOOKED_AT,
) -> Page[RunPerson]:
    """List the people of a run, in an order that is none to a reader. Raises Invalid for a cursor that is not valid."""
    parameters: dict[str, object] = {
        "run": run.run_id,
        "flow": campaign_flow(run.campaign),
        "steps": list(run.steps),
        "reason": filter.left_out,
        "status": filter.status,
        "mailed": filter.mailed,
        "keys": list(filter.keys or ()),
        "after": _read(cursor),
        "looked_at": looked_at,
        "limit": limit + 1,
    }
    rows = db.run(PEOPLE if filter.keys is None else ONE, parameters)
    people = [_person(rows[place : place + len(run.steps)]) for place in range(0, len(rows), len(run.steps))]
    if len(people) > limit:
        return Page(people[:limit], people[limit - 1].contact.hex())
    if filter.keys is not None:
        return Page(people, None)
    reached = rows[0] if rows else db.run(REACHED, parameters)[0]
    return Page(people, reached["reached"].hex() if reached["seen"] == looked_at else None)


def _person(rows: Sequence[dict[str, Any]]) -> RunPerson:
    first = rows[0]
    steps = [_step(row, (first["left_out"] or [None] * len(rows))[row["place"] - 1]) for row in rows]
    return RunPerson(first["contact"], first["person"], first["address"], first["due_at"], first["zone"], steps)


def _step(row: dict[str, Any], left_out: str | None) -> PersonsStep:
    told = ("effect_id", "status", "reason_code", "reason_detail", "reason", "updated_at")
    return PersonsStep(step=row["step"], left_out=left_out, **{name: row[name] for name in told})


def _read(cursor: str | None) -> bytes:
    try:
        return bytes.fromhex(cursor or "")
    except ValueError:
        raise Invalid(INVALID_CURSOR) from None
