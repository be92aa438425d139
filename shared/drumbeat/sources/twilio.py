"""Twilio: HMAC-SHA-1 over the public URL and the sorted form fields, or over the URL with the body's hash in it.

https://www.twilio.com/docs/usage/webhooks/webhooks-security
"""

import hashlib
import hmac
from urllib.parse import parse_qs, urlsplit

from drumbeat.sources import public_url
from drumbeat.sources.signature import (
    Allowed,
    Delivery,
    Scheme,
    Unverified,
    base64_text,
    content_key,
    digest,
    key_of,
    require,
)

MOST_FIELDS = 1_000  # of one form; Twilio sends a few dozen


class Twilio(Scheme):
    """Signs no time; retries keep their idempotency token."""

    name = "twilio"
    options = public_url.OPTIONS
    form_encoded = True

    def verify(self, delivery: Delivery, allowed: Allowed) -> str:
        """Name the delivery by its idempotency token, else by URL and content."""
        given = delivery.header("X-Twilio-Signature")
        url = public_url.signed_url(delivery, allowed)
        signed = url + _signed_fields(url, delivery.body)
        require((base64_text(digest(secret, signed.encode(), algorithm="sha1")) for secret in allowed.secrets), [given])
        name = delivery.headers.get("i-twilio-idempotency-token")
        return key_of(name) if name else content_key(url.encode(), b"\n", delivery.body)


def _signed_fields(url: str, body: bytes) -> str:
    expected = parse_qs(urlsplit(url).query).get("bodySHA256")
    if expected:
        if not hmac.compare_digest(hashlib.sha256(body).hexdigest(), expected[0]):
            raise Unverified("the body is not the one whose hash is signed")
        return ""
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise Unverified(f"the body is no form of at most {MOST_FIELDS:,} fields") from None
    return "".join(name + value for name in sorted(fields) for value in sorted(set(fields[name])))


SCHEME = Twilio()
