"""The stack whose mails arrive here: which links of a mail lead to it, and the post that unsubscribes.

Nothing else on the network is called: a connection goes to the address that the sandbox was started with, and a mail
chooses no more than the path. No redirect is followed.
"""

import html
import http.client
import re
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

from drumbeat.core.one_click import ONE_CLICK
from drumbeat.sandbox.origin import is_loopback

FORM = "application/x-www-form-urlencoded"
ANSWER_SECONDS = 35.0  # longer than the front lets a handler take
URI = re.compile(r"<\s*([^<>\s]+)\s*>")  # RFC 2369


@dataclass(frozen=True, slots=True)
class OneClick:
    """What came of the post that unsubscribes. `done`: it was answered with a 2xx."""

    says: str
    done: bool = False


@dataclass(frozen=True, slots=True)
class Front:
    """Where a local stack answers."""

    host: str
    port: int

    @classmethod
    def at(cls, url: str) -> Self:
        """Return the front at this address. Raises ValueError when it is no http address of this machine."""
        parts = urlsplit(url)
        if parts.scheme != "http" or not is_loopback(parts.hostname or "") or parts.port is None:
            raise ValueError(f"{url} is no http address with a port on this machine")
        return cls(parts.hostname or "", parts.port)

    @property
    def url(self) -> str:
        """Its address, as the links in mails begin."""
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"

    def unsubscribe_url(self, parameters: dict[str, Any]) -> str | None:
        """Return what the header List-Unsubscribe of a mail names at this stack, or None."""
        headers = parameters.get("headers")
        pairs = headers.items() if isinstance(headers, dict) else ()  # a JSON body may hold anything
        named = next((str(value) for name, value in pairs if str(name).lower() == "list-unsubscribe"), "")
        return next((uri for uri in URI.findall(named) if self._leads_to("u", uri)), None)

    def confirm_url(self, parameters: dict[str, Any]) -> str | None:
        """Return the first link of a mail to this stack's page that confirms, or None."""
        bodies = (str(parameters.get("text") or ""), html.unescape(str(parameters.get("html") or "")))
        link = re.compile(re.escape(self.url) + r"/c/[\w-]+")
        return next((found[0] for body in bodies if (found := link.search(body))), None)

    def post_one_click(self, url: str) -> OneClick:
        """Post as a mailbox provider does, and return what was answered. It waits: not for an event loop."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=ANSWER_SECONDS)
        try:
            connection.request("POST", urlsplit(url).path, ONE_CLICK.encode(), {"Content-Type": FORM})
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            return OneClick(f"was not answered ({type(error).__name__}); press again once the stack is up")
        else:
            says = f"was answered with {answer.status} {answer.reason}".rstrip()
            return OneClick(says, done=200 <= answer.status < 300)
        finally:
            connection.close()

    def _leads_to(self, page: str, uri: str) -> bool:
        return re.fullmatch(re.escape(self.url) + rf"/{page}/[\w-]+", uri) is not None
