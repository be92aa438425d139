"""Calendly: `t=...,v1=...`, HMAC over time and body.

https://developer.calendly.com/api-docs/ZG9jOjM2MzE2MDM4-webhook-signatures
"""

from drumbeat.sources.signature import Allowed, Delivery, Scheme, content_key, digest, elements, fresh, require


class Calendly(Scheme):
    """Deliveries carry no name of their own; a repeat has the same bytes."""

    name = "calendly"
    mistaken = (("eyJ", "an access token"),)
    signed_in = ("Calendly-Webhook-Signature",)
    max_bytes = 1024 * 1024

    def verify(self, delivery: Delivery, allowed: Allowed) -> str:
        """Name the delivery by its content."""
        signature = dict(elements(delivery.header("Calendly-Webhook-Signature"), ","))
        time = signature.get("t", "")
        fresh(time, allowed)
        signed = (time.encode(), b".", delivery.body)
        require((digest(secret, *signed).hex() for secret in allowed.secrets), [signature.get("v1", "")])
        return content_key(delivery.body)


SCHEME = Calendly()
