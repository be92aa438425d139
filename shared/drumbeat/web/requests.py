"""Reading a request of an API Gateway HTTP API (payload format 2.0), whose header names are in lower case."""

import binascii
import re
from base64 import b64decode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from drumbeat.core import tracing
from drumbeat.core.errors import Encoded, Invalid
from drumbeat.sources.signature import Delivery

NOW = "drumbeat-now"
_PLAIN_KEY = re.compile(r"[ -+\--~]{1,255}")  # printable ASCII without the comma
_LOST = "\N{REPLACEMENT CHARACTER}".encode()

type HttpEvent = Mapping[str, Any]


def body_of(event: HttpEvent) -> bytes:
    """Return the bytes of a JSON body. Raises Invalid when API Gateway could not keep them, Encoded when compressed.

    API Gateway passes text as text: bytes that are not UTF-8 have become U+FFFD, three bytes long.
    """
    headers = event["headers"]
    if headers.get("content-encoding", "identity") != "identity":
        raise Encoded("The body has a Content-Encoding. Nothing was stored; send it as it is, without compression.")
    body = bytes_of(event)
    if is_altered(body, headers):
        raise Invalid("The body is not UTF-8. Nothing was stored; correct it and send it again.")
    return body


def is_altered(body: bytes, headers: Mapping[str, str]) -> bool:
    """Return whether bytes that are not UTF-8 were replaced on the way, as far as the length that was sent shows."""
    return _LOST in body and headers.get("content-length", str(len(body))) != str(len(body))


def bytes_of(event: HttpEvent) -> bytes:
    """Return the body's bytes as they arrived: everything but text comes in base64. Raises Invalid."""
    body = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return str(body).encode("utf-8", "surrogatepass")
    try:
        return b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        raise Invalid("The body could not be read. Nothing was stored; send it again.") from None


def key_of(event: HttpEvent) -> str | None:
    """Return the Idempotency-Key header, if there is one. Raises Invalid unless it came once and holds one plain key.

    API Gateway joins the values of a header that came twice by a comma, and keeps no bytes that are not ASCII: two keys
    could become one.
    """
    key: str | None = event["headers"].get("idempotency-key")
    if key is None or _PLAIN_KEY.fullmatch(key):
        return key
    raise Invalid(
        "The header Idempotency-Key has to come once, with 1 to 255 printable ASCII characters and no comma: that is"
        " how two such headers arrive. Another key goes into the field idempotencyKey. Nothing was stored."
    )


def trace_of(event: HttpEvent) -> bytes | None:
    """Return which trace the request belongs to, as the ledger keeps it. A header that cannot be read names none."""
    return tracing.stored(event["headers"].get("traceparent"))


def delivery_of(event: HttpEvent) -> Delivery:
    """Return a webhook request as its signature sees it. Raises Invalid."""
    context = event["requestContext"]
    query = event.get("rawQueryString")
    url = f"https://{context['domainName']}{event['rawPath']}{f'?{query}' if query else ''}"
    headers, body = headers_of(event), bytes_of(event)
    altered = not event.get("isBase64Encoded") and is_altered(body, headers)
    return Delivery(context["http"]["method"], url, headers, body, altered)


def headers_of(event: HttpEvent) -> dict[str, str]:
    """Return the headers, their names in lower case."""
    return {name.lower(): value for name, value in event["headers"].items()}


def size_of(event: HttpEvent) -> int:
    """Return how many bytes the body has at least, without reading it: text counts by character."""
    body = event.get("body") or ""
    return len(body) * 3 // 4 - 2 if event.get("isBase64Encoded") else len(body)


def judged_at(event: HttpEvent) -> datetime | None:
    """Return the instant at which the test door judges a signature. Raises Invalid."""
    text = event["headers"].get(NOW)
    try:
        return None if text is None else datetime.fromtimestamp(float(text), UTC)
    except (ValueError, OverflowError, OSError):
        raise Invalid("Drumbeat-Now has to be a unix time in seconds. Nothing was stored.") from None
