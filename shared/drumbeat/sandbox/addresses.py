"""Mail addresses as the vendors read them: one, with or without a display name."""

import re

ADDRESS = re.compile(
    r'(?=[^@]{1,64}@)[^\s@<>,;:"()\[\].]+(?:\.[^\s@<>,;:"()\[\].]+)*@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]{1,62}'
)
# A display name: in quotes, or without what RFC 5322 wants in quotes.
NAME = re.compile(r'"(?:[^"\\]|\\.)*"|[^<>()\[\]:;@\\,"]*')


def address(text: str) -> str | None:
    """Return the bare address of `a@b.c` or `Name <a@b.c>`, or None when it is not exactly one address."""
    bare = text.strip()
    if bare.endswith(">"):
        name, bracket, bare = bare[:-1].rpartition("<")
        if not bracket or not NAME.fullmatch(name.strip()):
            return None
        bare = bare.strip()
    return bare if ADDRESS.fullmatch(bare) else None
