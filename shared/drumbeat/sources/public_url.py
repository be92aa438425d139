"""The option `public_url`, for schemes that sign the address: the sender's, which a proxy may have changed."""

from urllib.parse import urlsplit

from drumbeat.sources.signature import Allowed, Delivery, Option


def _problem(value: str) -> str | None:
    if value.startswith(("https://", "http://")):
        return None
    return "public_url is the address that the sender calls, with https://"


OPTIONS = {
    "public_url": Option(
        "the address that the sender calls, where it is not the one that arrives here", problem=_problem
    )
}


def spellings(url: str) -> list[str]:
    """Return an address as it is, without its port, and with the port that its scheme has anyway."""
    parts = urlsplit(url)
    host, _, port = parts.netloc.rpartition(":") if parts.port else (parts.netloc, "", "")
    usual = 443 if parts.scheme == "https" else 80
    netlocs = dict.fromkeys((parts.netloc, host, parts.netloc if port else f"{host}:{usual}"))
    return [parts._replace(netloc=netloc).geturl() for netloc in netlocs]


def signed_url(delivery: Delivery, allowed: Allowed) -> str:
    """Return the address as the sender knows it; the query is the delivery's own."""
    public_url = allowed.options.get("public_url")
    if not isinstance(public_url, str):
        return delivery.url
    query = urlsplit(delivery.url).query
    return public_url.partition("?")[0] + (f"?{query}" if query else "")
