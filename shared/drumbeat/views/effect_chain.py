"""The steps beside an effect: the one that it comes after, and those that come after it."""

from dataclasses import dataclass
from uuid import UUID

from drumbeat.ledger.database import Database

SHOWN = 50  # that come after it


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A step beside an effect. `before`: the effect comes after it."""

    effect_id: UUID
    step: str
    status: str
    before: bool


# (OFFSET makes Postgres look each up.)
CHAIN = """
    SELECT near.id AS effect_id, near.step, near.status, coalesce(near.id = e.after, false) AS before
      FROM effects e
     CROSS JOIN LATERAL (SELECT id, step, status
                           FROM effects
                          WHERE effects.id = ANY (e.dependents || e.after)
                         OFFSET 0) AS near
     WHERE e.id = %(id)s
     ORDER BY before DESC, near.step, near.id
     LIMIT %(limit)s
"""


def chain(db: Database, id: UUID) -> list[Neighbour]:
    """Return the steps beside an effect, the one before it first."""
    return [Neighbour(**row) for row in db.run(CHAIN, {"id": id, "limit": SHOWN + 1})]
