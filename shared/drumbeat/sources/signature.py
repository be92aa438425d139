"""What every signature scheme is made of: the delivery, the contract, and the few checks they share."""

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from drumbeat.core.errors import DrumbeatError
from drumbeat.sources.secret_forms import cleaned

LONGEST_KEY = 255  # characters
FACT = "fact "  # how the key of one fact of a delivery begins, and no delivery's own
MAX_DELIVERY_BYTES = 4 * 1024 * 1024  # Lambda takes 6 MB, and a form reaches it as base64
TRUST = "trust_delivery_id"
MOST_SIGNATURES = 16  # of one delivery: a sender that rotates keys sends one for each
TOLERANCE_SECONDS = 300.0  # what most vendors recommend; they sign each retry anew
_DIGITS = re.compile("[0-9]{1,14}")


@dataclass
class Unverified(DrumbeatError):
    """A delivery is not proven to come from its source. The reason names the check, never a value."""

    reason: str

    def __str__(self) -> str:
        return self.reason


class NoMatch(Unverified):
    """All is there, and no signature is that of the body under a secret."""


class Untimely(Unverified):
    """What was signed is too old, or of the future."""

    def __init__(self) -> None:
        super().__init__("the signed time is outside the tolerance")


@dataclass(frozen=True, slots=True)
class Delivery:
    """One webhook request, exactly as it arrived."""

    method: str
    url: str  # as the sender knows it, query included
    headers: Mapping[str, str]  # names in lower case; one that came twice is one text, joined by a comma
    body: bytes
    altered: bool = False  # bytes that are not UTF-8 were replaced before it arrived

    def header(self, name: str) -> str:
        """Return a header that the scheme cannot do without; raises Unverified."""
        value = self.headers.get(name.lower())
        if not value:
            raise Unverified(f"the header {name} is missing")
        if not value.isascii():
            raise Unverified(f"the header {name} is not ASCII")
        return value


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a receiver judges a delivery by."""

    secrets: Sequence[str]  # any may match: a rotation has two. Cleaned; an empty one is none, so it never signs
    now: float  # unix seconds
    tolerance: float  # seconds of age or lead, inclusive
    options: Mapping[str, Any]
    certificate: bytes | None = None  # as it was fetched from the scheme's `certificate_url`
    sandbox_url: str | None = None  # where vendors are imitated; None: they are not

    def __post_init__(self) -> None:
        object.__setattr__(self, "secrets", tuple(filter(None, map(cleaned, self.secrets))))


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer in the words of a sender. Without a body it is the JSON of every receipt, under this status."""

    status: int = 200
    media_type: str = "application/json"
    body: str | None = None
    notice: str = ""  # what the log says beside the source, of a question that its operator wants to know of


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a scheme, beside `webhook:`: text, a flag, or a secret's reference.

    Checks, JSON schema and reference are made of this.

    `problem` returns what is wrong with a value as a sentence that names the option, or None.
    """

    meaning: str
    default: str = ""  # what holds where it is not written; "": nothing, or what `meaning` says
    required: bool = False
    choices: tuple[str, ...] = ()  # (): any text
    flag: bool = False  # true or false instead of text
    secret: bool = False  # a reference to a secret, as in `secrets`
    problem: Callable[[str], str | None] | None = None


# Declared by schemes whose senders name a delivery outside of what they sign.
TRUST_OPTION: Mapping[str, Option] = {
    TRUST: Option(
        "`true` makes the sender's id of a delivery its key, although it is not signed: only for a sender that repeats"
        " identical bodies as distinct facts. The risk: a delivery that was captured once can be sent again under any"
        " number of ids, and each is an event of its own",
        default="false",
        flag=True,
    )
}


class Scheme(Protocol):
    """One provider's way to sign, and the answers that it needs. Pure."""

    name: str
    options: Mapping[str, Option] = {}
    tolerance: float = TOLERANCE_SECONDS  # of a source that says nothing else
    reply: Reply | None = None  # to whatever was kept: new, a repeat, a conflict, buffered; None: the receipt
    verify_token: str = ""  # the option that names the secret which a sender shows by GET before it sends anything
    mistaken: Sequence[tuple[str, str]] = ()  # how the vendor's credentials for other uses begin, and what they are
    has_secrets: bool = True  # False: what verifies is published by the sender
    signed_in: Sequence[str] = ()  # headers of which a delivery has at least one; none: the signature lies in the body
    max_bytes: int = MAX_DELIVERY_BYTES  # of a body; where less, far more than this sender sends

    def verify(self, delivery: Delivery, allowed: Allowed) -> str:
        """Return the delivery's idempotency key, 1 to 255 printable characters, made of signed bytes alone.

        The same delivery, sent again or signed again, has the same key, whatever else of the request has changed.
        Nothing of the body is parsed before its signature is good, except where the signature itself lies in the body.

        Raises:
            Unverified: the signature is missing, wrong, or outside the tolerance.
        """
        ...

    def certificate_url(self, delivery: Delivery, allowed: Allowed) -> str | None:  # noqa: ARG002 - the contract's
        """Return where the certificate that `verify` needs is published; None: it needs none.

        It is fetched, so it is one of the sender's own addresses, and all that is cheaper to check was checked.

        Raises:
            Unverified: the delivery is refused whatever that certificate is.
        """
        return None

    def former_key(self, delivery: Delivery, allowed: Allowed) -> str | None:  # noqa: ARG002 - the contract's
        """Return the key by which the release before knows this verified delivery; None: by none but `verify`'s.

        An event that it recorded under that key, with the same body, is the same event.
        """
        return None

    def visit(self, delivery: Delivery, allowed: Allowed) -> str | None:  # noqa: ARG002 - the contract's
        """Return the address that a verified delivery asks to be called by GET before its answer; None: none.

        Raises:
            Unverified: it asks for an address that is not its sender's for this.
        """
        return None

    def answer(self, delivery: Delivery) -> Reply | None:  # noqa: ARG002 - the contract's
        """Return the answer to a verified delivery that asks something and reports nothing; None: it is an event."""
        return None

    def confirm(self, delivery: Delivery, token: str | None) -> Reply:  # noqa: ARG002 - the contract's
        """Answer a sender that asks by GET whether this is its receiver; `token` is None where none is configured.

        Raises:
            Unverified: it shows another token, or asks something else.
        """
        raise Unverified("this sender asks nothing by GET")

    def read(self, body: bytes) -> object:
        """Return what a verified body says. Raises ValueError or RecursionError: it is not what this sender sends."""
        return json.loads(body)

    def facts(self, delivered: object) -> int:
        """Return how many facts a delivery reports: a list reports one for each element."""
        return len(delivered) if isinstance(delivered, list) else 1

    def fact_name(self, fact: object) -> str | None:  # noqa: ARG002 - the contract's
        """Return the sender's own name of one fact, the same in whatever delivery it comes; None: it gives none."""
        return None

    def secret_problem(self, secret: str) -> str | None:
        """Return why this cannot be the secret, as words that follow "it" and never quote it; None: it can be."""
        text = cleaned(secret)
        if not text:
            return "is empty"
        if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'`":
            return "stands in quotes, which belong to no secret"
        what = next((what for start, what in self.mistaken if text.startswith(start)), None)
        return f"is {what}, which signs no webhooks" if what else None

    def signature_headers(self, options: Mapping[str, Any]) -> Sequence[str]:  # noqa: ARG002 - the contract's
        """Return `signed_in` as a source's options have it. What has none of these is refused unread."""
        return self.signed_in

    def problems(self, options: Mapping[str, Any]) -> Sequence[tuple[str, str]]:  # noqa: ARG002 - the contract's
        """Return what is wrong with the options together: the name of one, and a sentence with what to write."""
        return ()


