"""Standard Webhooks and Svix, out of which it grew: HMAC-SHA256 in base64 over id, time and body.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import binascii
import hmac
from collections.abc import Mapping

from drumbeat.sandbox.reports.base import Destination

PREFIX = "whsec_"
LEAST_BYTES = 8


def problem(destination: Destination) -> str | None:
    """Ask for a secret in base64."""
    try:
        long = len(_key(destination.secret)) >= LEAST_BYTES
    except (binascii.Error, ValueError):
        long = False
    return None if long else f"secret is the signing secret: {PREFIX} and base64"


def headers(prefix: str, id: str, at: float, body: bytes, secret: str) -> Mapping[str, str]:
    """Return id, time and signature under names that begin with the prefix. Each attempt has a time of its own."""
    time = str(int(at))
    signature = hmac.digest(_key(secret), f"{id}.{time}.".encode() + body, "sha256")
    return {
        f"{prefix}-id": id,
        f"{prefix}-timestamp": time,
        f"{prefix}-signature": f"v1,{base64.b64encode(signature).decode()}",
    }


def _key(secret: str) -> bytes:
    text = secret.removeprefix(PREFIX)
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
