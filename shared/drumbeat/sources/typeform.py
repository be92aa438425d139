"""Typeform: `sha256=` and the base64 HMAC of the body.

https://www.typeform.com/developers/webhooks/secure-your-webhooks/
"""

from drumbeat.sources.signature import Allowed, Delivery, Scheme, base64_text, body_key, digest, require


class Typeform(Scheme):
    """Retries keep the event's id."""

    name = "typeform"
    mistaken = (("tfp_", "an access token"),)
    signed_in = ("Typeform-Signature",)

    def verify(self, delivery: Delivery, allowed: Allowed) -> str:
        """Name the delivery by its event's id, else by its content."""
        given = delivery.header("Typeform-Signature")
        require((f"sha256={base64_text(digest(secret, delivery.body))}" for secret in allowed.secrets), [given])
        return body_key(delivery.body, "event_id")


SCHEME = Typeform()
