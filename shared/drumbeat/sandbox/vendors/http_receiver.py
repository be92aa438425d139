"""A receiver of the user's own: any method and path; signatures and keys as its settings say."""

import base64
import binascii
import hmac
from collections.abc import Iterable, Iterator
from contextlib import suppress

from drumbeat.sandbox.actions import ACCEPTED, REFUSED, REPLAYED, PerformedAction, RequestedAction, digest
from drumbeat.sandbox.faults import Injection
from drumbeat.sandbox.http_messages import HttpRequest, HttpResponse, json_response
from drumbeat.sandbox.state import State
from drumbeat.sandbox.vendors.base import Vendor

MAX_CLOCK_DIFFERENCE_SECONDS = 300.0
UNRECORDED = {"authorization", "cookie", "webhook-signature"}  # headers that the record leaves out

FAILURES = {401: "unauthorized", 403: "forbidden", 404: "not found", 429: "too many requests"}


class HttpReceiver:
    """Everything under /http/; the account is the first part of the path."""

    name = "http"

    def read(self, request: HttpRequest, path: str) -> RequestedAction:
        """Understand a request: its key is Idempotency-Key or webhook-id."""
        key = request.headers.get("idempotency-key") or request.headers.get("webhook-id")
        return RequestedAction(
            request,
            self.name,
            path.split("/")[1] or "*",
            "call",
            key=key,
            effect=request.headers.get("webhook-id") or key,
            to=(path,),
            parameters={
                "query": request.query,
                "headers": {name: value for name, value in request.headers.items() if name not in UNRECORDED},
                "body": request.body.decode("utf-8", "replace"),
            },
            digest=digest(request.method.encode() + b" " + path.encode() + b"\0" + request.body),
        )

    def perform(self, requested: RequestedAction, state: State, injection: Injection, now: float) -> PerformedAction:
        """Accept the call, unless its signature is wrong or its key was seen before."""
        receiver = state.calls.receiver(requested.account)
        if receiver.secrets and not _signed(requested.request, receiver.secrets, now):
            return PerformedAction(REFUSED, self.error_response(401), {"why": "signature missing, wrong or too old"})
        if receiver.honour_keys and requested.key is not None:
            if (requested.provider, requested.account, requested.key) in state.in_flight:
                return PerformedAction(
                    REFUSED, json_response(409, {"error": "a request with this key is still in progress"})
                )
            lifetime = receiver.window if injection.key_lifetime_seconds is None else injection.key_lifetime_seconds
            stored = state.idempotency_keys.find(requested, now, lifetime)
            if stored is not None and stored.digest != requested.digest:
                return PerformedAction(REFUSED, json_response(422, {"error": "this key belongs to another request"}))
            if stored is not None:
                return PerformedAction(REPLAYED, HttpResponse(stored.status, stored.body.encode()))
        response = json_response(receiver.status, {"received": True, "id": requested.key})
        if receiver.status >= 300:
            return PerformedAction(REFUSED, response)
        return PerformedAction(ACCEPTED, response, {"first": [response.status, response.body.decode()]})

    def error_response(self, status: int, *headers: tuple[str, str]) -> HttpResponse:
        """Return a plain JSON error."""
        return json_response(status, {"error": FAILURES.get(status, "internal error")}, *headers)


VENDOR: Vendor = HttpReceiver()


def _signed(request: HttpRequest, secrets: Iterable[str], now: float) -> bool:
    """Verify a Standard Webhooks signature: `v1,<base64>` entries over `id.timestamp.body`."""
    id, timestamp = request.headers.get("webhook-id", ""), request.headers.get("webhook-timestamp", "")
    if not id or not timestamp.isdigit() or abs(now - int(timestamp)) > MAX_CLOCK_DIFFERENCE_SECONDS:
        return False
    signed = f"{id}.{timestamp}.".encode() + request.body
    given = [entry[3:] for entry in request.headers.get("webhook-signature", "").split() if entry.startswith("v1,")]
    keys = [key for secret in secrets for key in _keys(secret)]
    expected = [base64.b64encode(hmac.digest(key, signed, "sha256")).decode() for key in keys]
    return any(hmac.compare_digest(one.encode(), other.encode()) for one in given for other in expected)


def _keys(secret: str) -> Iterator[bytes]:
    """Yield what the secret may mean: the bytes that its base64 encodes, with or without `whsec_`, or its own."""
    yield secret.encode()
    with suppress(binascii.Error):
        yield base64.b64decode(secret.removeprefix("whsec_"), validate=True)
