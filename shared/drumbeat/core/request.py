"""One HTTP request and its reply, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. What an adapter builds is frozen; `sign` returns a copy with what is made per attempt."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP reply. Header names are lower case.

    `cut` says why the body is not all there (too long, too slow, cut off, garbled); empty: it is complete. `request`:
    what was asked, before it was signed, where that is known.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    cut: str = ""
    request: Request | None = None
