"""What travels over a connection: a whole request, a whole answer, and the manner in which the answer leaves."""

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs


@dataclass(frozen=True)
class Inbound:
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
class Manner:
    """How an answer leaves. The plain manner is at once and whole."""

    delay: float = 0.0  # seconds before the first byte
    cut: str = ""  # "before": close without a byte; "midway": close in the middle of the body
    drip: str = ""  # "headers" or "body": spread that part over `over` seconds
    over: float = 0.0
    hang_up: bool = False  # close a kept-alive connection afterwards without having said so


PLAIN = Manner()


@dataclass(frozen=True, slots=True)
class Answer:
    """One complete HTTP answer."""

    status: int
    body: bytes = b""
    type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = field(default=())
    manner: Manner = PLAIN


encode = json.JSONEncoder(separators=(",", ":")).encode


def reply(status: int, content: object, *headers: tuple[str, str]) -> Answer:
    """Return a JSON answer."""
    return Answer(status, encode(content).encode(), headers=headers)
