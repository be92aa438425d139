"""Mailgun: HMAC over a time and a token that lie in the body; the rest of the body is not signed.

https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks
"""

import json
from collections.abc import Sequence

from drumbeat.sources import forms
from drumbeat.sources.signature import Allowed, Delivery, Reply, Scheme, Unverified, digest, fresh, key_of, require

_SIGNED = ("timestamp", "token", "signature")


class Mailgun(Scheme):
    """The token names the delivery: one that is used again, with whatever body, is a repeat and no new event.

    Mailgun sends again for eight hours, with the first signature, whatever is not answered 200 or 406:
    https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/webhook-retries
    """

    name = "mailgun"
    tolerance = 12 * 3600.0
    reply = Reply()
    mistaken = (("pubkey-", "a public key"),)
    max_bytes = 256 * 1024  # the signature lies in the body, so the body is parsed before anything is verified

    def verify(self, delivery: Delivery, allowed: Allowed) -> str:
        """Return the token as the key."""
        try:
            time, token, given = _signature(delivery.body)
        except (ValueError, TypeError, KeyError, RecursionError):
            raise Unverified("the body holds no signature") from None
        if not (isinstance(time, str) and isinstance(token, str) and isinstance(given, str)):
            raise Unverified("the body holds no signature")
        fresh(time, allowed)
        # Without a separator between the two, digits could be moved from one to the other under a good signature.
        if len(time) != 10 or not (token and token.isascii() and token.isprintable()):
            raise Unverified("the signed time or token is not in Mailgun's form")
        require((digest(secret, time.encode(), token.encode()).hex() for secret in allowed.secrets), [given])
        return key_of(token)

    def read(self, body: bytes) -> object:
        """Read JSON, or the form of legacy webhooks and routes."""
        return forms.read(body)


def _signature(body: bytes) -> Sequence[object]:
    """Return time, token and signature: of an object `signature`, or of fields that a form has once each."""
    try:
        signature = json.loads(body)["signature"]
        return [signature[name] for name in _SIGNED]
    except ValueError:
        fields = forms.fields(body)
        return [value for name in _SIGNED for (value,) in [fields[name]]]


SCHEME = Mailgun()
