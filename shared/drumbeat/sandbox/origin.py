"""The check of a request's origin: this machine, addressed by its own name, and no other site's page."""

import ipaddress
from urllib.parse import urlsplit

from drumbeat.sandbox.http_messages import HttpRequest


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine's own loopback."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_allowed(request: HttpRequest) -> bool:
    """Return whether a request comes from this machine and, if a browser sent it, from our own pages.

    Another name in Host is a rebound DNS name; another Origin is another site's form or script.
    """
    host = request.headers.get("host", "")
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    if not is_loopback(name.strip("[]")):
        return False
    if request.method in ("GET", "HEAD"):
        return True
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == host
