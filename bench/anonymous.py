"""What requests cost that prove nothing: python -m bench.anonymous

Calls the handlers as Lambda does, over a Postgres and a Valkey of its own, with what anyone can send who knows the URL.
Counts what reaches each server and the log, and measures the CPU of the process and what one request allocates beside
its own event. Prints a table in Markdown. It runs with the code of any release: put that one's `shared` first on
PYTHONPATH.
"""

import contextlib
import io
import logging
import os
import tempfile
import time
import tracemalloc
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drumbeat.infrastructure.redis import LeanRedis
from drumbeat.ledger.database import Database
from drumbeat.local.ledger import prepare, urls
from drumbeat.local.servers import Postgres, Valkey

REQUESTS = 200  # of each kind that is small
LARGE_REQUESTS = 5
LARGE_BYTES = 5_000_000
MINUTE = 60.0
DOCUMENT = """
version: 1
accounts: {}
flows: {}
sources:
  code: {webhook: github, type: LEAD_CAPTURE, secrets: ["env:SESAME"], map: {email: email}}
  sms: {webhook: twilio, type: LEAD_CAPTURE, secrets: ["env:SESAME"], map: {phone: From},
        public_url: "https://hooks.example.com/v1/webhooks/sms"}
  mail: {webhook: mailgun, type: FEEDBACK, secrets: ["env:SESAME"], map: {event: event}}
  signup: {form: {fields: {email: required, name: optional}, honeypot: website}}
"""
FORM = b"&".join(b"field%d=" % number + b"%41" * (LARGE_BYTES // 2_800) for number in range(900))
NESTED = b'{"x": [' + b"[1]," * (LARGE_BYTES // 4) + b'1], "signature": 1}'
BROWSER = {"accept": "text/html"}
UNKNOWN_FIELD = b"email=ada@example.com&x=1"
TRAPPED = b"email=ada@example.com&website=x"
ONE_CLICK = b"List-Unsubscribe=One-Click"
FORGED = {"authorization": "Bearer drumbeat.first.ingest+read+operate.forged"}


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of request, sent to a new process."""

    name: str
    function: str
    method: str
    path: Callable[[int], str]
    headers: dict[str, str]
    body: bytes = b"{}"
    requests: int = REQUESTS
    seconds_between: float = 0.0  # by which the process's clock moves


def at(path: str) -> Callable[[int], str]:
    """Return the same path each time."""
    return lambda _: path


KINDS = (
    Kind("unknown webhook", "ingest", "POST", lambda number: f"/v1/webhooks/x{number}", {}),
    Kind(
        "unknown webhook, every five minutes", "ingest", "POST", at("/v1/webhooks/x"), {}, seconds_between=5 * MINUTE
    ),
    Kind("webhook without a signature", "ingest", "POST", at("/v1/webhooks/code"), {}),
    Kind("webhook with a wrong one", "ingest", "POST", at("/v1/webhooks/code"), {"x-hub-signature-256": "sha256=0"}),
    Kind("5 MB to Twilio, unsigned", "ingest", "POST", at("/v1/webhooks/sms"), {}, FORM, LARGE_REQUESTS),
    Kind(
        "5 MB to Twilio, wrongly signed",
        "ingest", "POST", at("/v1/webhooks/sms"), {"x-twilio-signature": "junk"}, FORM, LARGE_REQUESTS,
    ),
    Kind("5 MB to Mailgun", "ingest", "POST", at("/v1/webhooks/mail"), {}, NESTED, LARGE_REQUESTS),
    Kind(
        "5 MB to GitHub, wrongly signed",
        "ingest", "POST", at("/v1/webhooks/code"), {"x-hub-signature-256": "sha256=0"}, FORM, LARGE_REQUESTS,
    ),
    Kind("event without a key", "ingest", "POST", at("/v1/events"), {}),
    Kind("event with a wrong key", "ingest", "POST", at("/v1/events"), FORGED),
    Kind("5 MB of events without a key", "ingest", "POST", at("/v1/events/batch"), {}, FORM, LARGE_REQUESTS),
    Kind("unknown form", "ingest", "POST", lambda number: f"/v1/forms/x{number}", {}, b"email=ada@example.com"),
    Kind("form with an unknown field", "ingest", "POST", at("/v1/forms/signup"), {}, UNKNOWN_FIELD),
    Kind("the same from a browser: a page", "ingest", "POST", at("/v1/forms/signup"), BROWSER, UNKNOWN_FIELD),
    Kind("form with a filled honeypot", "ingest", "POST", at("/v1/forms/signup"), {}, TRAPPED),
    Kind("form with 200 fields", "ingest", "POST", at("/v1/forms/signup"), {}, b"&".join([b"a%41=1"] * 200)),
    Kind("5 MB to a form", "ingest", "POST", at("/v1/forms/signup"), {}, FORM, LARGE_REQUESTS),
    Kind("page of a form", "ingest", "GET", at("/f/signup"), BROWSER, b""),
    Kind("confirmation link with junk", "ingest", "GET", lambda number: f"/c/junk{number}", BROWSER, b""),
    Kind("the same, posted", "ingest", "POST", lambda number: f"/c/junk{number}", BROWSER, b"_page=x"),
    Kind("unsubscribe link with junk, posted", "ingest", "POST", lambda number: f"/u/{number:050}", {}, ONE_CLICK),
    Kind("5 MB to an unsubscribe link", "ingest", "POST", at("/u/junk"), {}, FORM, LARGE_REQUESTS),
    Kind("route of the console without a key", "console", "GET", at("/v1/status"), {}),
    Kind("/metrics with a wrong key", "console", "GET", at("/metrics"), FORGED),
    Kind("/healthz", "console", "GET", at("/healthz"), {}),
    Kind("no such route", "ingest", "POST", lambda number: f"/v1/x{number}", {}),
)  # fmt: skip


class Context:
    """Lambda's context of an invocation."""

    function_name = "bench"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:bench"
    aws_request_id = "request-1"


class Meter:
    """Counts the calls of this process, and moves its clock."""

    def __init__(self) -> None:
        self.postgres = self.redis = 0
        self.ahead = 0.0
        run, send = Database.run, LeanRedis._send
        clock = time.clock_gettime

        def query(*arguments: Any, **options: Any) -> Any:
            self.postgres += 1
            return run(*arguments, **options)

        def command(*arguments: Any) -> None:
            self.redis += 1
            send(*arguments)

        Database.run = query  # type: ignore[method-assign]
        LeanRedis._send = command  # type: ignore[method-assign, assignment]
        time.clock_gettime = lambda which: clock(which) + self.ahead


def event(kind: Kind, number: int) -> dict[str, Any]:
    """Return one request as API Gateway hands it over: what is no text in base64."""
    path = kind.path(number)
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"content-type": "application/x-www-form-urlencoded", **kind.headers},
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "api",
            "domainName": "hooks.example.com",
            "http": {"method": kind.method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1"},
            "requestId": "request-1",
            "stage": "$default",
        },
        "body": b64encode(kind.body).decode(),
        "isBase64Encoded": True,
    }


def measure(kind: Kind, handler: Callable[..., dict[str, Any]], meter: Meter, log: io.StringIO) -> str:
    """Send all requests of a kind; return the row of the table."""
    events = [event(kind, number) for number in range(kind.requests)]
    handler(event(kind, 0), Context())  # imports what it needs; a new process's reading is counted with the rest
    tracemalloc.start()
    handler(events[0], Context())
    most = tracemalloc.get_traced_memory()[1] // 1024
    tracemalloc.stop()
    forget_what_was_read()
    meter.postgres = meter.redis = 0
    log.seek(0)
    log.truncate()
    spent, answers = 0.0, set()
    for one in events:
        started = time.process_time()
        answers.add(handler(one, Context())["statusCode"])
        spent += time.process_time() - started
        meter.ahead += kind.seconds_between
    each = spent / kind.requests * 1000
    written = len(log.getvalue()) / kind.requests
    codes = ", ".join(map(str, sorted(answers)))
    cells = (
        kind.name, kind.requests, codes, f"{each:.2f}", f"{most:,}", f"{written:.0f}", meter.postgres, meter.redis,
    )  # fmt: skip
    return f"| {' | '.join(map(str, cells))} |"


def forget_what_was_read() -> None:
    """Make this the first request of a process."""
    from functions.ingest import app

    app.door.cache_clear()
    app.single.cache_clear()


@contextlib.contextmanager
def deployment(home: Path) -> Iterator[None]:
    """Start the servers, and let the handlers of this process use them, with a configuration in force."""
    with Postgres(home / "postgres") as postgres, Valkey(home / "valkey") as valkey:
        os.environ |= urls(postgres) | {
            "REDIS_URL": valkey.url,
            "DRUMBEAT_LOCAL": "1",
            "DRUMBEAT_SECRET": "of the bench",
            "SESAME": "sesame",
            "EFFECTS_QUEUE_URL": "http://127.0.0.1:1/effects",
            "BUFFER_QUEUE_URL": "http://127.0.0.1:1/buffer",
            "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        }
        prepare(os.environ["ADMIN_DATABASE_URL"], os.environ["DATABASE_URL"], None)
        from drumbeat.configuration.apply import apply
        from drumbeat.services import services

        apply(DOCUMENT, {}, actor="bench", services=services())
        yield
        services().db.close()
        services().redis.close()


def main() -> None:
    """Measure every kind and print the table."""
    log = io.StringIO()
    with tempfile.TemporaryDirectory() as home, contextlib.chdir(Path(__file__).parents[1]):
        Path(home).chmod(0o755)  # Postgres runs as a user of its own
        rows = []
        with contextlib.redirect_stdout(log), deployment(Path(home)):
            from functions.console import app as console
            from functions.ingest import app as ingest

            logging.getLogger().addHandler(logging.StreamHandler(log))
            meter = Meter()
            for kind in KINDS:
                rows.append(measure(kind, (ingest if kind.function == "ingest" else console).handler, meter, log))
    heads = (
        "request",
        "sent",
        "answer",
        "CPU ms each",
        "KiB at most",
        "log bytes each",
        "Postgres in all",
        "Redis in all",
    )
    print("\n".join([f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}", *rows]))


if __name__ == "__main__":
    main()
