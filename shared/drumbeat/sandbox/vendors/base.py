"""The contract of an imitated vendor: it reads a request, performs it, and knows the shape of its own errors."""

from typing import Protocol

from drumbeat.sandbox.actions import PerformedAction, RequestedAction
from drumbeat.sandbox.faults import Injection
from drumbeat.sandbox.http_messages import HttpRequest, HttpResponse
from drumbeat.sandbox.state import State


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


def bearer(request: HttpRequest) -> str:
    """Return the bearer token, or an empty string."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
