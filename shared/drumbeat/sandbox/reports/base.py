"""What every vendor's reports are made of: where they go, what happened, what was sent, and the contract."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, Protocol

from drumbeat.core.feedback import Kind

PERSON = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
PROGRAM = "Mozilla/5.0"  # bare, as Apple's Mail Privacy Protection sends it
PERSONS_ADDRESS, PROGRAMS_ADDRESS = "203.0.113.7", "17.58.101.5"  # RFC 5737; of Apple's 17.0.0.0/8


@dataclass(frozen=True, slots=True)
class Destination:
    """Where the webhooks of one account go, as a vendor's dashboard knows it; `number` is its entry in the record."""

    number: int
    provider: str
    account: str | None  # a domain, or the account's name in the record; None: every account of the provider
    url: str
    secret: str = ""
    topic: str = ""  # SNS only: the topic's ARN
    header: str = ""  # Postmark only: a header that holds the secret, instead of Basic credentials
    ahead: float = 0.0  # seconds that the receiver's clock is ahead of the machine's
    confirmed: bool = True  # SNS sends notifications only to who visited SubscribeURL


@dataclass(frozen=True, slots=True)
class Sent:
    """One mail, or one call to a receiver, as the provider keeps it."""

    provider: str
    account: str
    id: str  # the provider's own
    key: str  # what the caller marked it with, or ""
    at: float
    sender: str
    to: tuple[str, ...]
    subject: str
    headers: tuple[tuple[str, str], ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)  # named values that come back: variables, tags, metadata
    labels: tuple[str, ...] = ()  # tags without a value
    size: int = 0  # characters of its bodies
    stream: str = "outbound"  # Postmark only
    configuration_set: str = ""  # SES only


@dataclass(frozen=True, slots=True)
class Occurrence:
    """What became of a mail, for one of its recipients."""

    kind: Kind
    at: float  # sandbox's clock
    recipient: str
    name: str  # unique among all occurrences
    word: str = ""  # the vendor's own, where the kind is `other`
    said: str = ""  # why; "": as the vendor says it
    link: str = ""  # that was clicked
    machine: bool = False  # a program opened or clicked


@dataclass(frozen=True, slots=True)
class Signing:
    """When a webhook is sent; unix seconds on the receiver's clock. `copy` counts what is told again, from 0."""

    first_at: float
    at: float
    copy: int
    base_url: str  # of the sandbox


type Written = tuple[Mapping[str, str], bytes]  # headers and body


class Reporter(Protocol):
    """One vendor's way of reporting. Pure: the same arguments give the same bytes."""

    automatic: tuple[Kind, ...]  # of a mail that arrives
    says: frozenset[Kind]
    ends: frozenset[int]  # statuses after which the vendor does not try again, beside 2xx

    def problem(self, destination: Destination) -> str | None:
        """Say what is wrong with a destination, or return None."""
        ...

    def write(self, occurrence: Occurrence, sent: Sent, destination: Destination, signing: Signing) -> Written:
        """Return the webhook that reports this, signed."""
        ...


def iso(at: float, *, digits: int = 3) -> str:
    """Return a time as `2026-03-05T07:09:11.123Z`."""
    text = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    return f"{text[: 20 + digits]}Z"


def made(length: int, *parts: object) -> str:
    """Return hexadecimal digits that follow from the parts: ids and tokens that are the same after a restart."""
    digits = ""
    for turn in range(-(-length // 64)):
        digits += blake2b("|".join(map(str, (turn, *parts))).encode("utf-8", "replace"), digest_size=32).hexdigest()
    return digits[:length]


def made_uuid(*parts: object) -> str:
    """Return a UUID that follows from the parts."""
    text = made(32, *parts)
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-8{text[17:20]}-{text[20:]}"


def domain(address: str) -> str:
    """Return what stands behind the `@` of `a@b.c` or `Name <a@b.c>`, in lower case."""
    return address.rpartition("@")[2].rstrip("> ").lower()


def visitor(occurrence: Occurrence) -> tuple[str, str]:
    """Return network address and user agent of who opened or clicked."""
    return (PROGRAMS_ADDRESS, PROGRAM) if occurrence.machine else (PERSONS_ADDRESS, PERSON)


def without_empty(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what is not known."""
    return {name: value for name, value in fields.items() if value not in ("", None)}
