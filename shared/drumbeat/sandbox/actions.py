"""What a request asks of a provider, as the provider understood it, and the deed that answers it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from drumbeat.sandbox.http_messages import Answer, Inbound

ACCEPTED, REPLAYED, REFUSED, NOTHING = "accepted", "replayed", "refused", "nothing"


@dataclass(slots=True)
class Ask:
    """One request, read but not yet acted on."""

    request: Inbound
    provider: str
    account: str  # the login's name in the record: a domain, or the label of a credential
    action: str
    lookup: bool = False
    credential: str | None = None  # None: this door asks for none
    also: tuple[str, ...] = ()  # further names by which an order to lie may mean this account
    key: str | None = None  # idempotency key
    effect: str | None = None  # the marker the caller wants to find again
    to: tuple[str, ...] = ()
    asked: Mapping[str, Any] = field(default_factory=dict)  # what goes into the record
    digest: str = ""  # of the body, to compare repeats under one key
    refusal: Answer | None = None  # the documented refusal that is due if nothing else comes first

    @property
    def scopes(self) -> tuple[str, ...]:
        """Every name of this account that an order may use; a token may be given in full."""
        return (self.account, *self.also)

    @property
    def words(self) -> tuple[str, ...]:
        """What `match` looks at: recipients, key and effect."""
        return (*self.to, self.key or "", self.effect or "")

    @property
    def marker(self) -> str:
        """The name under which repeats of this request belong together."""
        return self.effect or self.key or "|".join(self.to) or self.account


@dataclass(frozen=True, slots=True)
class Deed:
    """What really happened, and the true answer to it. `facts` join the record."""

    did: str
    answer: Answer
    facts: Mapping[str, Any] = field(default_factory=dict)


def label(credential: str) -> str:
    """Name a credential in the record without writing it down."""
    return "token-" + blake2b(credential.encode(), digest_size=4).hexdigest() if credential else ""


def digest(body: bytes) -> str:
    """Fingerprint a body."""
    return blake2b(body, digest_size=16).hexdigest()
