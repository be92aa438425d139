"""Any HTTP receiver of the user's own: signed requests by the Standard Webhooks specification."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import quote

from drumbeat.core.actions import METHODS, Action, Call
from drumbeat.core.outcomes import Accepted, LookupResult, Outcome, Refused, Unclear
from drumbeat.core.request import Reply, Request
from drumbeat.providers import base_url
from drumbeat.providers.base import Blind, NativeKey, Repeat, Target
from drumbeat.providers.replies import unsuccessful

# RFC 9110: doing these twice is doing them once.
IDEMPOTENT = frozenset(METHODS) - {"POST", "PATCH"}
# How long a receiver is trusted to know a key again.
KEY_REMEMBERED_FOR = timedelta(hours=24)

_PERMANENT = {
    400: "the receiver does not understand the request",
    404: "there is nothing at this path",
    405: "the method is not allowed at this path",
    406: "the receiver has no acceptable answer",
    410: "the receiver is gone for good",
    411: "the receiver wants a length",
    413: "the body is too large",
    414: "the path is too long",
    415: "the receiver does not take this content type",
    422: "the receiver refuses the content",
    431: "the headers are too large",
}
# Headers that are the transport's or ours to say.
_OWN_HEADERS = frozenset(
    {"accept-encoding", "connection", "content-length", "expect", "host", "keep-alive", "te", "trailer", "upgrade"}
    | {"transfer-encoding", "idempotency-key", "webhook-id", "webhook-signature", "webhook-timestamp"}
)


class HttpEndpoint:
    """Calls a receiver of the user's own, signed so that it can know us and know a repeat.

    `webhook-id` and `Idempotency-Key` hold the key, the same on every attempt; time and signature are made per attempt.
    Whether a repeat is safe only the receiver knows: `repeat: safe` in the account's settings says that it is (class
    K), PUT, DELETE, GET and HEAD are safe by definition, everything else is class X. Success is any 2xx; redirects are
    not followed. While `previous_signing_key` is set, both keys sign; without any, headers of the account's own say
    who calls.
    """

    name = "http"
    base_url: str | None = None
    actions = frozenset({"call"})
    settings: Mapping[str, bool] = {"base_url": True, "repeat": False}
    secrets: Mapping[str, bool] = {"signing_key": True, "previous_signing_key": False}
    own_headers = _OWN_HEADERS
    traced = True
    status_decides = True  # nothing is read of the body, so a long, slow or broken one changes nothing

    def problems(self, settings: Mapping[str, str]) -> list[str]:
        """List what is wrong with the settings."""
        found = base_url.problems(settings)
        if settings.get("repeat", "unsafe") not in ("safe", "unsafe"):
            found.append("repeat must be safe (the receiver knows a repeated webhook-id again) or unsafe")
        return found

    def repeat(self, target: Target, request: Request | None = None) -> Repeat:
        """Repeat where the receiver or the method makes it harmless."""
        if target.settings.get("repeat") == "safe" or (request is not None and request.method in IDEMPOTENT):
            return NativeKey(KEY_REMEMBERED_FOR)
        return Blind()

    def identity(self, target: Target) -> str:
        """Name the receiver."""
        return f"{self.name} {target.base_url}"

    def build(self, target: Target, action: Action, *, key: str) -> Request:
        """Build the request; a path stays below the base URL's host, and reserved headers of the user's are left out.

        Raises ValueError for a method that HTTP does not know.
        """
        assert isinstance(action, Call)
        method = action.method.upper()
        if method not in METHODS:
            raise ValueError(f"the method must be one of {', '.join(sorted(METHODS))}")
        path = quote(action.path.lstrip("/"), safe="/?=&%:@!$'()*+,;~")
        headers = {"content-type": _content_type(action.body)} if action.body else {}
        headers |= {
            name.lower(): value for name, value in action.headers.items() if name.lower() not in self.own_headers
        }
        headers |= {"webhook-id": key, "idempotency-key": key}
        return Request(method, f"{target.base_url}/{path}", headers, action.body.encode())

    def sign(self, request: Request, secrets: Mapping[str, str], *, key: str, now: datetime) -> Request:
        """Add the time and a signature by each key there is. Raises ValueError where nothing would say who calls."""
        if not secrets:
            raise ValueError("no secret")
        timestamp = str(int(now.timestamp()))
        signed = f"{key}.{timestamp}.".encode() + request.body
        made = [f"v1,{_signature(secrets[name], signed)}" for name in self.secrets if name in secrets]
        signature = {"webhook-signature": " ".join(made)} if made else {}
        return replace(request, headers={**request.headers, "webhook-timestamp": timestamp, **signature})

    def read(self, reply: Reply) -> Outcome:
        """Accept any 2xx; the receiver names nothing that we could rely on, so the status is the reference."""
        if 200 <= reply.status < 300:
            return Accepted(f"HTTP {reply.status}")
        if 300 <= reply.status < 400:
            return Refused(f"HTTP {reply.status}: redirects are not followed; give the final address")
        return unsuccessful(reply, _PERMANENT)

    def build_lookup(self, target: Target, *, key: str, since: datetime) -> Request | None:  # noqa: ARG002
        """A receiver has no search that we know of."""
        return None

    def read_lookup(self, reply: Reply, *, key: str) -> LookupResult:  # noqa: ARG002
        """Nothing was asked, so nothing is answered."""
        return Unclear("an HTTP receiver has no search")


def _content_type(body: str) -> str:
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return "text/plain; charset=utf-8"
    return "application/json"


def _signature(secret: str, signed: bytes) -> str:
    """Sign with the bytes that the secret encodes (`whsec_` or bare base64), or with its own if it is not base64.

    Raises ValueError for a secret that holds no bytes.
    """
    text = secret.strip()
    try:
        key = base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except ValueError:  # also for letters that no base64 has
        key = text.encode()
    if not key:
        raise ValueError("an empty signing key")
    return base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


PROVIDER = HttpEndpoint()
