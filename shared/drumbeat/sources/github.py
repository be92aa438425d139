"""GitHub: `sha256=` and the HMAC of the body.

https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
"""

from drumbeat.sources import forms
from drumbeat.sources.signature import (
    TRUST_OPTION,
    Allowed,
    Delivery,
    Scheme,
    content_key,
    digest,
    key_of,
    require,
    trusted_key,
)

_ID = "x-github-delivery"


class GitHub(Scheme):
    """The older SHA-1 header is ignored. The delivery's GUID is in a header that is not signed."""

    name = "github"
    signed_in = ("X-Hub-Signature-256",)
    options = TRUST_OPTION
    mistaken = (
        ("ghp_", "an access token"),
        ("gho_", "an access token"),
        ("ghs_", "an access token"),
        ("github_pat_", "an access token"),
    )

    def verify(self, delivery: Delivery, allowed: Allowed) -> str:
        """Name the delivery by its content, which a redelivery keeps."""
        given = delivery.header("X-Hub-Signature-256")
        require((f"sha256={digest(secret, delivery.body).hex()}" for secret in allowed.secrets), [given])
        return trusted_key(delivery.headers.get(_ID), content_key(delivery.body), allowed)

    def former_key(self, delivery: Delivery, allowed: Allowed) -> str | None:  # noqa: ARG002 - the contract's
        """Name the delivery by its GUID."""
        name = delivery.headers.get(_ID)
        return key_of(name) if name else None

    def read(self, body: bytes) -> object:
        """Read JSON, or the form with JSON in its field `payload`: the content type that GitHub proposes."""
        return forms.read(body)


SCHEME = GitHub()
