"""Paddle Billing: `ts=...;h1=...`, HMAC over time and body.

https://developer.paddle.com/webhooks/signature-verification
"""

from drumbeat.sources.signature import Allowed, Delivery, Reply, Scheme, body_key, digest, elements, fresh, require


class Paddle(Scheme):
    """A rotation sends several `h1`; retries keep the event's id.

    What is not answered 200 is sent again for three days: https://developer.paddle.com/webhooks/respond-to-webhooks
    """

    name = "paddle"
    reply = Reply()
    mistaken = (("pdl_live_apikey_", "an API key"), ("pdl_sdbx_apikey_", "an API key"))
    signed_in = ("Paddle-Signature",)
    max_bytes = 1024 * 1024

    def verify(self, delivery: Delivery, allowed: Allowed) -> str:
        """Name the delivery by its event's id, else by its content."""
        signature = elements(delivery.header("Paddle-Signature"), ";")
        time = next((value for name, value in signature if name == "ts"), "")
        fresh(time, allowed)
        signed = (time.encode(), b":", delivery.body)
        given = [value for name, value in signature if name == "h1"]
        require((digest(secret, *signed).hex() for secret in allowed.secrets), given)
        return body_key(delivery.body, "event_id")


SCHEME = Paddle()
