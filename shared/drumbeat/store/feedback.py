"""What feedback teaches about attempts: kept beside them, and moving what it proves."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from drumbeat.status import Status
from drumbeat.store.db import Database
from drumbeat.store.effects import Moved


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a provider said about one generation of an effect; `reference` is its own name for it."""

    effect: UUID
    generation: int
    kind: Literal["accepted", "refused"]
    reference: str | None = None


ATTEMPTED = """
    SELECT id, dependents, ARRAY(SELECT DISTINCT generation FROM attempts WHERE effect_id = effects.id) AS generations
      FROM effects
     WHERE id = ANY (%(ids)s)
"""


@dataclass(frozen=True, slots=True)
class Attempted:
    """An effect, the generations of it that were attempted, and who waits for its end."""

    id: UUID
    generations: frozenset[int]
    dependents: tuple[UUID, ...]


def attempted(db: Database, ids: Sequence[UUID]) -> dict[UUID, Attempted]:
    """Read which of these effects there are."""
    rows = db.run(ATTEMPTED, {"ids": list(ids)})
    return {row["id"]: Attempted(row["id"], frozenset(row["generations"]), tuple(row["dependents"])) for row in rows}


# Feedback is about a key, and so about the last attempt under it. What is known already is not kept twice. Acceptance
# is proof wherever the effect stands, unless somebody is sending it: then the end of that attempt finds it. A refusal
# settles only what is unknown. What is final stays, and shows as contradicted.
LEARN = """
    WITH told AS MATERIALIZED (
        SELECT DISTINCT *
          FROM unnest(%(ids)s::uuid[], %(generations)s::int[], %(kinds)s::text[], %(references)s::text[])
            AS i (id, generation, kind, reference)
    ), news AS MATERIALIZED (
        SELECT told.*, last.n, last.identity
          FROM told
         CROSS JOIN LATERAL (SELECT a.n, a.identity
                               FROM attempts a
                              WHERE a.effect_id = told.id AND a.generation = told.generation
                              ORDER BY a.n DESC
                              LIMIT 1) AS last
    ), mine AS MATERIALIZED (
        SELECT e.id, e.status AS before, i.kind AS target
          FROM effects e
          JOIN (SELECT DISTINCT ON (id, generation) id, generation, kind
                  FROM news
                 ORDER BY id, generation, kind) AS i ON i.id = e.id AND i.generation = e.generation
         WHERE (i.kind = 'accepted' AND e.status IN ('waiting', 'claimed', 'unknown', 'held'))
            OR (i.kind = 'refused' AND e.status = 'unknown')
         ORDER BY e.id
           FOR UPDATE OF e
    ), learned AS (
        INSERT INTO outcomes (effect_id, n, generation, identity, origin, kind, reference)
        SELECT id, n, generation, identity, 'feedback', kind, reference
          FROM news
         WHERE NOT EXISTS (SELECT FROM outcomes o
                            WHERE o.effect_id = news.id AND o.generation = news.generation AND o.origin = 'feedback'
                              AND o.kind = news.kind AND o.reference IS NOT DISTINCT FROM news.reference)
    ), moved AS (
        UPDATE effects e
           SET status = m.target,
               seq = e.seq + 1,
               reason = m.target || ' by feedback',
               crashes = 0,
               slot = NULL,
               due_at = 'infinity',
               lease_until = NULL,
               updated_at = drumbeat_now()
          FROM mine m
         WHERE e.id = m.id
     RETURNING e.id, e.status, e.seq, e.fence, e.reason, e.dependents, m.before
    ), journaled AS (
        INSERT INTO journal (effect_id, seq, from_status, to_status, fence, reason, actor)
        SELECT id, seq, before, status, fence, reason, 'feedback' FROM moved
    )
    SELECT id, status, dependents FROM moved
"""


def learn(db: Database, lessons: Sequence[Lesson]) -> list[Moved]:
    """Keep what was said of attempts of ours, and return the effects that it moved."""
    rows = db.run(
        LEARN,
        {
            "ids": [lesson.effect for lesson in lessons],
            "generations": [lesson.generation for lesson in lessons],
            "kinds": [lesson.kind for lesson in lessons],
            "references": [lesson.reference for lesson in lessons],
        },
    )
    return [Moved(row["id"], Status(row["status"]), tuple(row["dependents"])) for row in rows]
