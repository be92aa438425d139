"""The hidden field `_page` of our pages: when the page was shown, signed, and different each time.

It tells a person from a program that posts at once, and one sending of a form from the next. Base64url without padding
of: milliseconds since 1970 (8 bytes), random bytes (8), and the first 16 bytes of HMAC-SHA-256 over both, the stage,
and what the page is for. Judged without the ledger, under the keys of links in mails.
"""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from drumbeat.services import Services

FIELD = "_page"
PERSON_SECONDS = 2.0  # a page is not read and answered in less
LASTS = timedelta(days=1)
LENGTH = 43  # characters: 32 bytes
_MAC_BYTES = 16


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a page's field says."""

    shown_at: datetime
    nonce: bytes


def issue(use: str, services: Services) -> str:
    """Return the field of a page that is shown now. Raises as `Services.link_keys` does."""
    moment = int(services.clock.now().timestamp() * 1000)
    head = moment.to_bytes(8, "big") + secrets.token_bytes(8)
    return urlsafe_b64encode(head + _mac(services.link_keys[0], use, head, services)).rstrip(b"=").decode()


def read(use: str, text: str, services: Services) -> Stamp | None:
    """Return what the field of a page for this use says; None: it is altered, of another use, or not ours."""
    if len(text) != LENGTH or not text.isascii():
        return None
    try:
        raw = urlsafe_b64decode(f"{text}=")
    except (Error, ValueError):
        return None
    head, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
    if not any(hmac.compare_digest(_mac(key, use, head, services), mac) for key in services.link_keys):
        return None
    return Stamp(datetime.fromtimestamp(int.from_bytes(head[:8], "big") / 1000, UTC), head[8:])


def is_too_fast(stamp: Stamp, services: Services) -> bool:
    """Return whether less time has gone by than a person needs."""
    return services.clock.now() - stamp.shown_at < timedelta(seconds=PERSON_SECONDS)


def is_old(stamp: Stamp, services: Services) -> bool:
    """Return whether the page was shown more than a day ago."""
    return services.clock.now() - stamp.shown_at > LASTS


def _mac(key: bytes, use: str, head: bytes, services: Services) -> bytes:
    # No token of a mail is signed over text that begins so, whatever the stage is called.
    signed = b"\0".join((b"page", services.settings.stage.encode(), use.encode(), head))
    return hmac.digest(key, signed, hashlib.sha256)[:_MAC_BYTES]
