"""The effects of one person's events, in the order of the events, with what was sent."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from drumbeat.ledger.database import Database, Row
from drumbeat.views.ahead import Ahead
from drumbeat.views.derived import REASON
from drumbeat.views.positions import Position

EFFECTS_SHOWN = 500  # at once

type Reading = Callable[[bytes, bytes], object]  # frozen bytes and their hash -> what a person reads


@dataclass(frozen=True, slots=True)
class PersonEffect:
    """One effect of this person's events. `request`: what was sent; None: not rendered, or pruned."""

    effect_id: UUID
    event_id: UUID
    flow: str
    step: str
    account: str
    action: str
    list: str | None
    status: str
    reason_code: str | None
    reason_detail: str | None
    reason: str | None  # why it was not carried out, or not yet
    maybe_sent: bool | None
    planned_for: datetime
    opened_at: datetime | None  # its last attempt
    updated_at: datetime
    request: object


# Of an event for many people only what is for this one, and what is for none in particular. Of a run, which may have a
# million, each is found by its id, which follows from run, step and contact.
EFFECTS = f"""
    SELECT effects.id AS effect_id, effects.event_id, effects.flow, effects.step, effects.account, effects.action,
           effects.list, effects.status, {REASON}, effects.base_due_at AS planned_for,
           (SELECT max(opened_at) FROM attempts WHERE attempts.effect_id = effects.id) AS opened_at,
           effects.updated_at, requests.bytes
      FROM unnest(%(events)s::uuid[]) WITH ORDINALITY AS wanted (event_id, place)
      LEFT JOIN LATERAL (SELECT runs.id, runs.steps, runs.campaign FROM runs
                          WHERE runs.id = wanted.event_id OFFSET 0) AS run ON true
     CROSS JOIN LATERAL (SELECT *
                           FROM effects
                          WHERE effects.event_id = wanted.event_id AND run.id IS NULL
                            AND (contact IS NULL OR contact = ANY (%(keys)s::bytea[]))
                         UNION ALL
                         SELECT effects.*
                           FROM unnest(run.steps) AS of_run (step)
                          CROSS JOIN unnest(%(keys)s::bytea[]) AS person (contact)
                           JOIN effects
                             ON effects.id = drumbeat_id(run.id::text, 'campaign:' || run.campaign, of_run.step,
                                                         encode(person.contact, 'hex'))
                         OFFSET 0) AS effects
      LEFT JOIN LATERAL (SELECT octet_length(frozen) AS bytes
                           FROM requests
                          WHERE requests.effect_id = effects.id AND requests.generation = effects.generation
                         OFFSET 0) AS requests ON true
     WHERE %(after)s::uuid IS NULL
        OR wanted.place > 1
        OR (effects.base_due_at, effects.flow, effects.step, effects.id)
           > (SELECT base_due_at, flow, step, id FROM effects WHERE id = %(after)s)
     ORDER BY wanted.place, effects.base_due_at, effects.flow, effects.step, effects.id
     LIMIT %(limit)s
"""  # noqa: S608 - put together from constants

REQUESTS = """
    SELECT effects.id, requests.frozen, requests.hash
      FROM unnest(%(ids)s::uuid[]) AS wanted (id)
     CROSS JOIN LATERAL (SELECT id, generation FROM effects WHERE effects.id = wanted.id OFFSET 0) AS effects
     CROSS JOIN LATERAL (SELECT frozen, hash
                           FROM requests
                          WHERE requests.effect_id = effects.id AND requests.generation = effects.generation
                         OFFSET 0) AS requests
"""


class Effects:
    """The first effects of these events, after one of the first event's. `more`: not all of them are here."""

    def __init__(
        self, db: Database, keys: Sequence[bytes], events: Sequence[UUID], after: UUID | None, reading: Reading
    ) -> None:
        parameters = {"keys": list(keys), "events": list(events), "after": after, "limit": EFFECTS_SHOWN + 1}
        rows = db.run(EFFECTS, parameters) if events else []
        self.more = len(rows) > EFFECTS_SHOWN
        self._rows = rows[:EFFECTS_SHOWN]
        self._db = db
        self._reading = reading
        kept = [(row["effect_id"], row["bytes"]) for row in self._rows if row["bytes"] is not None]
        self._requests = Ahead(kept, self._read)

    def of(self, event: UUID) -> list[Row]:
        """Return those of one event."""
        return [row for row in self._rows if row["event_id"] == event]

    def is_last(self, event: UUID) -> bool:
        """Return whether none of a later event are here."""
        return bool(self._rows) and self._rows[-1]["event_id"] == event

    def show(self, row: Row) -> PersonEffect:
        """Return one of them with what was sent."""
        shown: dict[str, Any] = {name: value for name, value in row.items() if name != "bytes"}
        request = self._requests.get(row["effect_id"])
        return PersonEffect(**shown, request=request and request())

    def _read(self, ids: list[UUID]) -> dict[UUID, Callable[[], object]]:
        rows = self._db.run(REQUESTS, {"ids": ids})
        return {row["id"]: partial(self._reading, row["frozen"], row["hash"]) for row in rows}


def position(event: Position, row: Row) -> Position:
    """Return where an effect of an event stands."""
    return Position(event.at, event.rank, event.id, row["effect_id"])
