"""A site on this machine that answers with what a test gives it."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import override
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request is answered with."""

    html: str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def site(answer: Callable[[str], Answer], posted: Callable[[], None] = lambda: None) -> Iterator[str]:
    """Serve what `answer` returns for a path, and call `posted` at each post; yields the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            posted()
            self._answer()

        def _answer(self) -> None:
            found = answer(urlsplit(self.path).path)
            body = found.html.encode()
            self.send_response(found.status)
            for name, value in ({"content-type": "text/html"} | dict(found.headers)).items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        @override
        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
