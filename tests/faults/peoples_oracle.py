"""Leads and consent, worked out anew from the events by the plainest means: the ledger must hold the same."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from drumbeat.core import ids
from drumbeat.core.address import contact_key
from drumbeat.core.configuration import Config, confirm_flow
from drumbeat.core.events import Event
from drumbeat.ledger.database import Database
from drumbeat.people.wishes import Taken
from drumbeat.planning.payload import Unmappable, read_body
from drumbeat.planning.people import NO_PEOPLE, PeopleFacts, people_facts
from tests.faults.consent import Fact
from tests.faults.reports import PERSON
from tests.faults.sample_people import Saying
from tests.faults.simulation import Simulation

MOST_ATTRIBUTES = 64
KEY = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-\d+")  # a provider key, as reports hold it

PLANNED = """
    SELECT e.id, e.source, e.key, e.type, e.door, e.scheduled_at, e.received_at, e.delivery, p.body, plans.version,
           plans.semantics, configs.compiled
      FROM plans
      JOIN events e ON e.id = plans.event_id
      JOIN payloads p ON p.event_id = e.id
      JOIN configs ON configs.version = plans.version
"""
ASKED_LATER = "SELECT event_id, flow FROM replans"
MAILS = "SELECT id, event_id, contact, account, list, confirms, of_run FROM effects WHERE contact IS NOT NULL"
CONSENTS = "SELECT contact, list, event_id AS event, kind, by_person, at FROM consents"
CONTACTS = "SELECT key, consents FROM contacts WHERE consents <> '{}'"
LEADS = "SELECT contact, address, attributes, refused, since, changed FROM leads"
INDEX = """
    SELECT contact, event_id, known.received_at = events.received_at AS in_its_place
      FROM event_contacts known JOIN events ON events.id = event_id
     WHERE events.key <> erased_key(events.id)
"""
ERASED = "SELECT id FROM events WHERE key = erased_key(id)"
FIRST_TOLD = "SELECT event_id FROM feedback WHERE kind = 'unsubscribed'"  # the deliveries that were first to say so


def check_people(simulation: Simulation) -> list[str]:
    """Return what is wrong about people, once every event is planned."""
    owner = simulation.environment.owner
    secret = simulation.process("auditor").contact_secret
    events = list(_planned(owner))
    mails = {row["id"]: row for row in owner.run(MAILS)}
    told = {row["event_id"] for row in owner.run(FIRST_TOLD)}
    facts = {*_facts(events, mails, secret), *_left(events, mails, told)}
    violations = [
        *_consents(owner, facts),
        *_withdrawals(simulation, facts, mails),
        *_confirmations(simulation, events, facts, mails),
        *_asked(owner, events, mails),
    ]
    if simulation.keeps_leads:
        violations += [*_leads(owner, events, secret), *_index(owner, events, mails, secret)]
    return violations


def _planned(owner: Database) -> Iterator[tuple[Event, PeopleFacts, Config]]:
    for row in owner.run(PLANNED):
        config = Config.load(row.pop("version"), row.pop("compiled")).by(row.pop("semantics"))
        event = Event(**row)
        try:
            yield event, people_facts(event, read_body(event, config), config), config
        except Unmappable:
            yield event, NO_PEOPLE, config


# ---------------------------------------------------------------- consent


def _facts(
    events: Iterable[tuple[Event, PeopleFacts, Config]], mails: Mapping[UUID, Mapping[str, Any]], secret: bytes
) -> Iterator[Fact]:
    for event, people, _ in events:
        if event.door == "unsubscribe":
            yield from _withdrawn(event, mails)
        for said in people.consents:
            contact = contact_key(secret, str(people.address))
            yield Fact(contact, said.list, event.id, said.kind.value, said.by_person, event.received_at)


def _withdrawn(event: Event, mails: Mapping[UUID, Mapping[str, Any]]) -> Iterator[Fact]:
    """Yield what a person said by the link of a mail, which names neither them nor, as a rule, the list."""
    body = json.loads(event.body or b"{}")
    mail = mails[UUID(body["mail"])]
    for said in body["consent"]:
        yield Fact(mail["contact"], said["list"] or mail["list"], event.id, "withdrawn", True, event.received_at)


def _left(
    events: Iterable[tuple[Event, PeopleFacts, Config]], mails: Mapping[UUID, Mapping[str, Any]], told: set[UUID]
) -> Iterator[Fact]:
    """Yield what a person said by the provider's own link, as Mailgun reports it."""
    for event in (event for event, _, _ in events if event.id in told):
        body = (event.body or b"").decode()
        at = datetime.fromtimestamp(json.loads(body)["event-data"]["timestamp"], UTC)
        mail = mails[UUID(KEY.findall(body)[0])]
        if event.source == f"{mail['account']}-reports":
            yield Fact(mail["contact"], mail["list"] or "*", event.id, "withdrawn", True, at)


