"""A collector of traces over real HTTP, which takes, refuses, hangs or is away as it is told."""

import base64
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, override

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

type Json = dict[str, Any]


class FakeCollector:
    """What it was sent, and how it answers."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []  # that it took
        self.posts = 0
        self.headers: Json = {}
        self.path = ""
        self.status = 200
        self.answer: Json = {}
        self.answer_headers: dict[str, str] = {}
        self.refuses: bytes | None = None  # a request with this in it
        self.most_bytes: int | None = None
        self.takes: Callable[[bytes], object] = self._keep
        self.answers: Callable[[], object] = lambda: None  # what is done before it answers
        self.hangs = threading.Event()
        self.resumes = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.resumes.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def spans(self) -> list[Json]:
        """All spans, those that came twice twice."""
        return [span for body in self.bodies for span in spans_of(body)]

    @property
    def distinct(self) -> dict[tuple[str, str], Json]:
        """The spans by trace and id. Fails where two of one id differ."""
        found: dict[tuple[str, str], Json] = {}
        for span in self.spans:
            assert found.setdefault((span["traceId"], span["spanId"]), span) == span
        return found

    def trace(self, id: str) -> list[Json]:
        """The spans of one trace, in the order of time, each once."""
        found = [span for (trace, _), span in self.distinct.items() if trace == id]
        return sorted(found, key=lambda span: (int(span["startTimeUnixNano"]), -int(span["endTimeUnixNano"])))

    def _keep(self, body: bytes) -> None:
        read(body)  # what no SDK could have sent it does not take
        self.bodies.append(body)

    def _handler(collector) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.posts += 1
                collector.path, collector.headers = self.path, dict(self.headers.items())
                collector.answers()
                if collector.hangs.is_set():
                    collector.resumes.wait(30)
                status = collector.status
                if collector.refuses is not None and collector.refuses in body:
                    status = 400
                if collector.most_bytes is not None and len(body) > collector.most_bytes:
                    status = 413
                if 200 <= status < 300:
                    collector.takes(body)
                answer = json.dumps(collector.answer).encode()
                self.send_response(status)
                for name, value in collector.answer_headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                with suppress(OSError):  # its sender may have given up
                    self.wfile.write(answer)

            @override
            def log_message(self, *args: object) -> None:
                pass

        return Handler


@contextmanager
def collecting() -> Iterator[FakeCollector]:
    collector = FakeCollector()
    try:
        yield collector
    finally:
        collector.close()


def spans_of(body: bytes) -> list[Json]:
    return [
        span
        for resource in json.loads(body)["resourceSpans"]
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    ]


def read(body: bytes) -> ExportTraceServiceRequest:
    """Read a request as a collector does. (Protobuf's own JSON has bytes in base64, OTLP's has ids in hex.)"""
    document = json.loads(body)
    for resource in document["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                for holder in (span, *span.get("links", ())):
                    for name in ("traceId", "spanId", "parentSpanId"):
                        if name in holder:
                            holder[name] = base64.b64encode(bytes.fromhex(holder[name])).decode()
    return json_format.ParseDict(document, ExportTraceServiceRequest())


def names(spans: list[Json]) -> list[str]:
    return [span["name"] for span in spans]


def attributes(holder: Json) -> dict[str, Any]:
    """The attributes of a span or event."""
    return {one["key"]: next(iter(one["value"].values())) for one in holder.get("attributes", ())}


def incomplete(collector: FakeCollector, effects: list[str]) -> list[str]:
    """Say what is wrong with the traces of these effects, which have all ended once."""
    traces: dict[str, list[Json]] = {id: [] for id in effects}
    wrong: list[str] = []
    for (trace, _), span in collector.distinct.items():
        if trace in traces:
            traces[trace].append(span)
    for id, spans in traces.items():
        roots = [span for span in spans if "parentSpanId" not in span]
        if len(roots) != 1 or not roots[0]["name"].startswith("effect "):
            wrong.append(f"{id}: {len(roots)} roots of {Counter(names(spans))}")
        known = {span["spanId"] for span in spans}
        wrong += [
            f"{id}: {span['name']} is below nothing"
            for span in spans
            if span.get("parentSpanId", "") not in {*known, ""}
        ]
    return wrong
