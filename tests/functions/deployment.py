"""The console and ingest functions behind a real HTTP door, for tests of what talks to them."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, cast
from urllib.parse import parse_qsl, unquote, urlsplit

from aws_lambda_powertools.utilities.typing import LambdaContext

from drumbeat.local.front import MAX_PAYLOAD_BYTES
from functions.console import app as console
from functions.ingest import app as ingest
from tests.functions.console import Context


@contextmanager
def served() -> Iterator[str]:
    """Serve both functions, one request at a time, and yield the URL."""
    with HTTPServer(("127.0.0.1", 0), _Door) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class _Door(BaseHTTPRequestHandler):
    def _answer(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        event: dict[str, Any] = {
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": unquote(parts.path),
            "rawQueryString": parts.query,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "queryStringParameters": dict(parse_qsl(parts.query)) or None,
            "requestContext": {
                "http": {"method": self.command, "path": unquote(parts.path), "sourceIp": "127.0.0.1"},
                "domainName": "localhost",
                "requestId": "request-1",
                "stage": "$default",
            },
            "body": body.decode(),
            "isBase64Encoded": False,
        }
        posts = self.command == "POST" and parts.path in ("/v1/events", "/v1/events/batch")
        answer = (ingest if posts else console).handler(event, cast("LambdaContext", Context()))
        if len(json.dumps(answer, ensure_ascii=False).encode()) > MAX_PAYLOAD_BYTES:
            answer = {"statusCode": 500, "body": "Lambda gives no such answer"}
        self.send_response(answer["statusCode"])
        for name, value in {**answer.get("headers", {}), **_firsts(answer.get("multiValueHeaders"))}.items():
            self.send_header(name, value)
        raw = answer["body"].encode() if isinstance(answer["body"], str) else json.dumps(answer["body"]).encode()
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    do_GET = do_POST = do_PUT = do_DELETE = _answer

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


def _firsts(headers: dict[str, list[str]] | None) -> dict[str, str]:
    return {name: values[0] for name, values in (headers or {}).items()}