def _consents(owner: Database, facts: set[Fact]) -> Iterator[str]:
    kept = {Fact(**row) for row in owner.run(CONSENTS)}
    yield from (f"consent was said, and is not kept: {fact}" for fact in facts - kept)
    yield from (f"consent is kept, and was never said: {fact}" for fact in kept - facts)
    of_person: defaultdict[bytes, list[Fact]] = defaultdict(list)
    for fact in facts:
        of_person[fact.contact].append(fact)
    rows = {row["key"]: row["consents"] for row in owner.run(CONTACTS)}
    for contact in rows.keys() | of_person.keys():
        if rows.get(contact) != (wanted := _row_of(of_person[contact])):
            yield f"the row of {contact.hex()} says {rows.get(contact)}, and what was said comes to {wanted}"


def _row_of(facts: Iterable[Fact]) -> dict[str, dict[str, list[object]]]:
    slots: defaultdict[tuple[str, str], list[Fact]] = defaultdict(list)
    for fact in facts:
        decides = fact.kind == "withdrawn" or (fact.kind == "given" and fact.by_person)
        for slot in "d" if decides else "m" if fact.kind == "given" else "po":
            slots[fact.list, slot].append(fact)
    row: dict[str, dict[str, list[object]]] = {}
    for (name, slot), said in slots.items():
        first = min(fact.at for fact in said)
        counts = max(
            (fact for fact in said if slot not in "mo" or fact.at == first),
            key=lambda fact: (fact.at, fact.kind == "withdrawn", str(fact.event)),
        )
        row.setdefault(name, {})[slot] = [_microseconds(counts.at), counts.kind, str(counts.event)]
    return row


def _withdrawals(simulation: Simulation, facts: set[Fact], mails: Mapping[UUID, Mapping[str, Any]]) -> Iterator[str]:
    """What a person was shown as done is kept."""
    said = {(fact.contact, fact.list) for fact in facts if fact.kind == "withdrawn"}
    for mail, name in simulation.withdrawals:
        if (mails[mail]["contact"], name or mails[mail]["list"]) not in said:
            yield f"a withdrawal by the link of {mail} was acknowledged, and is not kept"


def _confirmations(
    simulation: Simulation,
    events: Iterable[tuple[Event, PeopleFacts, Config]],
    facts: set[Fact],
    mails: Mapping[UUID, Mapping[str, Any]],
) -> Iterator[str]:
    """A press gives consent to the one list that its mail asks about; and what a person was shown as done is kept."""
    by_id = {event.id: event for event, _, _ in events}

    def pressed(mail: Mapping[str, Any]) -> tuple[UUID, bytes, str]:
        asking = by_id[mail["event_id"]]
        named = asking.id if asking.door == "form" else mail["id"]
        return ids.event_id(asking.source, f"confirm:{named}"), mail["contact"], mail["list"]

    kept = {(fact.event, fact.contact, fact.list) for fact in facts if by_id[fact.event].door == "confirm"}
    wanted = {pressed(mails[mail]) for mail, _ in simulation.presses}
    told = {(said.event, name) for said, _ in simulation.receipts if isinstance(said, Saying) for name in said.lists}
    for event, contact, name in kept - wanted:
        if (event, name) not in told:
            yield f"event {event} confirms {name} for {contact.hex()}, and no mail that asks that was pressed"
    for mail, taken in simulation.presses:
        if taken is Taken.RECORDED and pressed(mails[mail]) not in kept:
            yield f"a confirmation by the link of {mail} was acknowledged, and is not kept"


# ---------------------------------------------------------------- leads


