"""Slack: `v0=` and the HMAC of `v0:time:body`.

https://docs.slack.dev/authentication/verifying-requests-from-slack
"""

import json

from drumbeat.sources import forms
from drumbeat.sources.signature import Allowed, Delivery, Reply, Scheme, body_key, digest, fresh, require


class Slack(Scheme):
    """Events are JSON, slash commands are forms, interactions are JSON in a form.

    A command or an interaction shows its user what it is answered, so everything is answered 200 with nothing:
    https://docs.slack.dev/interactivity/handling-user-interaction#acknowledgment_response
    """

    name = "slack"
    reply = Reply(media_type="text/plain", body="")
    mistaken = (("xoxb-", "a token"), ("xoxp-", "a token"), ("xoxe", "a token"), ("xapp-", "a token"))
    signed_in = ("X-Slack-Signature",)
    max_bytes = 1024 * 1024

    def verify(self, delivery: Delivery, allowed: Allowed) -> str:
        """Name the delivery by its event's id, which a retry keeps; a command by its content."""
        time = delivery.header("X-Slack-Request-Timestamp")
        fresh(time, allowed)
        signed = (b"v0:", time.encode(), b":", delivery.body)
        given = delivery.header("X-Slack-Signature")
        require((f"v0={digest(secret, *signed).hex()}" for secret in allowed.secrets), [given])
        return body_key(delivery.body, "event_id")

    def answer(self, delivery: Delivery) -> Reply | None:
        """Return a `url_verification`'s challenge, and nothing to a check of the certificate.

        https://docs.slack.dev/reference/events/url_verification
        https://docs.slack.dev/interactivity/implementing-slash-commands
        """
        try:
            asked = forms.read(delivery.body)
        except (ValueError, RecursionError):
            return None
        if not isinstance(asked, dict):
            return None
        if asked.get("type") == "url_verification" and isinstance(asked.get("challenge"), str):
            return Reply(body=json.dumps({"challenge": asked["challenge"]}))
        return self.reply if asked.get("ssl_check") == "1" else None

    def read(self, body: bytes) -> object:
        """Read JSON or a form, and an interaction as the JSON that its form holds."""
        return forms.read(body)


SCHEME = Slack()
