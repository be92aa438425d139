"""Shopify: base64 HMAC of the body. https://shopify.dev/docs/apps/build/webhooks/subscribe/https"""

from drumbeat.sources.signature import Allowed, Delivery, Scheme, base64_text, content_key, digest, key_of, require


class Shopify(Scheme):
    """Retries keep the delivery's webhook id."""

    name = "shopify"

    def verify(self, delivery: Delivery, allowed: Allowed) -> str:
        """Name the delivery by its webhook id, else by its content."""
        given = delivery.header("X-Shopify-Hmac-Sha256")
        require((base64_text(digest(secret, delivery.body)) for secret in allowed.secrets), [given])
        name = delivery.headers.get("x-shopify-webhook-id")
        return key_of(name) if name else content_key(delivery.body)


SCHEME = Shopify()
