"""HubSpot: version 3 signs method, URL, body and time; version 1 hashes secret and body.

https://developers.hubspot.com/docs/guides/apps/authentication/validating-requests
A delivery is a list of up to 100 events, sent again up to ten times in a day:
https://developers.hubspot.com/docs/api-reference/webhooks-webhooks-v3/guide
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping

from drumbeat.sources import public_url
from drumbeat.sources.signature import (
    Allowed,
    Delivery,
    Scheme,
    Unverified,
    base64_text,
    content_key,
    digest,
    fresh,
    require,
)

# The characters that HubSpot decodes in the URL before it signs.
_DECODED = re.compile("%(3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)", re.IGNORECASE)


class _HubSpot(Scheme):
    """What both schemes have in common."""

    mistaken = (("pat-", "an access token"),)

    def fact_name(self, fact: object) -> str | None:
        """Name an event by all that it says, the attempt number left out: `eventId` is not unique."""
        return _content([fact]) if isinstance(fact, dict) and "eventId" in fact else None


class HubSpotV3(_HubSpot):
    """The scheme of apps made today. HubSpot's documents decode the URL, its client libraries take it as it is."""

    name = "hubspot_v3"
    signed_in = ("X-HubSpot-Signature-v3",)
    options = public_url.OPTIONS

    def verify(self, delivery: Delivery, allowed: Allowed) -> str:
        """Name the delivery by its content, the attempt number left out."""
        time = delivery.header("X-HubSpot-Request-Timestamp")
        fresh(time, allowed, per_second=1000)
        given = delivery.header("X-HubSpot-Signature-v3")
        require(_signatures(delivery, allowed, time), [given])
        return _key(delivery.body)


class HubSpotV1(_HubSpot):
    """The scheme of older apps: SHA-256 without HMAC, and no time.

    Bytes can be appended to what is hashed so, the first of them 0x80, which is no UTF-8 there. And HubSpot signs other
    requests of an app with the same secret: what is not a JSON array, as every webhook is, is kept and not acted on.
    """

    name = "hubspot_v1"
    signed_in = ("X-HubSpot-Signature",)

    def verify(self, delivery: Delivery, allowed: Allowed) -> str:
        """Name the delivery by its content, the attempt number left out; it has to be UTF-8."""
        given = delivery.header("X-HubSpot-Signature")
        require((hashlib.sha256(key.encode() + delivery.body).hexdigest() for key in allowed.secrets), [given])
        try:
            delivery.body.decode()
        except ValueError:
            raise Unverified("the body is not UTF-8, so bytes may have been appended to a signed one") from None
        return _key(delivery.body)

    def read(self, body: bytes) -> object:
        """Read a JSON array: anything else is signed for another purpose."""
        events = super().read(body)
        if not isinstance(events, list):
            raise ValueError("a webhook of HubSpot needs a JSON array")
        return events


def _signatures(delivery: Delivery, allowed: Allowed, time: str) -> Iterator[str]:
    url = public_url.signed_url(delivery, allowed)
    for address in dict.fromkeys((_DECODED.sub(lambda escape: chr(int(escape[1], 16)), url), url)):
        for secret in allowed.secrets:
            signed = (delivery.method.encode(), address.encode(), delivery.body, time.encode())
            yield base64_text(digest(secret, *signed))


def _key(body: bytes) -> str:
    """Name a batch. `eventId` is not unique, and a retry differs from the first try in `attemptNumber`."""
    try:
        return _content(json.loads(body))
    except (ValueError, TypeError, AttributeError, RecursionError):
        return content_key(body)


def _content(events: Iterable[Mapping[str, object]]) -> str:
    natural = [{name: value for name, value in event.items() if name != "attemptNumber"} for event in events]
    return content_key(json.dumps(natural, sort_keys=True, separators=(",", ":")).encode())


V3 = HubSpotV3()
V1 = HubSpotV1()
