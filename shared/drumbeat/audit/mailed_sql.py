"""How often a person was mailed by runs lately, which caps are counted by, made again from the attempts."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from drumbeat.delivery.run_bars_sql import KEPT
from drumbeat.ledger.database import Database

MOMENT = "1 minute"  # a row's entry and its attempt each take their own time, within one statement


@dataclass(frozen=True, slots=True)
class Unnoted:
    """A person in whose row openings are missing. Documents are texts, to be compared."""

    key: bytes
    person: UUID
    mailed: str  # as it is
    entries: str  # that belong there
    effects: list[str]  # that these are about


# Of an effect that was opened again the last opening counts.
UNNOTED = """
    SELECT c.key, c.person, c.mailed::text AS mailed, unnoted.entries::text AS entries, unnoted.effects
      FROM contacts c
     CROSS JOIN LATERAL (
        SELECT jsonb_agg(jsonb_build_array(microseconds(opened.at), opened.id) ORDER BY opened.at) AS entries,
               array_agg(opened.id::text) AS effects
          FROM (SELECT own.id, max(a.opened_at) AS at
                  FROM run_effects_of(c.key) AS own (id)
                 CROSS JOIN LATERAL (SELECT list FROM effects WHERE effects.id = own.id OFFSET 0) AS e
                  JOIN attempts a ON a.effect_id = own.id
                 WHERE e.list IS NOT NULL
                 GROUP BY own.id) AS opened
         WHERE opened.at > drumbeat_now() - %(kept)s
           AND NOT EXISTS (SELECT
                             FROM jsonb_array_elements(c.mailed) AS entry
                            WHERE entry ->> 1 = opened.id::text
                              AND (entry ->> 0)::bigint > microseconds(opened.at - %(moment)s::interval))) AS unnoted
     WHERE c.key = ANY (%(keys)s) AND unnoted.entries IS NOT NULL
     ORDER BY c.key
"""


def unnoted(db: Database, keys: Sequence[bytes]) -> list[Unnoted]:
    """Return which of these people were mailed more often than their rows say."""
    return [Unnoted(**row) for row in db.run(UNNOTED, {"keys": list(keys), "kept": KEPT, "moment": MOMENT})]


# What changed meanwhile is left as it is: the next run compares it.
NOTE = """
    UPDATE contacts
       SET mailed = (SELECT coalesce(jsonb_agg(entry), '[]')
                       FROM jsonb_array_elements(mailed) AS entry
                      WHERE entry ->> 1 <> ALL (%(effects)s::text[])) || %(entries)s::jsonb
     WHERE key = %(key)s AND mailed::text = %(mailed)s
"""


def note(db: Database, one: Unnoted) -> None:
    """Write what is missing into a person's row. Nothing is taken out of it."""
    db.run(NOTE, {name: getattr(one, name) for name in ("key", "mailed", "entries", "effects")})
