"""Addresses that must not be mailed: a person adds or lifts one, and each change is kept."""

from dataclasses import dataclass

from drumbeat.core.address import contact_key
from drumbeat.core.errors import Invalid
from drumbeat.people import sql as people_sql
from drumbeat.services import Services


@dataclass(frozen=True, slots=True)
class Suppressed:
    """The state of an address. `changed` is False when it was so already; the address itself is never kept."""

    contact: str  # hex
    suppressed: bool
    changed: bool


def suppress(address: str, *, reason: str, actor: str, services: Services) -> Suppressed:
    """Stop mailing an address. Mail whose attempt is committed already may still arrive once; the journal shows it."""
    return _change(address, reason=reason, actor=actor, lifted=False, services=services)


def lift(address: str, *, reason: str, actor: str, services: Services) -> Suppressed:
    """Let an address be mailed again. What was cancelled meanwhile stays cancelled."""
    return _change(address, reason=reason, actor=actor, lifted=True, services=services)


def _change(address: str, *, reason: str, actor: str, lifted: bool, services: Services) -> Suppressed:
    if not reason.strip():
        raise Invalid("a suppression needs a reason, for the people who read it later; nothing was changed")
    if "@" not in address.strip().strip("@"):
        raise Invalid("that is not an e-mail address; nothing was changed")
    key = contact_key(services.contact_secret, address)
    changed = people_sql.change(services.db, key, reason=reason, actor=actor, lifted=lifted)
    return Suppressed(key.hex(), suppressed=not lifted, changed=changed)
