"""Who sends a request: its API key, verified."""

from drumbeat.access import keys
from drumbeat.web.requests import HttpEvent


def caller_of(event: HttpEvent, secret: bytes) -> keys.ApiKey:
    """Return the verified caller, who may send some kind of event. Raises Unauthorized or Forbidden."""
    caller = keys.verify(secret, keys.bearer(event["headers"].get("authorization")))
    if "operate" not in caller.scopes:  # campaigns may be fired without the right to send leads
        caller.need("ingest")
    return caller
