"""DKIM (RFC 6376, RFC 8301): whether a domain publishes a key that a vendor can sign with."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass

from drumbeat.cli.checks import Check, check, note
from drumbeat.cli.mail.records import WHY, Answer, Ask, not_known

LEAST_BITS, GOOD_BITS = 1024, 2048  # RFC 8301


@dataclass(frozen=True, slots=True)
class Key:
    """What a key record says: a fault makes it useless, an advice does not."""

    kind: str = ""
    fault: str | None = None
    advice: str | None = None


@dataclass(frozen=True, slots=True)
class Selectors:
    """Under which names a vendor publishes its key, and whether it could be another; `where` says where to look."""

    names: Sequence[str]
    certain: bool
    where: str


def check_dkim(domain: str, vendor: str, selectors: Selectors, ask: Ask) -> Check:
    """Check that a usable key is published. Whether the vendor signs with it, only a mail that arrived shows."""
    name = f"DKIM of {domain}"
    if not selectors.names:
        which = f"see {selectors.where}, and give one of them: --selector NAME"
        return note(name, f"not known: {vendor} gives each domain selectors of its own", which)
    answers = {selector: ask(f"{selector}._domainkey.{domain}") for selector in selectors.names}
    seen = (lambda answer: bool(answer.texts or answer.alias)) if selectors.certain else _is_key
    found = {selector: read_key(answer) for selector, answer in answers.items() if seen(answer)}
    good = {selector: key for selector, key in found.items() if not key.fault}
    if good:
        keys = ", ".join(f"{key.kind} at {selector}._domainkey" for selector, key in good.items())
        detail = f"a key is published: {keys}"
        advice = next((f"{selector}: {key.advice}" for selector, key in good.items() if key.advice), None)
        return note(name, detail, advice) if advice else check(name, True, detail)
    if found:
        selector, key = next(iter(found.items()))
        fix = f"copy the record again from {selectors.where}. {WHY}"
        return check(name, False, f"the key at {selector}._domainkey.{domain} {key.fault}", fix)
    for selector, answer in answers.items():
        if answer.unknown:
            return not_known(name, f"{selector}._domainkey.{domain}", answer.unknown)
    tried = ", ".join(selectors.names)
    if selectors.certain:
        detail = f"there is no key at {tried}._domainkey.{domain}"
        return check(name, False, detail, f"add the record that {selectors.where} shows. {WHY}")
    return note(
        name,
        f"not known: no key at the selectors that {vendor} often gives ({tried}), and it may have given another",
        f"see {selectors.where}, or s= in the DKIM-Signature of a mail that arrived, and give it: --selector NAME",
    )


def read_key(answer: Answer) -> Key:
    """Read what is published at a selector."""
    if not answer.texts:
        return Key(fault=f"is a CNAME to {answer.alias}, and there is no TXT record")
    if len(answer.texts) > 1:
        return Key(fault=f"is there {len(answer.texts)} times: receivers may take any of them; delete the others")
    tags = {
        name.strip().lower(): "".join(value.split())
        for part in answer.texts[0].split(";")
        for name, equals, value in [part.partition("=")]
        if equals
    }
    if fault := _fault(tags):
        return Key(fault=fault)
    if tags.get("k", "rsa") == "ed25519":
        return Key("Ed25519", advice="some receivers do not read Ed25519 yet: a second key with RSA helps those")
    bits = _rsa_bits(tags["p"])
    if bits is None:
        return Key(fault="is damaged: p= is not a public key; it may have been cut off when it was pasted")
    if bits < LEAST_BITS:
        return Key(fault=f"has {bits} bits: receivers do not accept less than {LEAST_BITS}")
    if "y" in tags.get("t", "").split(":"):
        return Key(f"RSA, {bits} bits", advice="t=y says that it is only tested: take it out, or it may not count")
    if bits < GOOD_BITS:
        return Key(f"RSA, {bits} bits", advice=f"{GOOD_BITS} bits are better; {LEAST_BITS} are still accepted")
    return Key(f"RSA, {bits} bits")


def _is_key(answer: Answer) -> bool:
    """Return whether a record that was only guessed at is one of DKIM, and not what a wildcard answers to any name."""
    return any("p=" in text for text in answer.texts) or "_domainkey." in (answer.alias or "")


def _fault(tags: dict[str, str]) -> str | None:
    if tags.get("v", "DKIM1") != "DKIM1":
        return f"is of version {tags['v']}: it has to be v=DKIM1"
    if tags.get("k", "rsa") not in ("rsa", "ed25519"):
        return f"is of a kind that receivers do not know: k={tags['k']}"
    if "p" not in tags:
        return "has no p=, the key itself"
    if not tags["p"]:
        return "was revoked: its p= is empty"
    if "sha256" not in tags.get("h", "sha256").split(":"):
        return f"is for h={tags['h']} only, which is not accepted any more"
    return None


def _rsa_bits(text: str) -> int | None:
    """Return how long a public key is; None: it is none."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        key = load_der_public_key(base64.b64decode(text, validate=True))
    except (ValueError, binascii.Error, UnsupportedAlgorithm):
        return None
    return key.key_size if isinstance(key, RSAPublicKey) else None
