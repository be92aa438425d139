"""Standard Webhooks: HMAC (`v1`) or Ed25519 (`v1a`) over id, time and body.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
Svix, out of which it grew, sends the same under other names: https://docs.svix.com/receiving/verifying-payloads/how-manual
"""

from collections.abc import Iterator, Sequence

from drumbeat.sources.secret_forms import cleaned, key_bytes
from drumbeat.sources.signature import (
    MOST_SIGNATURES,
    Allowed,
    Delivery,
    Reply,
    Scheme,
    Unverified,
    base64_text,
    digest,
    fresh,
    from_base64,
    key_of,
    require,
)

PUBLIC = "whpk_"
SHARED = "whsec_"
_PARTS = ("id", "timestamp", "signature")
_ED25519_BYTES = 32


class StandardWebhooks(Scheme):
    """The scheme under both names of its headers; `headers` are the ones that its senders use, and they go first."""

    def __init__(
        self,
        name: str = "standard_webhooks",
        headers: Sequence[str] = ("webhook", "svix"),
        *,
        reply: Reply | None = None,
        mistaken: Sequence[tuple[str, str]] = (),
    ) -> None:
        self.name = name
        self.reply = reply
        self.mistaken = mistaken
        self._headers = headers
        self.signed_in = tuple(f"{header}-signature" for header in headers)

    def verify(self, delivery: Delivery, allowed: Allowed) -> str:
        """Accept any signature of any known version that any secret explains."""
        name, time, signed_by = self._signature(delivery)
        fresh(time, allowed)
        signed = f"{name}.{time}.".encode() + delivery.body
        signatures = signed_by.split(" ", MOST_SIGNATURES)[:MOST_SIGNATURES]
        given = [part.partition(",")[::2] for part in signatures]
        public = [secret for secret in allowed.secrets if secret.startswith(PUBLIC)]
        if public and _any_verifies(public, [text for version, text in given if version == "v1a"], signed):
            return key_of(name)
        shared = [secret for secret in allowed.secrets if not secret.startswith(PUBLIC)]
        require(_digests(shared, signed), [text for version, text in given if version == "v1"])
        return key_of(name)

    def secret_problem(self, secret: str) -> str | None:
        """Ask for base64, with or without `whsec_` before it, or a public key."""
        problem, text = super().secret_problem(secret), cleaned(secret)
        if problem is None and text.startswith(PUBLIC) and len(key_bytes(text[len(PUBLIC) :])) != _ED25519_BYTES:
            return f"is no Ed25519 key: {PUBLIC} and {_ED25519_BYTES} bytes in base64"
        if problem is None and not text.startswith(PUBLIC) and not _shared_key(text):
            return f"is not base64; copy it whole, with {SHARED}"
        return problem

    def _signature(self, delivery: Delivery) -> list[str]:
        """Return id, time and signatures, all under one name, so that no header can be exchanged for another's."""
        prefixes = [it for it in self._headers if all(delivery.headers.get(f"{it}-{part}") for part in _PARTS)]
        prefix = prefixes[0] if prefixes else self._headers[0]
        return [delivery.header(f"{prefix}-{part}") for part in _PARTS]


def _shared_key(secret: str) -> bytes:
    """Return the key behind `v1,whsec_...`, `whsec_...` or bare base64; b"" when it is none."""
    return key_bytes(secret.removeprefix("v1,").removeprefix(SHARED))


def _digests(secrets: Sequence[str], signed: bytes) -> Iterator[str]:
    for key in filter(None, map(_shared_key, secrets)):
        yield base64_text(digest(key, signed))


def _any_verifies(public: Sequence[str], given: Sequence[str], signed: bytes) -> bool:
    # Only sources with a public key pay for this import.
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    for key in public:
        for signature in given:
            try:
                Ed25519PublicKey.from_public_bytes(key_bytes(key.removeprefix(PUBLIC))).verify(
                    from_base64(signature), signed
                )
            except (InvalidSignature, Unverified, ValueError):
                continue
            return True
    return False


SCHEME = StandardWebhooks()
