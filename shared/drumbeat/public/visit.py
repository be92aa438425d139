"""One request from a person's browser, or from a program in its place: what its head says."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self
from urllib.parse import unquote, urlsplit

from drumbeat.core.configuration import LOCALES
from drumbeat.core.errors import Encoded, Invalid, TooLarge
from drumbeat.web.requests import HttpEvent, bytes_of, headers_of, is_altered, size_of

MAX_BYTES = 64 * 1024  # of a body
LONGEST_FACT = 500  # characters of what a visitor may write as they like
_LANGUAGE = re.compile(r"\s*([a-zA-Z]{2,3})(?:-[a-zA-Z0-9-]+)?\s*(?:;\s*q=([0-9.]{1,5})\s*)?")
_PREFIX = {4: 24, 6: 48}  # bits of an address that are kept
_WITH_MORE = re.compile(r"([A-Za-z0-9_-]+)[^A-Za-z0-9_-]+")  # a token, and what no token holds


@dataclass(frozen=True, slots=True)
class Visit:
    """The head of a request; its body is read when it is worth it."""

    event: HttpEvent
    headers: Mapping[str, str]  # names in lower case

    @classmethod
    def of(cls, event: HttpEvent) -> Self:
        """Return the head of a request as API Gateway hands it over."""
        return cls(event, headers_of(event))

    @property
    def name(self) -> str:
        """What the path names: all that follows its first part."""
        return str(self.event["rawPath"]).split("/", 2)[2]

    @property
    def token(self) -> str:
        """The token of a link, without the quote, bracket or dot behind it that a mail program took for its end."""
        name = unquote(self.name)
        found = _WITH_MORE.fullmatch(name)
        return found[1] if found else name

    @property
    def is_head(self) -> bool:
        """Whether only the head of the answer is wanted."""
        return bool(self.event["requestContext"]["http"]["method"] == "HEAD")

    @property
    def media_type(self) -> str:
        """The type of the body, without its parameters, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def wants_page(self) -> bool:
        """Whether a browser shows the answer to a person: it navigates, where a program asks for no HTML."""
        return "text/html" in self.headers.get("accept", "").lower()

    @property
    def origin(self) -> str:
        """The page's site, as the browser says it; "": it does not."""
        return self.headers.get("origin", "")

    @property
    def user_agent(self) -> str:
        """What the program calls itself."""
        return self.headers.get("user-agent", "")[:LONGEST_FACT]

    @property
    def page(self) -> str:
        """The address of the page with the form, without what follows its path; "": the browser does not say it."""
        try:
            parts = urlsplit(self.headers.get("referer", ""))
        except ValueError:
            parts = urlsplit("")
        site = parts.netloc.rpartition("@")[2]
        if parts.scheme in ("http", "https") and site:
            return f"{parts.scheme}://{site}{parts.path}"[:LONGEST_FACT]
        return self.origin[:LONGEST_FACT] if self.origin != "null" else ""

    @property
    def network(self) -> str:
        """The network of the sender's address: enough to say where from, too little to name a person."""
        try:
            address = ipaddress.ip_address(self.event["requestContext"]["http"]["sourceIp"])
        except ValueError:
            return ""
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        return str(ipaddress.ip_network((address, _PREFIX[address.version]), strict=False))

    @property
    def locale(self) -> str | None:
        """The first language that the browser asks for and that the pages are in; None: it asks for none of them."""
        wanted: list[tuple[float, str]] = []
        for part in self.headers.get("accept-language", "")[:LONGEST_FACT].split(","):
            if (match := _LANGUAGE.fullmatch(part)) and (quality := _number(match[2] or "1")) > 0:
                wanted.append((quality, match[1].lower()))
        spoken = [language for _, language in sorted(wanted, key=lambda each: -each[0]) if language in LOCALES]
        return spoken[0] if spoken else None

    def check_size(self) -> None:
        """Refuse a body by its length, before anything of it is read. Raises TooLarge."""
        if size_of(self.event) > MAX_BYTES:
            raise _too_large()

    def body(self) -> bytes:
        """Return the body. Raises TooLarge, Encoded, and Invalid when it was not kept as it is on its way."""
        self.check_size()
        if self.headers.get("content-encoding", "identity") != "identity":
            raise Encoded("The body has a Content-Encoding. Nothing was stored; send it without compression.")
        body = bytes_of(self.event)
        if len(body) > MAX_BYTES:
            raise _too_large()
        if is_altered(body, self.headers):
            raise Invalid("The body is not UTF-8. Nothing was stored; correct it and send it again.")
        return body


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _too_large() -> TooLarge:
    return TooLarge(f"A body may have {MAX_BYTES:,} bytes here. Nothing was stored; send less.")
