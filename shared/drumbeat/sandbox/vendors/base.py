"""The contract of an imitated vendor: it reads a request, performs it, and knows the shape of its own errors."""

import re
from typing import Protocol

from drumbeat.sandbox.actions import PerformedAction, RequestedAction
from drumbeat.sandbox.faults import Injection
from drumbeat.sandbox.http_messages import HttpRequest, HttpResponse
from drumbeat.sandbox.state import State

ADDRESS = re.compile(
    r'[^\s@<>,;:"()\[\]]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]{1,62}'
)
# A display name: in quotes, or without what RFC 5322 wants in quotes.
NAME = re.compile(r'"(?:[^"\\]|\\.)*"|[^<>()\[\]:;@\\,"]*')


class Vendor(Protocol):
    """One external API, without faults. Nothing here changes the state: `perform` returns what happened, as facts."""

    name: str

    def read(self, request: HttpRequest, path: str) -> RequestedAction:
        """Understand a request; one that cannot be understood carries its documented refusal."""
        ...

    def perform(self, requested: RequestedAction, state: State, injection: Injection, now: float) -> PerformedAction:
        """Carry out the request under the injected conditions; `now` is the sandbox's clock."""
        ...

    def error_response(self, status: int, *headers: tuple[str, str]) -> HttpResponse:
        """Return this vendor's response of that error status."""
        ...


def address(text: str) -> str | None:
    """Return the bare address of `a@b.c` or `Name <a@b.c>`, or None when it is not exactly one address."""
    bare = text.strip()
    if bare.endswith(">"):
        name, bracket, bare = bare[:-1].rpartition("<")
        if not bracket or not NAME.fullmatch(name.strip()):
            return None
        bare = bare.strip()
    return bare if ADDRESS.fullmatch(bare) else None


def bearer(request: HttpRequest) -> str:
    """Return the bearer token, or an empty string."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
