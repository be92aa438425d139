"""Checking the `base_url` that an account may give."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from drumbeat.core.address import ascii_domain
from drumbeat.core.errors import InvalidAddress


def problems(settings: Mapping[str, str]) -> list[str]:
    """List, as sentences, what is wrong with `base_url` if there is one."""
    text = settings.get("base_url")
    if text is None:
        return []
    try:
        url = urlsplit(text)
        _ = url.port
    except ValueError:
        return ["base_url is not a URL; write something like https://api.example.com"]
    found = []
    if any(character.isspace() for character in text):
        found.append("base_url must not hold spaces or line breaks; in YAML write it on the line of its name")
    if url.scheme not in ("http", "https") or not url.hostname:
        found.append("base_url must begin with https:// (or http://) and a host name")
    if not url.netloc.isascii():
        found.append(f"base_url must have its host name in ASCII; {_instead(url.hostname or '')}")
    if "@" in url.netloc:
        found.append(
            "base_url must not carry a user name or password: store them with `drumbeat secrets set` and write"
            " secret:NAME under secrets; change them at the provider if they were real"
        )
    if url.query or url.fragment:
        found.append(
            "base_url must not have a query or a fragment; leave out everything from ? or # on. A key that stood there"
            " belongs under secrets, as secret:NAME"
        )
    return found


def _instead(host: str) -> str:
    try:
        return f"write {ascii_domain(host)}"
    except InvalidAddress:
        return "its letters are not those of a domain name"
