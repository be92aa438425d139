"""Rebuild: make the views of people again from the log, and compare them or write what is missing.

First event by event: each is planned again by the version and the rules that planned it, and what it says of people is
found, or written as its plan would have. Then person by person: all their events are merged again, and give the same
bytes as their row, whatever the order was; and so is what runs sent them lately, by which caps are counted. Nothing is
locked between two statements, everything else may run meanwhile, and a rebuild that was ended is simply run again.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from drumbeat.audit import mailed_sql, rebuild_sql, spans_sql
from drumbeat.audit.rebuild_sql import Difference, Folding, Known, Lead, Planned
from drumbeat.audit.spans_sql import END, START
from drumbeat.core.errors import Invalid
from drumbeat.delivery.person import person_of
from drumbeat.delivery.plans_sql import Person
from drumbeat.planning.plan import plan
from drumbeat.services import Services

EVENTS_PER_CHUNK = 500
PEOPLE_PER_CHUNK = 200
MAX_EVENTS_OF_PEOPLE = 5_000  # of a chunk's people; of one who has more, the lead is not compared
BYTES_AT_ONCE = 16 * 1024 * 1024  # of the events' bodies
PATIENCE_SECONDS = 20.0  # for one statement

_EVENTS, _PEOPLE = "events", "people"


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """One chunk, of events or of people. `next`: where the next chunk begins; None: that was all."""

    items: list[Difference]
    events: int
    people: int
    checksum: str  # of what the log gives of these people; "" for a chunk of events
    next: str | None


def rebuild(services: Services, *, cursor: str | None = None, check: bool) -> Rebuilt:
    """Compare the next chunk with the log; unless it is only a `check`, also write what is missing or different.

    Raises:
        Invalid: the cursor is none of ours.
        NotUnderstood: a later release planned something in it.
        psycopg.OperationalError: the ledger is unreachable; nothing is lost, and the same chunk can be asked for again.
    """
    after = _read(cursor) if cursor else START
    with services.db.patient(PATIENCE_SECONDS):
        if isinstance(after, UUID):
            return _by_event(services, after, check=check)
        return _by_person(services, after, check=check)


def _read(cursor: str) -> UUID | bytes:
    """Return after which event, or after which person's key, a chunk begins."""
    kind, _, after = cursor.partition(":")
    try:
        if kind == _EVENTS:
            return UUID(after)
        if kind == _PEOPLE:
            return bytes.fromhex(after)
    except ValueError:
        pass
    raise Invalid("the cursor is not valid; start again without it")


def _by_event(services: Services, after: UUID, *, check: bool) -> Rebuilt:
    db = services.db
    span = spans_sql.span(db, after, limit=EVENTS_PER_CHUNK, bytes=BYTES_AT_ONCE)
    events = rebuild_sql.planned(db, span)
    people = dict(_people(events, services))
    found = rebuild_sql.missing(db, span, people)
    if not check:
        rebuild_sql.fill(db, span, people)
    following = f"{_PEOPLE}:" if span.last == END else f"{_EVENTS}:{span.last}"
    return Rebuilt(found, len(events), 0, "", following)


def _by_person(services: Services, after: bytes, *, check: bool) -> Rebuilt:
    db = services.db
    known, more = rebuild_sql.known(db, after, people=PEOPLE_PER_CHUNK, events=MAX_EVENTS_OF_PEOPLE)
    compared = [one for one in known if len(one.events) <= MAX_EVENTS_OF_PEOPLE]
    leads = _leads(compared, services)
    items = [
        Difference("too_many_events", "person", one.person) for one in known if len(one.events) > MAX_EVENTS_OF_PEOPLE
    ]
    for one in compared:
        lead = leads.get(one.key)
        if lead != one.lead:
            items.append(Difference("lead", "person", one.person))
            if lead and one.lead and not check:
                rebuild_sql.replace(db, one.key, one.lead, lead)
    for one in known:
        if one.folded != one.consents:
            items.append(Difference("consents", "person", one.person))
            if not check:
                rebuild_sql.agree(db, one.key, one.folded)
    for unnoted in mailed_sql.unnoted(db, [one.key for one in known]):
        items.append(Difference("mailed", "person", unnoted.person))
        if not check:
            mailed_sql.note(db, unnoted)
    following = f"{_PEOPLE}:{known[-1].key.hex()}" if more and known else None
    return Rebuilt(items, 0, len(known), _checksum(known, leads), following)


def _leads(known: Sequence[Known], services: Services) -> dict[bytes, Lead]:
    """Return the leads that the log gives of these people.

    Where a body was erased, what it said is taken from the row: the log can only show that nothing else is missing.
    """
    db, folding = services.db, Folding()
    wanted = {one.key for one in known}
    ids = {id for one in known for id in one.events}
    sizes = rebuild_sql.sizes(db, sorted(ids))
    for some in _slices(sizes):
        folding.add(db, _lead_facts(wanted, rebuild_sql.planned_among(db, some), services))
    folding.add(db, [(one.key, one.lead) for one in known if one.lead and not sizes.keys() >= set(one.events)])
    return folding.leads


def _slices(sizes: dict[UUID, int]) -> Iterator[list[UUID]]:
    """Give the ids of events in slices whose bodies fit into the memory."""
    some: list[UUID] = []
    for id, size in sizes.items():
        if some and (len(some) == EVENTS_PER_CHUNK or sum(sizes[one] for one in some) + size > BYTES_AT_ONCE):
            yield some
            some = []
        some.append(id)
    if some:
        yield some


def _lead_facts(wanted: set[bytes], events: Iterable[Planned], services: Services) -> Iterator[tuple[bytes, Lead]]:
    for _, person in _people(events, services):
        if person.address is not None and person.contact in wanted:
            address, attributes, refused = map(json.dumps, (person.address, person.attributes, person.refused))
            yield person.contact, Lead(address, attributes, refused, person.received_at, person.received_at)


def _people(events: Iterable[Planned], services: Services) -> Iterator[tuple[UUID, Person]]:
    """Plan events again, and give whom each names. One whose planning never ended is not planned again."""
    for one in events:
        if one.given_up or one.event.body is None:
            continue
        config = services.configuration(one.version).by(one.semantics)
        if person := person_of(one.event, plan(one.event, config), services):
            yield one.event.id, person


def _checksum(known: Sequence[Known], leads: dict[bytes, Lead]) -> str:
    digest = hashlib.sha256()
    for one in known:
        lead = leads.get(one.key)
        said = [lead.address, lead.attributes, lead.refused, str(lead.since), str(lead.changed)] if lead else []
        digest.update(json.dumps([one.key.hex(), one.folded, *said]).encode())
    return digest.hexdigest()
