"""How API Gateway's HTTP API calls a function: payload format 2.0 both ways, without any I/O."""

import json
import re
import time
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

from drumbeat.local.frames import Json
from drumbeat.local.template import Route

API_ID = "local"
ACCOUNT = "000000000000"
# Only these (and text/*) reach a function as text; the rest, a missing type and forms included, comes as base64.
TEXT = frozenset({"application/json", "application/xml", "application/javascript"})
JSON_HEADERS = ((b"content-type", b"application/json"),)

type Headers = Sequence[tuple[bytes, bytes]]


class Routes:
    """Finds the route of a request: a literal path first, then the one with the fewest variables, then $default."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._literal: dict[tuple[str, str], Route] = {}
        self._patterns: list[tuple[re.Pattern[str], Route]] = []
        self._default: Route | None = None
        for route in sorted(routes, key=_generality):
            if route.path == "$default":
                self._default = route
            elif "{" in route.path:
                self._patterns.append((_pattern(route.path), route))
            else:
                self._literal[route.method, route.path] = route

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """Return the route and the path's variables, or None: 404."""
        route = self._literal.get((method, path)) or self._literal.get(("ANY", path))
        if route is not None:
            return route, {}
        for pattern, candidate in self._patterns:
            if candidate.method in (method, "ANY") and (match := pattern.fullmatch(path)):
                return candidate, match.groupdict()
        return (self._default, {}) if self._default else None


def request_event(
    route: Route, variables: Mapping[str, str], scope: Mapping[str, Any], headers: Headers, body: bytes
) -> dict[str, Any]:
    """Return the event for one request; `scope` is ASGI's."""
    names: dict[str, str] = {}
    cookies: list[str] = []
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if name == "cookie":
            cookies += value.split("; ")
        else:
            names[name] = f"{names[name]},{value}" if name in names else value
    method, path, now = scope["method"], scope["path"], time.time()
    address = scope["client"][0] if scope["client"] else "127.0.0.1"
    route_key = route.path if route.path == "$default" else f"{route.method} {route.path}"
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": path,
        "rawQueryString": scope["query_string"].decode("latin-1"),
        "headers": names,
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": API_ID,
            "domainName": names.get("host", "localhost"),
            "domainPrefix": API_ID,
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": address,
                "userAgent": names.get("user-agent", ""),
            },
            "requestId": uuid4().hex,
            "routeKey": route_key,
            "stage": "$default",
            "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
            "timeEpoch": int(now * 1000),
        },
        "isBase64Encoded": False,
    }
    if cookies:
        event["cookies"] = cookies
    if variables:
        event["pathParameters"] = dict(variables)
    if scope["query_string"]:
        event["queryStringParameters"] = _query(event["rawQueryString"])
    if body:
        if is_text(names.get("content-type", "")):
            event["body"] = body.decode("utf-8", "replace")  # what is not UTF-8 is lost there as well
        else:
            event["body"] = b64encode(body).decode("ascii")
            event["isBase64Encoded"] = True
    return event


def response(result: Json) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Return status, headers and body of what a function answered; raises ValueError when it is not valid."""
    if not isinstance(result, dict) or "statusCode" not in result:
        return 200, list(JSON_HEADERS), json.dumps(result).encode()
    body = result.get("body") or ""
    raw = b64decode(body) if result.get("isBase64Encoded") else str(body).encode()
    headers = [(b"set-cookie", str(cookie).encode("latin-1")) for cookie in result.get("cookies") or ()]
    for name, value in (result.get("headers") or {}).items():
        lowered = name.lower().encode("latin-1")
        if lowered != b"content-length":
            headers.append((lowered, str(value).encode("latin-1")))
    for name, values in (result.get("multiValueHeaders") or {}).items():
        headers.append((name.lower().encode("latin-1"), ",".join(map(str, values)).encode("latin-1")))
    if not any(name == b"content-type" for name, _ in headers):
        headers += JSON_HEADERS
    return int(result["statusCode"]), headers, raw


def is_text(content_type: str) -> bool:
    """Return whether a body of this type reaches a function as text."""
    kind = content_type.partition(";")[0].strip().lower()
    return kind in TEXT or kind.startswith("text/")


def _query(raw: str) -> dict[str, str]:
    parameters: dict[str, str] = {}
    for name, value in parse_qsl(raw, keep_blank_values=True):
        parameters[name] = f"{parameters[name]},{value}" if name in parameters else value
    return parameters


def _generality(route: Route) -> tuple[bool, int, int, bool]:
    """Sort key: greedy paths last, then by variables, then longer literal parts first, ANY after a method."""
    return "+}" in route.path, route.path.count("{"), -len(route.path), route.method == "ANY"


def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+\+?)\}", path)
    for index in range(1, len(parts), 2):
        name = parts[index]
        # What is greedy takes nothing as well, behind its slash; and paths may hold an end of line, decoded.
        parts[index] = rf"(?P<{name.rstrip('+')}>[\s\S]*)" if name.endswith("+") else f"(?P<{name}>[^/]+)"
    for index in range(0, len(parts), 2):
        parts[index] = re.escape(parts[index])
    return re.compile("".join(parts))
