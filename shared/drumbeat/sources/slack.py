"""Slack: `v0=` and the HMAC of `v0:time:body`.

https://docs.slack.dev/authentication/verifying-requests-from-slack
"""

from drumbeat.sources.signature import Allowed, Delivery, Scheme, body_key, digest, fresh, require


class Slack(Scheme):
    """Events are JSON, slash commands are forms."""

    name = "slack"
    signed_in = ("X-Slack-Signature",)
    max_bytes = 1024 * 1024
    form_encoded = True

    def verify(self, delivery: Delivery, allowed: Allowed) -> str:
        """Name the delivery by its event's id, which a retry keeps; a command by its content."""
        time = delivery.header("X-Slack-Request-Timestamp")
        fresh(time, allowed)
        signed = (b"v0:", time.encode(), b":", delivery.body)
        given = delivery.header("X-Slack-Signature")
        require((f"v0={digest(secret, *signed).hex()}" for secret in allowed.secrets), [given])
        return body_key(delivery.body, "event_id")


SCHEME = Slack()
