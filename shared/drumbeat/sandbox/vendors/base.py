"""What an imitated vendor is: it reads a request, performs it, and knows the shape of its own errors."""

import re
from typing import Protocol

from drumbeat.sandbox.actions import Ask, Deed
from drumbeat.sandbox.faults import Fate
from drumbeat.sandbox.http_messages import Answer, Inbound
from drumbeat.sandbox.state import World

ADDRESS = re.compile(
    r'[^\s@<>,;:"()\[\]]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]{1,62}'
)
NAMED = re.compile(r"\s*[^<>]*<\s*([^<>]*?)\s*>\s*")


class Vendor(Protocol):
    """One outside API, without its lies. Nothing here changes the world: `perform` says what happened, as facts."""

    name: str

    def read(self, request: Inbound, path: str) -> Ask:
        """Understand a request; what cannot be understood carries its documented refusal."""
        ...

    def perform(self, ask: Ask, world: World, fate: Fate, now: float) -> Deed:
        """Do what was asked, as the fate allows; `now` is the sandbox's clock."""
        ...

    def failure(self, status: int, *headers: tuple[str, str]) -> Answer:
        """Return this vendor's answer of that error status."""
        ...


def address(text: str) -> str | None:
    """Return the bare address of `a@b.c` or `Name <a@b.c>`, or None when there is none."""
    named = NAMED.fullmatch(text)
    bare = named[1] if named else text.strip()
    return bare if ADDRESS.fullmatch(bare) else None


def bearer(request: Inbound) -> str:
    """Return the bearer token, or an empty string."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