def _leads(owner: Database, events: Iterable[tuple[Event, PeopleFacts, Config]], secret: bytes) -> Iterator[str]:
    wanted = _leads_of(events, secret)
    kept = {row.pop("contact"): row for row in owner.run(LEADS)}
    for contact in kept.keys() | wanted.keys():
        if kept.get(contact) != wanted.get(contact):
            yield f"the lead {contact.hex()} is {kept.get(contact)}, and its events come to {wanted.get(contact)}"


def _leads_of(events: Iterable[tuple[Event, PeopleFacts, Config]], secret: bytes) -> dict[bytes, dict[str, Any]]:
    leads: dict[bytes, dict[str, Any]] = {}
    oldest_first = sorted(events, key=lambda one: (one[0].received_at, str(one[0].id)))
    for event, people, _ in oldest_first:
        if people.lead is None:
            continue
        stamp = {"t": _microseconds(event.received_at), "e": str(event.id)}
        empty: dict[str, Any] = {"attributes": {}, "refused": {}, "since": event.received_at}
        lead = leads.setdefault(contact_key(secret, str(people.address)), empty)
        lead |= {"changed": event.received_at, "address": {"v": people.address} | stamp}
        lead["attributes"] |= {name: {"v": value} | stamp for name, value in people.lead.attributes.items()}
        lead["attributes"] |= {name: {"u": True} | stamp for name in people.lead.removed}
        lead["refused"] |= dict.fromkeys(people.lead.refused, stamp)
    for lead in leads.values():
        assert max(len(lead["attributes"]), len(lead["refused"])) <= MOST_ATTRIBUTES, "no sample has so many"
    return leads


# ---------------------------------------------------------------- events and mails


def _reported_on(event: Event, mails: Mapping[UUID, Mapping[str, Any]], secret: bytes) -> Iterator[bytes]:
    """Yield whom a report is about: who it says, and to whom the mail went, if its account sent it."""
    if event.type != "FEEDBACK" or not event.body:
        return
    yield contact_key(secret, PERSON)
    for key in KEY.findall(event.body.decode()):
        mail = mails.get(UUID(key))
        if mail is not None and event.source == f"{mail['account']}-reports":
            yield mail["contact"]


def _index(
    owner: Database,
    events: Iterable[tuple[Event, PeopleFacts, Config]],
    mails: Mapping[UUID, Mapping[str, Any]],
    secret: bytes,
) -> Iterator[str]:
    """Each event is found by the person that it names, and by those to whom something goes because of it."""
    wanted = {(contact_key(secret, people.address), event.id) for event, people, _ in events if people.address}
    erased = {row["id"] for row in owner.run(ERASED)}
    wanted |= {
        (mail["contact"], mail["event_id"])
        for mail in mails.values()
        if not mail["of_run"] and mail["event_id"] not in erased  # a run's people are its recipients
    }
    wanted |= {(contact, event.id) for event, _, _ in events for contact in _reported_on(event, mails, secret)}
    left = [event for event, _, _ in events if event.door == "unsubscribe"]
    wanted |= {(said.contact, event.id) for event in left for said in _withdrawn(event, mails)}
    rows = owner.run(INDEX)
    kept = {(row["contact"], row["event_id"]) for row in rows}
    yield from (f"event {event} is not found by its person" for _, event in wanted - kept)
    yield from (f"event {event} is found by a person whom it does not name" for _, event in kept - wanted)
    yield from (f"event {row['event_id']} is found in another place" for row in rows if not row["in_its_place"])


def _asked(
    owner: Database, events: Iterable[tuple[Event, PeopleFacts, Config]], mails: Mapping[UUID, Mapping[str, Any]]
) -> Iterator[str]:
    """A person is asked about each list that waits for them, once for each time they signed up, as soon as it asks."""
    later = {(row["event_id"], row["flow"]) for row in owner.run(ASKED_LATER)}
    for event, people, config in events:
        pending = {said.list for said in people.consents if said.kind == "pending"}
        flows = {name: confirm_flow(name) for name in pending}
        wanted = sorted(name for name, flow in flows.items() if config.flow(flow) or (event.id, flow) in later)
        asked = sorted(mail["list"] for mail in mails.values() if mail["confirms"] and mail["event_id"] == event.id)
        if asked != wanted:
            yield f"event {event.id} asks to confirm {asked}, and {wanted} wait for that"


def _microseconds(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
