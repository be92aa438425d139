"""Who may knock: this machine only, by its own name, and no page of another site."""

import ipaddress
from urllib.parse import urlsplit

from drumbeat.sandbox.http_messages import Inbound


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine's own loopback."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def admits(request: Inbound) -> bool:
    """Tell whether a page or control request comes from this machine and, when a browser sent it, from our own pages.

    A foreign name in Host is a rebound DNS name; a foreign Origin is another site's form or script.
    """
    host = request.headers.get("host", "")
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    if not is_loopback(name.strip("[]")):
        return False
    if request.method in ("GET", "HEAD"):
        return True
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == host
