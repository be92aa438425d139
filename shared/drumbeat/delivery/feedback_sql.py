"""What reports are about: the attempts behind the mails that they name."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from drumbeat.ledger.database import Database

# The newest attempt of each generation that is named, and one report for it: the first that proves the same. What is
# recorded already is not recorded again. What comes after a mail that counts as accepted was released with that.
MATCH = """
    SELECT DISTINCT ON (a.effect_id, a.generation, f.proves)
           a.effect_id AS id, a.generation, a.n, a.identity,
           CASE WHEN e.status = 'accepted' THEN '{}'::uuid[] ELSE e.dependents END AS dependents,
           f.proves AS kind, f.word, f.reference
      FROM (SELECT effect_id, generation, word, reference, at, name,
                   CASE WHEN kind = ANY (%(accepted)s) THEN 'accepted'
                        WHEN kind = ANY (%(refused)s) THEN 'refused' END AS proves
              FROM feedback
             WHERE event_id = ANY (%(events)s)) AS f
      JOIN effects e ON e.id = f.effect_id
      JOIN attempts a ON a.effect_id = f.effect_id AND a.generation = f.generation
     WHERE f.proves IS NOT NULL
       AND (SELECT o.id
              FROM outcomes o
             WHERE o.effect_id = a.effect_id AND o.generation = a.generation
               AND o.origin = 'feedback' AND o.kind = f.proves
             LIMIT 1) IS NULL
     ORDER BY a.effect_id, a.generation, f.proves, a.n DESC, f.at, f.name
"""


KEPT = "SELECT event_id FROM feedback WHERE event_id = ANY (%(events)s)"


def kept(db: Database, events: Sequence[UUID]) -> set[UUID]:
    """Return which of these events have a report; another event may have brought the same one before."""
    return {row["event_id"] for row in db.run(KEPT, {"events": list(events)})}


@dataclass(frozen=True, slots=True)
class ReportedAttempt:
    """An attempt that a provider reported on, and what the report proves: `accepted` or `refused`."""

    id: UUID
    generation: int
    n: int
    identity: str
    dependents: tuple[UUID, ...]  # that its acceptance would release
    kind: str
    word: str
    reference: str | None


def reported_attempts(
    db: Database, events: Sequence[UUID], *, accepted: Sequence[str], refused: Sequence[str]
) -> list[ReportedAttempt]:
    """Find the attempts that these events report on, where that is not recorded yet.

    `accepted` and `refused` are the kinds of reports that prove either.
    """
    rows = db.run(MATCH, {"events": list(events), "accepted": list(accepted), "refused": list(refused)})
    return [ReportedAttempt(**row | {"dependents": tuple(row["dependents"])}) for row in rows]
