"""What happened to one person, in one order of time and a page at a time: events with their effects, what was said of
consent, suppressions.

A page ends after so many entries, or before the one that does not fit into the answer; its cursor names the last of
them. What an entry shows is read just before it is shown, so that no page takes more memory than the answer.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import cached_property, partial
from uuid import UUID

from drumbeat.core.consent import UNVERIFIED_SOURCE, document, noted
from drumbeat.core.events import EventType
from drumbeat.ledger.database import Database, Row
from drumbeat.views import person_consent, positions, reports
from drumbeat.views.ahead import Ahead
from drumbeat.views.event_pages import EventItem, these
from drumbeat.views.pages import Fits
from drumbeat.views.person_consent import ConsentFact
from drumbeat.views.person_effects import Effects, PersonEffect, Reading, position
from drumbeat.views.positions import CONSENT, EVENT, SUPPRESSION, Position
from drumbeat.views.reports import ReportItem

ENTRIES_SHOWN = 100  # a page, effects apart


@dataclass(frozen=True, slots=True)
class Known:
    """A person as the ledger knows them. `own`: today's key, whose consent counts; None: it has no row."""

    keys: Sequence[bytes]
    own: bytes | None
    waits: bool  # they may still confirm a list


@dataclass(frozen=True, slots=True)
class Unverified:
    """A press of a confirmation mail's button that may be a program's. It changed nothing."""

    why: str
    user_agent: str
    ip: str  # the network
    can_confirm: bool  # the person waits to be confirmed on a list, and may still do so


@dataclass(frozen=True, slots=True)
class PersonEvent(EventItem):
    """An event that names the person, of which an effect is for them, or a run that meant them.

    `left_out`: of such a run, the reason by step, where the step does not mail them.
    """

    unverified: Unverified | None
    report: ReportItem | None  # what a provider reported by it of a mail to them
    left_out: Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class SuppressionChange:
    """The person was suppressed, or that was lifted."""

    lifted: bool
    reason: str
    actor: str
    at: datetime


@dataclass(slots=True)
class History:
    """One page, newest first; effects in the order of their events. `next`: where older entries begin."""

    events: list[PersonEvent] = field(default_factory=list)
    consent_history: list[ConsentFact] = field(default_factory=list)
    suppressions: list[SuppressionChange] = field(default_factory=list)
    effects: list[PersonEffect] = field(default_factory=list)
    next: str | None = None


# The next entries of each kind by an index, of which the newest are shown. Consent is read where attempts read it.
HAPPENED = """
    SELECT at, rank, id
      FROM (SELECT named.received_at AS at, 2 AS rank, replace(named.event_id::text, '-', '') AS id
              FROM unnest(%(keys)s::bytea[]) AS person (contact)
             CROSS JOIN LATERAL (
                   SELECT received_at, event_id
                     FROM event_contacts
                    WHERE event_contacts.contact = person.contact
                      AND (received_at, event_id) < (%(event_at)s::timestamptz, %(event)s::uuid)
                    ORDER BY received_at DESC, event_id DESC
                    LIMIT %(limit)s) AS named
             UNION
            SELECT meant.received_at, 2, replace(meant.id::text, '-', '')
              FROM (
                   SELECT events.received_at, events.id
                     FROM recipients
                     JOIN events ON events.id = recipients.run_id
                    WHERE recipients.contact = ANY (%(keys)s::bytea[])
                      AND (events.received_at, events.id) < (%(event_at)s::timestamptz, %(event)s::uuid)
                    ORDER BY events.received_at DESC, events.id DESC
                    LIMIT %(limit)s) AS meant
             UNION
            SELECT said.at, 1, replace(said.event_id::text, '-', '')
              FROM (
                   SELECT DISTINCT ON (consents.at, consents.event_id) consents.at, consents.event_id
                     FROM consents
                    WHERE consents.contact = %(own)s
                      AND (consents.at, consents.event_id) < (%(consent_at)s::timestamptz, %(consent)s::uuid)
                    ORDER BY consents.at DESC, consents.event_id DESC
                    LIMIT %(limit)s) AS said
             UNION
            SELECT created_at, 0, lpad(to_hex(seq), 8, '0') || encode(contact, 'hex')
              FROM suppressions
             WHERE contact = ANY (%(keys)s::bytea[])
               AND (created_at, seq::bigint, contact)
                   < (%(suppression_at)s::timestamptz, %(seq)s::bigint, %(contact)s::bytea)) AS happened
     ORDER BY at DESC, rank, id COLLATE "C" DESC
     LIMIT %(limit)s
"""

