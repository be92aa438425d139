"""GitHub: `sha256=` and the HMAC of the body.

https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
"""

from drumbeat.sources.signature import Allowed, Delivery, Scheme, content_key, digest, key_of, require


class GitHub(Scheme):
    """The older SHA-1 header is ignored."""

    name = "github"

    def verify(self, delivery: Delivery, allowed: Allowed) -> str:
        """Name the delivery by its GUID, which a redelivery keeps."""
        given = delivery.header("X-Hub-Signature-256")
        require((f"sha256={digest(secret, delivery.body).hex()}" for secret in allowed.secrets), [given])
        name = delivery.headers.get("x-github-delivery")
        return key_of(name) if name else content_key(delivery.body)


SCHEME = GitHub()
