"""The check before every HTTP server of this machine: addressed by its own name, and by no other site's page.

A page on any site may send requests to 127.0.0.1, and a name of its own may resolve to it. A browser says in `Host`
which name was asked for, and in `Origin` and `Sec-Fetch-Site` which page asks; programs send neither of the last two.
"""

import ipaddress
from collections.abc import Mapping
from functools import lru_cache

FOREIGN_HOST = (
    "Host is not a name of this machine. Nothing was done. Ask for http://127.0.0.1 or http://localhost with the "
    "port; let a tunnel rewrite the Host header."
)
FOREIGN_PAGE = (
    "A page of another site sent this, and this server answers programs of this machine and its own pages only. "
    "Nothing was done. Call it from a program, or open its own page."
)
OWN = ("same-origin", "none")  # of Sec-Fetch-Site; none: a person typed the address


@lru_cache(64)
def is_loopback(host: str) -> bool:
    """Return whether a host is this machine's own loopback."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def add(headers: dict[str, str], name: bytes, value: bytes) -> None:
    """Add a header; one that comes again is joined by a comma, so that no second Host or Origin hides the first."""
    key, text = name.decode("latin-1").lower(), value.decode("latin-1")
    headers[key] = f"{headers[key]}, {text}" if key in headers else text


def refusal(method: str, headers: Mapping[str, str], *, pages: bool = False) -> str | None:
    """Say why a request is refused, or return None: it comes from this machine, and from no other site's page.

    With `pages`, a link elsewhere may open ours (a browser shows the answer to the person only), but not embed them.
    `headers` by name in lower case.
    """
    opened = pages and _opens_a_page(method, headers)
    return refusal_by_host(headers) or (None if opened else refusal_by_page(headers))


def refusal_by_host(headers: Mapping[str, str]) -> str | None:
    """Say why a request is refused by the name that it asks for: another one is a rebound DNS name."""
    host = headers.get("host", "")
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    return None if is_loopback(name.strip("[]")) else FOREIGN_HOST


def refusal_by_page(headers: Mapping[str, str]) -> str | None:
    """Say why a request is refused by the page that sent it: another port of this machine is another site, too."""
    origin = headers.get("origin")
    if origin is not None and origin.lower() != f"http://{headers.get('host', '')}".lower():
        return FOREIGN_PAGE
    return None if headers.get("sec-fetch-site", "none") in OWN else FOREIGN_PAGE


def _opens_a_page(method: str, headers: Mapping[str, str]) -> bool:
    return (
        method in ("GET", "HEAD")
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest") == "document"
        and "origin" not in headers
    )
