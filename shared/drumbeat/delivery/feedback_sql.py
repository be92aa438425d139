"""What feedback is about: the attempts behind the keys that it names."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from drumbeat.ledger.database import Database

# The newest attempt of each generation that is named. What is recorded already is not recorded again.
MATCH = """
    SELECT DISTINCT ON (a.effect_id, a.generation, i.kind)
           i.place, a.effect_id AS id, a.generation, a.n, a.identity, e.dependents
      FROM unnest(%(ids)s::uuid[], %(generations)s::int[], %(kinds)s::text[]) WITH ORDINALITY
             AS i (id, generation, kind, place)
      JOIN attempts a ON a.effect_id = i.id AND a.generation = i.generation
      JOIN effects e ON e.id = a.effect_id
     WHERE NOT EXISTS (SELECT FROM outcomes o
                        WHERE o.effect_id = a.effect_id AND o.generation = a.generation
                          AND o.origin = 'feedback' AND o.kind = i.kind)
     ORDER BY a.effect_id, a.generation, i.kind, a.n DESC, i.place
"""


@dataclass(frozen=True, slots=True)
class MatchedAttempt:
    """An attempt that a provider reported on; `place` counts the events from 1."""

    place: int
    id: UUID
    generation: int
    n: int
    identity: str
    dependents: tuple[UUID, ...]


def match_attempts(db: Database, keys: Sequence[tuple[UUID, int]], kinds: Sequence[str]) -> list[MatchedAttempt]:
    """Find the attempts that these events are about, where that is not recorded yet; others are not in the answer."""
    parameters = {
        "ids": [id for id, _ in keys],
        "generations": [generation for _, generation in keys],
        "kinds": list(kinds),
    }
    return [MatchedAttempt(**row) for row in db.run(MATCH, parameters)]
