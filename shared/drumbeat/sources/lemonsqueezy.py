"""Lemon Squeezy: the bare hex HMAC of the body. https://docs.lemonsqueezy.com/help/webhooks/signing-requests"""

from drumbeat.sources.signature import Allowed, Delivery, Reply, Scheme, content_key, digest, require


class LemonSqueezy(Scheme):
    """Deliveries carry no name of their own; a repeat has the same bytes.

    What is not answered 200 is sent again up to three times: https://docs.lemonsqueezy.com/help/webhooks/webhook-requests
    """

    name = "lemonsqueezy"
    reply = Reply()
    mistaken = (("eyJ", "an API key"),)
    signed_in = ("X-Signature",)
    max_bytes = 1024 * 1024

    def verify(self, delivery: Delivery, allowed: Allowed) -> str:
        """Name the delivery by its content."""
        given = delivery.header("X-Signature")
        require((digest(secret, delivery.body).hex() for secret in allowed.secrets), [given])
        return content_key(delivery.body)


SCHEME = LemonSqueezy()
