"""What travels over a connection: a complete request, a complete response, and how the response is sent."""

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs


@dataclass(frozen=True)
class HttpRequest:
    """One complete HTTP request. Header names are lower case; of a repeated header the last one counts."""

    method: str
    path: str  # as sent, still percent-encoded
    query: str
    headers: dict[str, str]
    body: bytes

    @cached_property
    def params(self) -> dict[str, str]:
        """The query's parameters, decoded; of a repeated one the last counts."""
        return {name: values[-1] for name, values in parse_qs(self.query, keep_blank_values=True).items()}

    def json(self) -> Any:  # noqa: ANN401  (JSON is what it is)
        """Parse the body as JSON. Raises ValueError."""
        try:
            return json.loads(self.body)
        except RecursionError as error:
            raise ValueError("nested too deeply") from error


@dataclass(frozen=True, slots=True)
class Transmission:
    """How a response is sent: by default at once and whole."""

    delay_seconds: float = 0.0  # before the first byte
    cut: str = ""  # "before": close without a byte; "midway": close in the middle of the body
    drip: str = ""  # "headers" or "body": send that part slowly, over `drip_seconds`
    drip_seconds: float = 0.0
    close_afterwards: bool = False  # close a kept-alive connection without having announced it


IMMEDIATE = Transmission()


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """One complete HTTP response."""

    status: int
    body: bytes = b""
    type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = field(default=())
    transmission: Transmission = IMMEDIATE


encode = json.JSONEncoder(separators=(",", ":")).encode


def json_response(status: int, content: object, *headers: tuple[str, str]) -> HttpResponse:
    """Return a response whose body is JSON."""
    return HttpResponse(status, encode(content).encode(), headers=headers)
