"""AWS Signature Version 4 for whole requests of any service but S3, whose paths are written otherwise.

botocore's signer does the same through general request objects at several times the processor time; a test compares
the two. Source: AWS General Reference, "Create a signed AWS API request".
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from urllib.parse import quote

ALGORITHM = "AWS4-HMAC-SHA256"
_UNRESERVED = "-_.~"  # beside letters and digits (RFC 3986)


@dataclass(frozen=True, slots=True)
class Credentials:
    """The keys of an AWS identity; `token` belongs to temporary credentials, such as a function's."""

    access_key: str
    secret_key: str
    token: str | None = None


def sign(
    headers: dict[str, str],
    body: bytes,
    credentials: Credentials,
    *,
    service: str,
    region: str,
    now: datetime,
    method: str = "POST",
    path: str = "/",
    query: str = "",
) -> dict[str, str]:
    """Return the headers (names in lower case, `host` among them) with date, token and signature added.

    `path` and `query` are as they are sent: percent-encoded, the path with its first slash and without `.` or `..`.
    """
    stamp = now.strftime("%Y%m%dT%H%M%SZ")
    signed = headers | {"x-amz-date": stamp}
    if credentials.token:
        signed["x-amz-security-token"] = credentials.token
    names = sorted(signed)
    lines = "".join(f"{name}:{' '.join(signed[name].split())}\n" for name in names)
    listed = ";".join(names)
    # What is percent-encoded in a path is encoded once more here: every service but S3 signs it so.
    target = f"{quote(path, safe='/' + _UNRESERVED)}\n{_sorted(query)}"
    canonical = f"{method}\n{target}\n{lines}\n{listed}\n{hashlib.sha256(body).hexdigest()}"
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    text = f"{ALGORITHM}\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.digest(_key(credentials.secret_key, stamp[:8], region, service), text.encode(), "sha256").hex()
    credential = f"Credential={credentials.access_key}/{scope}"
    return signed | {"authorization": f"{ALGORITHM} {credential}, SignedHeaders={listed}, Signature={signature}"}


def _sorted(query: str) -> str:
    """Return the parameters by name, then by value; one without a value is written with an empty one."""
    pairs = [part.partition("=") for part in query.split("&") if part]
    return "&".join(f"{name}={value}" for name, value in sorted((name, value) for name, _, value in pairs))


@lru_cache(maxsize=8)
def _key(secret: str, day: str, region: str, service: str) -> bytes:
    """Derive the day's key; it is the same for every request of the day."""
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
