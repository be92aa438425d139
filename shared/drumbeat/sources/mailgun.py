"""Mailgun: HMAC over a time and a token that lie in the body; the rest of the body is not signed.

https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks
"""

import json

from drumbeat.sources.signature import Allowed, Delivery, Scheme, Unverified, digest, fresh, key_of, require


class Mailgun(Scheme):
    """The token names the delivery: one that is used again, with whatever body, is a repeat and no new event."""

    name = "mailgun"
    max_bytes = 256 * 1024  # the signature lies in the body, so the body is parsed before anything is verified

    def verify(self, delivery: Delivery, allowed: Allowed) -> str:
        """Return the token as the key."""
        try:
            signature = json.loads(delivery.body)["signature"]
            time, token, given = (signature[name] for name in ("timestamp", "token", "signature"))
        except (ValueError, TypeError, KeyError, RecursionError):
            raise Unverified("the body holds no signature") from None
        if not (isinstance(time, str) and isinstance(token, str) and isinstance(given, str)):
            raise Unverified("the body holds no signature")
        fresh(time, allowed)
        # Without a separator between the two, digits could be moved from one to the other under a good signature.
        if len(time) != 10 or not (token.isascii() and token.isprintable()):
            raise Unverified("the signed time or token is not in Mailgun's form")
        require((digest(secret, time.encode(), token.encode()).hex() for secret in allowed.secrets), [given])
        return key_of(token)


SCHEME = Mailgun()
