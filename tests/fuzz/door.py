"""The console and ingest functions behind a real HTTP door, which calls them as API Gateway does."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, cast
from urllib.parse import unquote, urlsplit

from aws_lambda_powertools.utilities.typing import LambdaContext

from drumbeat.local.front import MAX_PAYLOAD_BYTES
from drumbeat.local.gateway import Routes, request_event, response
from drumbeat.local.template import Template
from functions.console import app as console
from functions.ingest import app as ingest
from tests.conftest import ROOT
from tests.functions.console import Context

HANDLERS = {"console": console.handler, "ingest": ingest.handler}
ROUTES = Routes(Template.load(ROOT / "template.yaml").routes)


class Door(HTTPServer):
    """Serves both functions, one request at a time, and counts the requests."""

    count = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def door() -> Iterator[Door]:
    with Door(("127.0.0.1", 0), _Caller) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


class _Caller(BaseHTTPRequestHandler):
    server: Door

    def _answer(self) -> None:
        self.server.count += 1
        status, headers, raw = self._asked(self.rfile.read(int(self.headers.get("content-length") or 0)))
        self.send_response(status)
        for name, value in headers:
            self.send_header(name.decode("latin-1"), value.decode("latin-1"))
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def _asked(self, body: bytes) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        parts = urlsplit(self.path)
        path = unquote(parts.path, errors="replace")
        found = ROUTES.find(self.command, path)
        if found is None:
            return 404, [(b"content-type", b"application/json")], b'{"message":"Not Found"}'
        route, variables = found
        scope = {
            "method": self.command,
            "path": path,
            "query_string": parts.query.encode("latin-1", "replace"),
            "client": self.client_address,
        }
        headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in self.headers.items()]
        event = request_event(route, variables, scope, headers, body)
        answer: Any = HANDLERS[route.function](event, cast("LambdaContext", Context()))
        assert len(json.dumps(answer, ensure_ascii=False).encode()) <= MAX_PAYLOAD_BYTES
        return response(answer)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = do_TRACE = do_QUERY = _answer

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""