def fresh(timestamp: str, allowed: Allowed, *, per_second: int = 1) -> None:
    """Check a signed time, given in decimal digits; raises Unverified."""
    if not _DIGITS.fullmatch(timestamp):
        raise Unverified("the signed time is not a unix time")
    if abs(allowed.now - int(timestamp) / per_second) > allowed.tolerance:
        raise Untimely


def digest(secret: str | bytes, *parts: bytes, algorithm: str = "sha256") -> bytes:
    """Return the HMAC of the joined parts."""
    key = secret.encode() if isinstance(secret, str) else secret
    return hmac.digest(key, b"".join(parts), algorithm)


def require(wanted: Iterable[str], given: Sequence[str]) -> None:
    """Check that one of the given signatures is one of the wanted ones, in constant time; raises Unverified.

    Of many given ones the first MOST_SIGNATURES are looked at.
    """
    good = False
    for want in wanted:
        for got in given[:MOST_SIGNATURES]:
            good |= hmac.compare_digest(want.encode(), got.encode())
    if not good:
        raise NoMatch("no signature matches")


def base64_text(raw: bytes) -> str:
    """Return standard base64 as text."""
    return base64.b64encode(raw).decode()


def from_base64(text: str) -> bytes:
    """Read standard base64; raises Unverified."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Unverified("a signature or secret is not base64") from None


def elements(header: str, separator: str) -> list[tuple[str, str]]:
    """Split `t=1,v1=abc` into its pairs, the first of them."""
    parts = header.split(separator, 2 * MOST_SIGNATURES)[: 2 * MOST_SIGNATURES]
    return [(name.strip(), value) for name, _, value in (part.partition("=") for part in parts)]


def key_of(name: str) -> str:
    """Return a delivery's own name as a key; one that would not do as a key is hashed."""
    if 0 < len(name) <= LONGEST_KEY and name.isprintable():
        return name
    return content_key(name.encode("utf-8", "surrogatepass"))


def trusted_key(name: str | None, content: str, allowed: Allowed) -> str:
    """Return the key of a delivery whose own name is not signed: its content's, unless the source trusts the name.

    A name that cannot be a key, or that came twice (API Gateway joins the two by a comma), is never one.
    """
    usable = name is not None and 0 < len(name) <= LONGEST_KEY and name.isprintable() and "," not in name
    return name if name is not None and usable and allowed.options.get(TRUST) is True else content


def content_key(*parts: bytes) -> str:
    """Return a key for a delivery that carries no signed name of its own: its content's."""
    return f"sha256:{hashlib.sha256(b''.join(parts)).hexdigest()}"


def body_key(body: bytes, *path: str) -> str:
    """Return the name found at a path of a verified JSON body as a key; without one, the content's."""
    try:
        value: Any = json.loads(body)
        for name in path:
            value = value[name]
    except (ValueError, TypeError, KeyError, RecursionError):
        return content_key(body)
    return key_of(value) if isinstance(value, str) else content_key(body)
