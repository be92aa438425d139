"""A person's browser before the console function: it keeps the cookie, and sends the forms of pages it was shown."""

import gzip
import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import parse_qsl, urlencode, urlsplit

from aws_lambda_powertools.utilities.typing import LambdaContext

from drumbeat.access import keys
from drumbeat.access import sql as access_sql
from drumbeat.services import Services
from functions.console import app
from tests.functions.console import Console, Context

HOST = "console.example.com"
_MARK = re.compile("&mark=[^&#]+")
_TOKEN = re.compile('name="token" value="([^"]+)"')


@dataclass(frozen=True, slots=True)
class Shown:
    """What a browser got."""

    status: int
    html: str
    headers: dict[str, str]

    @property
    def following(self) -> str:
        """Where the browser goes next."""
        return self.headers.get("Location", "")

    @property
    def location(self) -> str:
        """Where that is, without what shows that something was done: it is another each time."""
        return _MARK.sub("", self.following)

    @property
    def token(self) -> str:
        """What the forms of this page carry."""
        found = _TOKEN.search(self.html)
        assert found, "the page has no form"
        return found[1]


class Visitor:
    """One browser; `scopes` are those of the key it signs in with."""

    def __init__(self, services: Services, handler: Callable[..., dict[str, Any]] = app.handler) -> None:
        self.services = services
        self._handler = handler
        self.console = Console(services)
        self.cookies: dict[str, str] = {}
        self.headers = {"host": HOST, "accept": "text/html", "accept-encoding": "gzip"}

    def sign_in(self, *scopes: str, id: str = "ada") -> Shown:
        """Sign in as a key with these scopes, all of which its row has."""
        return self.post("/sign-in", token=None, key=self.console.key(*scopes, id=id))

    def sign_in_blind(self, *scopes: str, id: str = "blind") -> Shown:
        """Sign in as a key that was made without `people`."""
        granted = ("read", *scopes)
        access_sql.add(self.services.db, id, "of a test", granted, actor="test")
        return self.post("/sign-in", token=None, key=keys.mint(self.services.key_secret, id, granted))

    def get(self, path: str, **headers: str) -> Shown:
        """Open a page."""
        return self._send("GET", path, None, headers)

    def post(self, path: str, *, token: str | None = "", headers: Any = None, **fields: str) -> Shown:
        """Send a form; `token` "" is that of the first page, None sends none."""
        if token == "":
            token = self.get("/").token
        form = fields | ({"token": token} if token is not None else {})
        sent = {"content-type": "application/x-www-form-urlencoded", "origin": f"https://{HOST}", **(headers or {})}
        return self._send("POST", path, b64encode(urlencode(form).encode()).decode(), sent)

    def _send(self, method: str, url: str, body: str | None, headers: dict[str, str]) -> Shown:
        path, query = urlsplit(url).path, urlsplit(url).query
        event: dict[str, Any] = {
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": path,
            "rawQueryString": query,
            "headers": self.headers | headers,
            "queryStringParameters": dict(parse_qsl(query, keep_blank_values=True)) if query else None,
            "cookies": [f"{name}={value}" for name, value in self.cookies.items()],
            "requestContext": {
                "accountId": "000000000000",
                "apiId": "api",
                "domainName": HOST,
                "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1"},
                "requestId": "request-1",
                "routeKey": "$default",
                "stage": "$default",
            },
            "body": body,
            "isBase64Encoded": body is not None,
        }
        answer = self._handler(event, cast("LambdaContext", Context()))
        found = {name: str(value) for name, value in answer.get("headers", {}).items()}
        for cookie in [*answer.get("cookies", ()), *filter(None, [found.get("Set-Cookie")])]:
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        raw = b64decode(answer["body"]) if answer.get("isBase64Encoded") else answer["body"].encode()
        if found.get("Content-Encoding") == "gzip":
            raw = gzip.decompress(raw)
        return Shown(answer["statusCode"], raw.decode(), found)
