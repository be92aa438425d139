"""Twilio: HMAC-SHA-1 over the public URL and the sorted form fields, or over the URL with the body's hash in it.

https://www.twilio.com/docs/usage/webhooks/webhooks-security
"""

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from itertools import product
from urllib.parse import parse_qs, urlsplit

from drumbeat.sources import forms, public_url
from drumbeat.sources.signature import (
    TRUST_OPTION,
    Allowed,
    Delivery,
    Option,
    Reply,
    Scheme,
    Unverified,
    base64_text,
    content_key,
    digest,
    key_of,
    require,
    trusted_key,
)

_ID = "i-twilio-idempotency-token"
_ALGORITHMS = ("sha1", "sha256")  # of the auth token; of a shared key


class Twilio(Scheme):
    """Signs no time, and not the idempotency token.

    The answer is TwiML, and that of an event has nothing to say: https://www.twilio.com/docs/messaging/twiml
    """

    name = "twilio"
    signed_in = ("X-Twilio-Signature",)
    max_bytes = 128 * 1024  # its form is parsed before it is verified
    options: Mapping[str, Option] = {**public_url.OPTIONS, **TRUST_OPTION}
    reply = Reply(media_type="text/xml", body="<Response/>")
    mistaken = (("AC", "an account's SID"), ("SK", "an API key's SID"))

    def verify(self, delivery: Delivery, allowed: Allowed) -> str:
        """Name the delivery by the signed text itself: many bodies give the same one (other order, other borders)."""
        given = delivery.header("X-Twilio-Signature")
        url = public_url.signed_url(delivery, allowed)
        fields = _signed_fields(url, delivery.body)
        require(_signatures(allowed, url, fields), [given])
        return trusted_key(delivery.headers.get(_ID), content_key((url + fields).encode()), allowed)

    def former_key(self, delivery: Delivery, allowed: Allowed) -> str | None:
        """Name the delivery by its token, else by URL and body."""
        name = delivery.headers.get(_ID)
        url = public_url.signed_url(delivery, allowed)
        return key_of(name) if name else content_key(url.encode(), b"\n", delivery.body)

    def read(self, body: bytes) -> object:
        """Read JSON or a form."""
        return forms.read(body)


def _signatures(allowed: Allowed, url: str, fields: str) -> Iterator[str]:
    """Yield what Twilio may have signed: with the port or without it, as its own validators try too."""
    for signed in (address + fields for address in public_url.spellings(url)):
        for secret, algorithm in product(allowed.secrets, _ALGORITHMS):
            yield base64_text(digest(secret, signed.encode(), algorithm=algorithm))


def _signed_fields(url: str, body: bytes) -> str:
    expected = parse_qs(urlsplit(url).query).get("bodySHA256")
    if expected:
        if not hmac.compare_digest(hashlib.sha256(body).hexdigest().encode(), expected[0].encode()):
            raise Unverified("the body is not the one whose hash is signed")
        return ""
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=forms.MOST_FIELDS)
    except ValueError:
        raise Unverified(f"the body is no form of at most {forms.MOST_FIELDS:,} fields") from None
    return "".join(name + value for name in sorted(fields) for value in sorted(set(fields[name])))


SCHEME = Twilio()
