"""Standard Webhooks: HMAC (`v1`) or Ed25519 (`v1a`) over id, time and body.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from collections.abc import Iterator, Sequence

from drumbeat.sources.signature import (
    MOST_SIGNATURES,
    Allowed,
    Delivery,
    Scheme,
    Unverified,
    base64_text,
    digest,
    fresh,
    from_base64,
    key_of,
    require,
)


class StandardWebhooks(Scheme):
    """The scheme, and the one that it grew out of, which differs in the names of its headers."""

    def __init__(self, name: str = "standard_webhooks", headers: str = "webhook") -> None:
        self.name = name
        self._id, self._time, self._signature = (f"{headers}-{part}" for part in ("id", "timestamp", "signature"))
        self.signed_in = (self._signature,)

    def verify(self, delivery: Delivery, allowed: Allowed) -> str:
        """Accept any signature of any known version that any secret explains."""
        name, time = delivery.header(self._id), delivery.header(self._time)
        fresh(time, allowed)
        signed = f"{name}.{time}.".encode() + delivery.body
        signatures = delivery.header(self._signature).split(" ", MOST_SIGNATURES)[:MOST_SIGNATURES]
        given = [part.partition(",")[::2] for part in signatures]
        public = [secret for secret in allowed.secrets if secret.startswith("whpk_")]
        if public and _any_verifies(public, [text for version, text in given if version == "v1a"], signed):
            return key_of(name)
        shared = [secret for secret in allowed.secrets if not secret.startswith("whpk_")]
        require(_digests(shared, signed), [text for version, text in given if version == "v1"])
        return key_of(name)


def _digests(secrets: Sequence[str], signed: bytes) -> Iterator[str]:
    for secret in secrets:
        yield base64_text(digest(from_base64(secret.removeprefix("whsec_")), signed))


def _any_verifies(public: Sequence[str], given: Sequence[str], signed: bytes) -> bool:
    # Only sources with a public key pay for this import.
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    for key in public:
        for signature in given:
            try:
                Ed25519PublicKey.from_public_bytes(from_base64(key.removeprefix("whpk_"))).verify(
                    from_base64(signature), signed
                )
            except (InvalidSignature, Unverified, ValueError):
                continue
            return True
    return False


SCHEME = StandardWebhooks()
