"""The keys under which a person is known: today's, and that of the first reading of addresses where it is another."""

from drumbeat.core.address import contact_key, former_key, normalise
from drumbeat.core.compatibility import SEMANTICS
from drumbeat.services import Services


def keys_of(address: str, services: Services) -> tuple[bytes, ...]:
    """Return the keys that an address leads to, today's first. Raises InvalidAddress."""
    read = normalise(address, SEMANTICS)
    secret = services.contact_secret
    former = former_key(secret, read)
    return (contact_key(secret, read), former) if former else (contact_key(secret, read),)
