"""What an event says about a person: the lead that it adds to, and what the person agreed to or withdrew. Pure."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from drumbeat.core.address import normalise
from drumbeat.core.configuration import NAME, Config
from drumbeat.core.consent import EVERY_LIST, PERSONS_DOORS, ConsentKind, statements
from drumbeat.core.errors import InvalidAddress
from drumbeat.core.events import Event, EventType
from drumbeat.core.lead_limits import MAX_NAME_CHARACTERS, MAX_VALUE_BYTES
from drumbeat.planning.payload import Body, Payload

UNSET = "$unset"


@dataclass(frozen=True, slots=True)
class LeadFacts:
    """What an event adds to a lead."""

    attributes: Mapping[str, object]
    removed: tuple[str, ...]
    refused: tuple[str, ...]  # names of values that are too large, or that the ledger cannot hold


@dataclass(frozen=True, slots=True)
class ConsentFact:
    """One statement about a person's consent to one list."""

    list: str
    kind: ConsentKind
    by_person: bool


@dataclass(frozen=True, slots=True)
class PeopleFacts:
    """What an event says about the person whose address it names; `lead` is None where it changes no lead."""

    address: str | None = None  # normalised
    lead: LeadFacts | None = None
    consents: tuple[ConsentFact, ...] = ()


NO_PEOPLE = PeopleFacts()


def named(address: str | None, semantics: int) -> PeopleFacts:
    """Return what is said by naming a person alone; of a text that is no address nothing is said."""
    try:
        return PeopleFacts(normalise(address or "", semantics))
    except InvalidAddress:
        return NO_PEOPLE


def people_facts(event: Event, body: Body, config: Config) -> PeopleFacts:
    """Return what an event says by one version of the configuration: the same on every machine, whatever came before.

    A replay says nothing of leads or consent, and a delivery without an address says nothing at all.
    """
    address = named(str(body.payload.get("email") or ""), config.semantics).address
    if address is None:
        return NO_PEOPLE
    if event.door == "replay":
        return PeopleFacts(address)
    source = config.sources.get(event.source)
    fields = source.lead if source else None
    takes_lead = event.type == EventType.LEAD_CAPTURE and fields != ()
    return PeopleFacts(
        address,
        _lead(body.payload, fields) if takes_lead else None,
        tuple(dict.fromkeys(_consents(event, body, config))),
    )


def _lead(payload: Payload, fields: Sequence[str] | None) -> LeadFacts:
    attributes: dict[str, object] = {}
    removed: list[str] = []
    refused: list[str] = []
    for name, value in payload.items():
        if name == "email" or (fields is not None and name not in fields) or _says_nothing(value):
            continue
        if not _is_name(name):
            continue
        if isinstance(value, dict) and value.keys() == {UNSET} and value[UNSET] is True:
            removed.append(name)
        elif _is_kept(value):
            attributes[name] = value
        else:
            refused.append(name)
    return LeadFacts(attributes, tuple(removed), tuple(refused))


def _says_nothing(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _is_name(name: str) -> bool:
    return 0 < len(name) <= MAX_NAME_CHARACTERS and name.isprintable()


def _is_kept(value: object) -> bool:
    """Return whether Postgres can hold it as JSON: no infinity, no NUL, no half of a character; and it is not large."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        # A NUL is written as an escape; a backslash of the text itself is written twice.
        return len(text.encode()) <= MAX_VALUE_BYTES and "\\u0000" not in text.replace("\\\\", "")
    except (ValueError, RecursionError):
        return False


def _consents(event: Event, body: Body, config: Config) -> Iterator[ConsentFact]:
    """Yield what the event says of lists, also of one that was renamed or removed since: its person was told it holds.

    Whether such a list had to be confirmed is not known any more, so that a program's word waits.
    """
    by_person = event.door in PERSONS_DOORS
    for said in statements(body.around, event.door):
        if said.list is None or said.kind not in list(ConsentKind):
            continue
        name, kind = said.list, ConsentKind(said.kind)
        if not (re.fullmatch(NAME, name) or (kind is ConsentKind.WITHDRAWN and name == EVERY_LIST)):
            continue
        known = config.lists.get(name)
        if kind is ConsentKind.GIVEN and event.door == "api" and (known is None or known.confirm):
            kind = ConsentKind.PENDING
        yield ConsentFact(name, kind, by_person)
