"""A receiver of the user's own: any method, any path; Standard Webhooks signatures and keys when told to."""

import base64
import binascii
import hmac
from collections.abc import Iterable, Iterator
from contextlib import suppress

from drumbeat.sandbox.actions import ACCEPTED, REFUSED, REPLAYED, Ask, Deed, digest
from drumbeat.sandbox.faults import Fate
from drumbeat.sandbox.http_messages import Answer, Inbound, reply
from drumbeat.sandbox.state import World

TOLERANCE = 300.0  # seconds
UNSAID = {"authorization", "cookie", "webhook-signature"}  # headers the record does without

FAILURES = {401: "unauthorized", 403: "forbidden", 404: "not found", 429: "too many requests"}


class Generic:
    """Everything under /http/; the account is the first part of the path."""

    name = "http"

    def read(self, request: Inbound, path: str) -> Ask:
        """Understand a request: its key is Idempotency-Key or webhook-id."""
        key = request.headers.get("idempotency-key") or request.headers.get("webhook-id")
        return Ask(
            request,
            self.name,
            path.split("/")[1] or "*",
            "call",
            key=key,
            effect=request.headers.get("webhook-id") or key,
            to=(path,),
            asked={
                "query": request.query,
                "headers": {name: value for name, value in request.headers.items() if name not in UNSAID},
                "body": request.body.decode("utf-8", "replace"),
            },
            digest=digest(request.method.encode() + b" " + path.encode() + b"\0" + request.body),
        )

    def perform(self, ask: Ask, world: World, fate: Fate, now: float) -> Deed:
        """Take the call, unless its signature is wrong or its key was seen."""
        receiver = world.calls.receiver(ask.account)
        if receiver.secrets and not _signed(ask.request, receiver.secrets, now):
            return Deed(REFUSED, self.failure(401), {"why": "signature missing, wrong or too old"})
        if receiver.honour_keys and ask.key is not None:
            if (ask.provider, ask.account, ask.key) in world.in_flight:
                return Deed(REFUSED, reply(409, {"error": "a request with this key is still in progress"}))
            lifetime = receiver.window if fate.key_lifetime is None else fate.key_lifetime
            seen = world.keyring.recall(ask, now, lifetime)
            if seen is not None and seen.digest != ask.digest:
                return Deed(REFUSED, reply(422, {"error": "this key belongs to another request"}))
            if seen is not None:
                return Deed(REPLAYED, Answer(seen.status, seen.body.encode()))
        answer = reply(receiver.status, {"received": True, "id": ask.key})
        if receiver.status >= 300:
            return Deed(REFUSED, answer)
        return Deed(ACCEPTED, answer, {"first": [answer.status, answer.body.decode()]})

    def failure(self, status: int, *headers: tuple[str, str]) -> Answer:
        """Return a plain JSON error."""
        return reply(status, {"error": FAILURES.get(status, "internal error")}, *headers)


def _signed(request: Inbound, secrets: Iterable[str], now: float) -> bool:
    """Verify a Standard Webhooks signature: `v1,<base64>` entries over `id.timestamp.body`."""
    id, timestamp = request.headers.get("webhook-id", ""), request.headers.get("webhook-timestamp", "")
    if not id or not timestamp.isdigit() or abs(now - int(timestamp)) > TOLERANCE:
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
