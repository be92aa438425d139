"""HubSpot: version 3 signs method, URL, body and time; version 1 hashes secret and body.

https://developers.hubspot.com/docs/guides/apps/authentication/validating-requests
"""

import hashlib
import json
import re

from drumbeat.sources import public_url
from drumbeat.sources.signature import Allowed, Delivery, Scheme, base64_text, content_key, digest, fresh, require

# The characters that HubSpot decodes in the URL before it signs.
_DECODED = re.compile("%(3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)", re.IGNORECASE)


class HubSpotV3(Scheme):
    """The scheme of apps made today."""

    name = "hubspot_v3"
    signed_in = ("X-HubSpot-Signature-v3",)
    options = public_url.OPTIONS

    def verify(self, delivery: Delivery, allowed: Allowed) -> str:
        """Name the delivery by its content, the attempt number left out."""
        time = delivery.header("X-HubSpot-Request-Timestamp")
        fresh(time, allowed, per_second=1000)
        url = _DECODED.sub(lambda escape: chr(int(escape[1], 16)), public_url.signed_url(delivery, allowed))
        signed = (delivery.method.encode(), url.encode(), delivery.body, time.encode())
        given = delivery.header("X-HubSpot-Signature-v3")
        require((base64_text(digest(secret, *signed)) for secret in allowed.secrets), [given])
        return _key(delivery.body)


class HubSpotV1(Scheme):
    """The scheme of older apps: SHA-256 without HMAC, and no time."""

    name = "hubspot_v1"
    signed_in = ("X-HubSpot-Signature",)

    def verify(self, delivery: Delivery, allowed: Allowed) -> str:
        """Name the delivery by its content, the attempt number left out."""
        given = delivery.header("X-HubSpot-Signature")
        require((hashlib.sha256(key.encode() + delivery.body).hexdigest() for key in allowed.secrets), [given])
        return _key(delivery.body)


def _key(body: bytes) -> str:
    """Name a batch. `eventId` is not unique, and a retry differs from the first try in `attemptNumber`."""
    try:
        events = json.loads(body)
        natural = [{name: value for name, value in event.items() if name != "attemptNumber"} for event in events]
    except (ValueError, TypeError, AttributeError, RecursionError):
        return content_key(body)
    return content_key(json.dumps(natural, sort_keys=True, separators=(",", ":")).encode())


V3 = HubSpotV3()
V1 = HubSpotV1()
