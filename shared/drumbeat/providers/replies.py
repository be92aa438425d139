"""What a reply means wherever a provider documents nothing else."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from drumbeat.core.outcomes import Denied, NotSent, Outcome, Refused, Throttled, Unknown
from drumbeat.core.request import Reply
from drumbeat.providers.retry_after import RETRY_AFTER, retry_after


def json_object(reply: Reply) -> Mapping[str, Any]:
    """Return the body's JSON object, or an empty one when it is anything else."""
    try:
        value = json.loads(reply.body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def text(value: object) -> str:
    """Return a value that should be non-empty text, or '' when it is not."""
    return value if isinstance(value, str) else ""


def with_details(reason: str, details: Iterable[str]) -> str:
    """Return a reason with what the provider named: its own words for an error, and names from our own request."""
    named = ", ".join(dict.fromkeys(filter(None, details)))
    return f"{reason} ({named})" if named else reason


def unsuccessful(reply: Reply, permanent: Mapping[int, str], details: Iterable[str] = ()) -> Outcome:
    """Read a reply that is not the documented success.

    401 and 403 concern the account or the message, 429 the account's pace; each may say how long to wait. `permanent`
    lists the statuses by which this provider refuses for good, with our words for why: the provider's own may quote an
    address, so of those only `details` are kept: names of errors and of what they are about. Everything else may have
    been carried out, a 5xx and an unreadable success alike.
    """
    status, wait = reply.status, retry_after(reply.headers, names=[RETRY_AFTER])
    if status in (401, 403):
        return Denied(f"HTTP {status}: the credentials, or what they may do, were refused", wait, status == 403)
    if status == 429:
        return Throttled("HTTP 429: too many requests", retry_after(reply.headers))
    if status == 413 and wait is not None:  # RFC 9110, 15.5.14: too large for now
        return NotSent("HTTP 413: too large for now", wait)
    if status in permanent:
        return Refused(with_details(f"HTTP {status}: {permanent[status]}", details))
    if 200 <= status < 300:
        return Unknown(f"HTTP {status}, but not the documented success")
    return Unknown(f"HTTP {status}", retry_after=wait)
