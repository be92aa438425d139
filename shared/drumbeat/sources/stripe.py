"""Stripe: `t=...,v1=...`, HMAC over time and body. https://docs.stripe.com/webhooks/signature"""

from drumbeat.sources.signature import Allowed, Delivery, Scheme, body_key, digest, elements, fresh, require


class Stripe(Scheme):
    """One `t`, any number of `v1`; other versions are for tests and never accepted."""

    name = "stripe"
    mistaken = (("sk_", "an API key"), ("rk_", "an API key"), ("pk_", "an API key"))
    signed_in = ("Stripe-Signature",)
    max_bytes = 1024 * 1024

    def verify(self, delivery: Delivery, allowed: Allowed) -> str:
        """Name the delivery by its event's id, which a repeat keeps."""
        signature = elements(delivery.header("Stripe-Signature"), ",")
        time = next((value for name, value in signature if name == "t"), "")
        fresh(time, allowed)
        signed = (time.encode(), b".", delivery.body)
        given = [value for name, value in signature if name == "v1"]
        require((digest(secret, *signed).hex() for secret in allowed.secrets), given)
        return body_key(delivery.body, "id")


SCHEME = Stripe()
