"""The gate before an ASGI application of this machine: other sites' pages and rebound names do not pass.

Whether a request passes is decided by its head alone, before anything of its body is read.
"""

import json
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

from drumbeat.sandbox.origin import add, refusal, refusal_by_host

type Scope = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
type Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
type Application = Callable[[Scope, Receive, Send], Awaitable[None]]

READ = (b"host", b"origin", b"sec-fetch-site", b"sec-fetch-mode", b"sec-fetch-dest", b"authorization")
CLOSED_BY_POLICY = 1008


class Gate:
    """An application behind a gate.

    `pages`: a link elsewhere may open what it shows. `from_any_page`: beginnings of the paths whose requests come from
    pages of other sites by design. `signed`: requests have to be signed as well.
    """

    def __init__(
        self,
        application: Application,
        *,
        pages: bool = False,
        from_any_page: Sequence[str] = (),
        signed: "Signed | None" = None,
    ) -> None:
        self._application = application
        self._pages = pages
        self._from_any_page = tuple(from_any_page)
        self._signed = signed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on, or answer 403."""
        why = self.refusal(scope) if scope["type"] in ("http", "websocket") else None
        if why is None:
            await self._application(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": CLOSED_BY_POLICY})
        else:
            await refuse(send, 403, "Forbidden", why)

    def refusal(self, scope: Scope) -> str | None:
        """Say why a request does not pass, or return None."""
        headers: dict[str, str] = {}
        for name, value in scope["headers"]:
            if name in READ:
                add(headers, name, value)
        if self._from_any_page and scope["path"].startswith(self._from_any_page):
            return refusal_by_host(headers)
        method = scope.get("method", "GET")
        foreign = refusal(method, headers, pages=self._pages)
        if foreign is not None or self._signed is None:
            return foreign
        return self._signed.refusal(method, scope["path"], headers.get("authorization", ""))


class Signed:
    """Requests to AWS's APIs carry a signature; an emulator does not check it, so anything could pass.

    A browser sends GET, HEAD and POST without asking first, but no Authorization header of a page's choice. With `key`,
    an access key that other users of this machine do not know, nothing passes without it. `unsigned_below`: beginnings
    of paths that are open all the same.
    """

    UNASKED = ("GET", "HEAD", "POST")
    HEALTH = "/_ministack/health"

    def __init__(self, key: str | None = None, unsigned_below: Sequence[str] = ()) -> None:
        self._beginning = "AWS4-HMAC-SHA256 Credential=" + (f"{key}/" if key else "")
        self._methods = None if key else self.UNASKED
        self._unsigned_below = tuple(unsigned_below)

    def refusal(self, method: str, path: str, authorization: str) -> str | None:
        """Say why a request is refused, or return None."""
        if path == self.HEALTH or path.startswith(self._unsigned_below):
            return None
        if authorization.startswith(self._beginning) or (self._methods and method not in self._methods):
            return None
        return "The request is not signed with this emulator's access key. Nothing was done."


async def refuse(send: Send, status: int, title: str, detail: str) -> None:
    """Answer with a problem."""
    problem = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    body = json.dumps(problem).encode()
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
