"""What a request wants a provider to do, as the provider understood it, and what the provider really did."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from drumbeat.sandbox.http_messages import HttpRequest, HttpResponse

REPORTED_ACTIONS = ("send", "send_batch", "call")  # of which a provider reports what became
ACCEPTED, REPLAYED, REFUSED, NOTHING = "accepted", "replayed", "refused", "nothing"


@dataclass(slots=True)
class RequestedAction:
    """One request, understood but not yet carried out."""

    request: HttpRequest
    provider: str
    account: str  # the login's name in the record: a domain, or the label of a credential
    action: str
    lookup: bool = False
    credential: str | None = None  # None: this vendor requires no credential
    aliases: tuple[str, ...] = ()  # further names by which a fault may be limited to this account
    key: str | None = None  # idempotency key
    effect: str | None = None  # the marker by which the caller wants to find it again
    to: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)  # written to the record as "asked"
    digest: str = ""  # of the body, to compare repeats under one key
    refusal: HttpResponse | None = None  # the documented refusal, unless something else is answered first

    @property
    def account_names(self) -> tuple[str, ...]:
        """Every name of this account that a fault may be limited to; a token may be given in full."""
        return (self.account, *self.aliases)

    @property
    def searchable_text(self) -> tuple[str, ...]:
        """What a fault's `match` is compared with: recipients, key and effect."""
        return (*self.to, self.key or "", self.effect or "")

    @property
    def marker(self) -> str:
        """The name under which repeats of this request belong together."""
        return self.effect or self.key or "|".join(self.to) or self.account


@dataclass(frozen=True, slots=True)
class PerformedAction:
    """What really happened, and the true response to it. `facts` are added to the record's entry."""

    result: str
    response: HttpResponse
    facts: Mapping[str, Any] = field(default_factory=dict)


def credential_label(credential: str) -> str:
    """Return a name for a credential by which the record can mention it without containing it."""
    return "token-" + blake2b(credential.encode(), digest_size=4).hexdigest() if credential else ""


def digest(body: bytes) -> str:
    """Return the fingerprint of a body."""
    return blake2b(body, digest_size=16).hexdigest()
