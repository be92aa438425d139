"""Addresses that must not be mailed: a person adds or lifts one, and each change is kept."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from drumbeat.core.address import contact_key, former_address, keys_of, normalise
from drumbeat.core.compatibility import SEMANTICS
from drumbeat.core.errors import Invalid, InvalidAddress
from drumbeat.people import sql as people_sql
from drumbeat.people.sql import SuppressionItem
from drumbeat.services import Services


@dataclass(frozen=True, slots=True)
class Suppressed:
    """The state of an address, as it was read. `changed` is False when it was so already; the address is never kept.

    `also` is the address that the first reading made of it, where that is another: the same was done to it.
    """

    contact: str  # hex
    address: str
    also: str | None
    suppressed: bool
    changed: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """One suppression that an address leads to. Only an `effective` one stops mail to it."""

    contact: str  # hex
    reading: str  # today | first | as typed
    effective: bool
    reason: str
    actor: str
    since: datetime
    marketing_only: bool  # it stops mail to lists alone


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether an address may be mailed, and every suppression that it leads to.

    Who complained is not `suppressed`: their entry is `marketing_only`.
    """

    address: str  # as it was read
    contact: str  # hex
    suppressed: bool
    entries: tuple[Entry, ...]


def suppress(address: str, *, reason: str, actor: str, services: Services) -> Suppressed:
    """Stop mailing an address. Mail whose attempt is committed already may still arrive once; the journal shows it.

    Raises:
        Invalid: it is not exactly one address, or the reason is blank. Nothing was changed.
    """
    return _change(address, reason=reason, actor=actor, lifted=False, services=services)


def lift(address: str, *, reason: str, actor: str, services: Services) -> Suppressed:
    """Let an address be mailed again. What was cancelled meanwhile stays cancelled.

    Raises as `suppress` does, and Invalid for an address that was erased: that stays for ever.
    """
    return _change(address, reason=reason, actor=actor, lifted=True, services=services)


def check(address: str, services: Services) -> Standing:
    """Return whether an address is suppressed, since when, why, and under which reading of it.

    A release that took any text for an address kept the key of that text: such a suppression is found by the same text
    again, and shown as not effective, since no mail goes to such an address.

    Raises:
        Invalid: it is not exactly one address.
    """
    read = _read(address)
    keys = keys_of(services.contact_secret, read)
    readings = dict(zip(keys.known, ("today", "first"), strict=False))
    readings.setdefault(contact_key(services.contact_secret, address), "as typed")
    entries = tuple(_entries(readings, people_sql.find(services.db, readings)))
    suppressed = any(entry.effective and not entry.marketing_only for entry in entries)
    return Standing(read, keys.today.hex(), suppressed, entries)


def _entries(readings: dict[bytes, str], found: dict[bytes, SuppressionItem]) -> Iterator[Entry]:
    for key, reading in readings.items():
        if item := found.get(key):
            # By a former key another person may be known, whose complaints are not this one's.
            effective = reading == "today" or (reading == "first" and not item.marketing_only)
            yield Entry(key.hex(), reading, effective, item.reason, item.actor, item.since, item.marketing_only)


def _change(address: str, *, reason: str, actor: str, lifted: bool, services: Services) -> Suppressed:
    if not reason.strip():
        raise Invalid("a suppression needs a reason, for the people who read it later; nothing was changed")
    read = _read(address)
    keys = keys_of(services.contact_secret, read)
    changed = people_sql.change(services.db, keys, reason=reason, actor=actor, lifted=lifted)
    if lifted and not changed and people_sql.find(services.db, [keys.today]):
        raise Invalid(
            "this address was erased, and that suppression stays for ever: it is what keeps a copy that comes later "
            "from being mailed. Nothing was changed; a person who comes back can sign up by another address"
        )
    return Suppressed(keys.today.hex(), read, former_address(read), suppressed=not lifted, changed=changed)


def _read(address: str) -> str:
    try:
        return normalise(address, SEMANTICS)
    except InvalidAddress as error:
        raise Invalid(f"that is not an e-mail address: {error}; nothing was changed") from None
