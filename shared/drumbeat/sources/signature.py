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

LONGEST_KEY = 255  # characters
MAX_DELIVERY_BYTES = 5 * 1024 * 1024  # Lambda takes 6 MB, some of them base64
TRUST = "trust_delivery_id"
MOST_SIGNATURES = 16  # of one delivery: a sender that rotates keys sends one for each
_DIGITS = re.compile("[0-9]{1,14}")


@dataclass
class Unverified(DrumbeatError):
    """A delivery is not proven to come from its source. The reason names the check, never a value."""

    reason: str

    def __str__(self) -> str:
        return self.reason


@dataclass(frozen=True, slots=True)
class Delivery:
    """One webhook request, exactly as it arrived."""

    method: str
    url: str  # as the sender knows it, query included
    headers: Mapping[str, str]  # names in lower case; one that came twice is one text, joined by a comma
    body: bytes

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

    secrets: Sequence[str]  # any may match: a rotation has two
    now: float  # unix seconds
    tolerance: float  # seconds of age or lead, inclusive
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a scheme, beside `webhook:`: text, or a flag. Checks, JSON schema and reference are made of this.

    `problem` returns what is wrong with a value as a sentence that names the option, or None.
    """

    meaning: str
    default: str = ""  # what holds where it is not written; "": nothing, or what `meaning` says
    required: bool = False
    choices: tuple[str, ...] = ()  # (): any text
    flag: bool = False  # true or false instead of text
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
    """One provider's way to sign. Pure."""

    name: str
    options: Mapping[str, Option] = {}
    form_encoded: bool = False  # bodies may be forms instead of JSON
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

    def former_key(self, delivery: Delivery, allowed: Allowed) -> str | None:  # noqa: ARG002 - the contract's
        """Return the key by which the release before knows this verified delivery; None: by none but `verify`'s.

        An event that it recorded under that key, with the same body, is the same event.
        """
        return None

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
        raise Unverified("the signed time is outside the tolerance")


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
        raise Unverified("no signature matches")


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
