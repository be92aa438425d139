"""Meta (Facebook, Instagram, WhatsApp): `sha256=` and the HMAC of the body under the app's secret.

https://developers.facebook.com/docs/graph-api/webhooks/getting-started
"""

from drumbeat.sources.signature import Allowed, Delivery, Scheme, content_key, digest, require


class Meta(Scheme):
    """Deliveries carry no name of their own; a repeat has the same bytes."""

    name = "meta"
    signed_in = ("X-Hub-Signature-256",)

    def verify(self, delivery: Delivery, allowed: Allowed) -> str:
        """Name the delivery by its content."""
        given = delivery.header("X-Hub-Signature-256")
        require((f"sha256={digest(secret, delivery.body).hex()}" for secret in allowed.secrets), [given])
        return content_key(delivery.body)


SCHEME = Meta()