SUPPRESSIONS = """
    SELECT suppressions.lifted, suppressions.reason, suppressions.actor, suppressions.created_at AS at
      FROM unnest(%(contacts)s::bytea[], %(seqs)s::int[]) WITH ORDINALITY AS wanted (contact, seq, place)
      JOIN suppressions USING (contact, seq)
     ORDER BY wanted.place
"""

# Of each run of these that meant the person, which steps do not mail them, and why.
LEFT_OUT = """
    SELECT recipients.run_id,
           (SELECT jsonb_object_agg(steps.step, out.why)
              FROM unnest(runs.steps) WITH ORDINALITY AS steps (step, place)
             CROSS JOIN LATERAL (SELECT (coalesce(left_since, left_out))[steps.place] AS why) AS out
             WHERE out.why IS NOT NULL) AS reasons
      FROM unnest(%(keys)s::bytea[]) AS person (contact)
      JOIN recipients ON recipients.contact = person.contact AND recipients.run_id = ANY (%(runs)s)
      JOIN runs ON runs.id = recipients.run_id
"""

BODIES = "SELECT event_id, body FROM payloads WHERE event_id = ANY (%(ids)s)"


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry of the history, read when it is shown. `name`: the list that it goes into."""

    position: Position
    name: str
    read: Callable[[], Sequence[object]]


def history(db: Database, person: Known, *, cursor: str | None, reading: Reading, fits: Fits) -> History:
    """Return a page of what happened to a person.

    Raises Invalid for a cursor that is not valid.
    """
    page = _Page(db, person, positions.read(cursor), reading)
    told = History()
    shown: Position | None = None
    for entry in page.entries():
        found = entry.read()
        if not fits(found) and shown is not None:
            told.next = str(shown)
            return told
        getattr(told, entry.name).extend(found)
        shown = entry.position
    told.next = str(shown) if page.more else None
    return told


class _Page:
    """What comes after a position. `more`: there are entries after those of this page."""

    def __init__(self, db: Database, person: Known, after: Position | None, reading: Reading) -> None:
        self._db = db
        self._person = person
        whose = {"keys": list(person.keys), "own": person.own}
        rows = db.run(HAPPENED, {**whose, **positions.following(after), "limit": ENTRIES_SHOWN + 1})
        self._happened = [Position(**row) for row in rows[:ENTRIES_SHOWN]]
        # Where the page before ended with an event, or within its effects, the others come first.
        self._begun = after if after is not None and after.rank == EVENT else None
        events = ([self._begun] if self._begun else []) + self._of(EVENT)
        begun_after = self._begun.effect if self._begun else None
        self._effects = Effects(db, person.keys, [UUID(each.id) for each in events], begun_after, reading)
        self.more = self._effects.more or len(rows) > ENTRIES_SHOWN

    def entries(self) -> Iterator[_Entry]:
        """Give them, newest first, up to the last effect that was read."""
        for each in ([self._begun] if self._begun else []) + self._happened:
            if each is not self._begun:
                yield self._entry(each)
            if each.rank == EVENT:
                effects = self._effects.of(UUID(each.id))
                yield from (_Entry(position(each, row), "effects", partial(self._effect, row)) for row in effects)
                if self._effects.more and self._effects.is_last(UUID(each.id)):
                    return

    def _entry(self, at: Position) -> _Entry:
        match at.rank:
            case positions.EVENT:
                return _Entry(at, "events", partial(self._event, UUID(at.id)))
            case positions.CONSENT:
                return _Entry(at, "consent_history", partial(self._facts, at))
            case _:
                return _Entry(at, "suppressions", partial(self._suppression, at.id))

    def _event(self, id: UUID) -> list[PersonEvent]:
        item = self._items.get(id)
        if item is None:  # a delivery whose facts are events themselves
            return []
        unverified = self._unverified(item) if item.source == UNVERIFIED_SOURCE else None
        told = {each.name: getattr(item, each.name) for each in fields(item)}
        return [
            PersonEvent(**told, unverified=unverified, report=self._reports.get(id), left_out=self._left_out.get(id))
        ]

    def _unverified(self, item: EventItem) -> Unverified:
        evidence = noted(document(self._bodies.get(item.event_id)), item.door)
        why, agent, ip = (str(evidence.get(name, "")) for name in ("unverified", "user_agent", "ip"))
        return Unverified(why, agent, ip, self._person.waits)

    def _facts(self, at: Position) -> list[ConsentFact]:
        return person_consent.facts(self._said.get((at.at, UUID(at.id)), ()), self._bodies.get(UUID(at.id)))

    def _suppression(self, id: str) -> list[SuppressionChange]:
        return [self._suppressions[id]]

    def _effect(self, row: Row) -> list[PersonEffect]:
        return [self._effects.show(row)]

    @cached_property
    def _items(self) -> dict[UUID, EventItem]:
        return these(self._db, [UUID(each.id) for each in self._of(EVENT)])

    @cached_property
    def _left_out(self) -> dict[UUID, dict[str, str]]:
        fired = [id for id, item in self._items.items() if item.type == EventType.CAMPAIGN_TRIGGER]
        rows = self._db.run(LEFT_OUT, {"runs": fired, "keys": list(self._person.keys)}) if fired else []
        return {row["run_id"]: row["reasons"] for row in rows}

    @cached_property
    def _reports(self) -> dict[UUID, ReportItem]:
        return reports.of_events(self._db, [id for id, item in self._items.items() if item.type == EventType.FEEDBACK])

    @cached_property
    def _said(self) -> dict[tuple[datetime, UUID], list[Row]]:
        return person_consent.said(self._db, self._person.own, [(each.at, UUID(each.id)) for each in self._of(CONSENT)])

    @cached_property
    def _suppressions(self) -> dict[str, SuppressionChange]:
        ids = [each.id for each in self._of(SUPPRESSION)]
        wanted = {"contacts": [*map(positions.contact_of, ids)], "seqs": [*map(positions.seq_of, ids)]}
        rows = self._db.run(SUPPRESSIONS, wanted)
        return {id: SuppressionChange(**row) for id, row in zip(ids, rows, strict=True)}

    @cached_property
    def _bodies(self) -> Ahead[UUID, bytes]:
        """Those that have evidence, in the order in which they are asked for."""
        sizes = {id: 0 for id, item in self._items.items() if item.source == UNVERIFIED_SOURCE}
        sizes |= {id: rows[0]["bytes"] for (_, id), rows in self._said.items() if rows[0]["bytes"] is not None}
        asked = dict.fromkeys(UUID(each.id) for each in self._happened if each.rank != SUPPRESSION)
        return Ahead([(id, sizes[id]) for id in asked if id in sizes], self._read_bodies)

    def _read_bodies(self, ids: list[UUID]) -> dict[UUID, bytes]:
        return {row["event_id"]: row["body"] for row in self._db.run(BODIES, {"ids": ids})}

    def _of(self, rank: int) -> list[Position]:
        return [each for each in self._happened if each.rank == rank]
