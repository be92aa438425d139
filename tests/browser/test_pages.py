"""The sandbox's pages in Chromium: their forms work, and a page of another site reaches nothing on this machine."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import override
from urllib.parse import quote

import pytest

from drumbeat.infrastructure.sqs.client import Sqs
from drumbeat.local.servers import MiniStack, Valkey
from drumbeat.local.stack import local_sqs
from tests.browser.chromium import PROGRAM, Chromium
from tests.unit.sandbox.sandbox_process import SandboxProcess

pytestmark = [
    pytest.mark.proof,
    pytest.mark.skipif(PROGRAM is None, reason="Chromium is not installed: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    with SandboxProcess(tmp_path_factory.mktemp("sandbox")) as running:
        yield running


@pytest.fixture(scope="module")
def sqs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sqs]:
    """The emulator, with one queue."""
    with MiniStack(tmp_path_factory.mktemp("aws"), key="localsecret") as server:
        client = local_sqs(server.url, "localsecret")
        client.call("CreateQueue", QueueName="events")
        yield client
        client.close()


def faults(sandbox: SandboxProcess) -> list[str]:
    return [each["lie"] for each in sandbox.call("GET", "/_sandbox/lies").json["items"]]


def test_a_fault_is_injected_and_stopped_by_its_buttons(browser: Chromium, sandbox: SandboxProcess) -> None:
    browser.open(f"http://127.0.0.1:{sandbox.port}/lies")

    browser.press("Inject")
    injected = faults(sandbox)
    shown = browser.run("document.querySelector('table').innerText")
    browser.press("Stop")

    assert len(injected) == 1
    assert injected[0] in shown
    assert faults(sandbox) == []


def test_the_clock_moves_by_its_buttons(browser: Chromium, sandbox: SandboxProcess) -> None:
    browser.open(f"http://localhost:{sandbox.port}/lies")

    browser.press("+1 hour")
    moved = sandbox.call("GET", "/_sandbox/health").json["shift"]
    browser.press("Back to the machine's time")

    assert moved == 3600
    assert sandbox.call("GET", "/_sandbox/health").json["shift"] == 0


def test_a_tab_that_is_chosen_moves_no_other(browser: Chromium, tmp_path: Path) -> None:
    places = set()
    with SandboxProcess(tmp_path / "home") as sandbox:
        sandbox.mailgun("b-1")
        for view in ("html", "text", "record"):
            browser.open(f"http://127.0.0.1:{sandbox.port}/mail/0?view={view}")
            places.add(browser.run("[...document.querySelectorAll('nav a')].map(each => each.offsetLeft).join()"))

    assert len(places) == 1


def test_a_narrow_page_shows_all_of_its_tables_and_breaks_no_option(browser: Chromium, tmp_path: Path) -> None:
    with SandboxProcess(tmp_path / "home") as sandbox, narrow(browser):
        browser.open(f"http://127.0.0.1:{sandbox.port}/")
        broken = browser.run(
            "[...document.querySelectorAll('pre span')].filter(each => each.getClientRects().length > 1).length"
        )
        options = browser.run("document.querySelectorAll('pre span').length")
        sandbox.inject("accept_then_500", times=1)
        sandbox.mailgun("0b3e7f52-6a1d-4c0e-9d53-2f1a8c7b6e40")
        sandbox.inject("429", provider="resend", match="0b3e7f52-6a1d-4c0e-9d53-2f1a8c7b6e40")
        wider = {path: widths(browser, f"http://127.0.0.1:{sandbox.port}{path}") for path in NARROW}

    assert options > 0
    assert broken == 0
    assert not any(wider.values()), wider


NARROW = ("/mail/0?view=record", "/activity", "/lies")


@contextmanager
def narrow(browser: Chromium) -> Iterator[None]:
    """As wide as a telephone."""
    browser.do("Emulation.setDeviceMetricsOverride", width=390, height=844, deviceScaleFactor=1, mobile=True)
    try:
        yield
    finally:
        browser.do("Emulation.clearDeviceMetricsOverride")


def widths(browser: Chromium, url: str) -> list[str]:
    """Open a page, and return what of it is wider than its frame: that is out of sight."""
    browser.open(url)
    found: list[str] = browser.run(
        "[document.documentElement, ...document.querySelectorAll('.scroll, table')]"
        ".filter(each => each.scrollWidth > each.clientWidth).map(each => each.tagName)"
    )
    assert browser.run("document.querySelectorAll('table').length"), url
    return found


def test_a_form_of_another_site_reaches_nothing(
    browser: Chromium, sandbox: SandboxProcess, sqs: Sqs, tmp_path: Path
) -> None:
    queue = sqs.call("GetQueueUrl", QueueName="events")["QueueUrl"]
    message = f"?Action=SendMessage&QueueUrl={quote(queue, safe='')}&MessageBody=from-a-page"
    ours = f"http://127.0.0.1:{sandbox.port}"
    with another_site() as (site, reached), Valkey(tmp_path / "valkey") as valkey:
        forms = {
            f"{ours}/lies": {"lie": "accept_then_500"},
            f"{ours}/_sandbox/lies": {"lie": "accept_then_500"},
            f"{ours}/_sandbox/clock": {"advance": "3600"},
            f"http://api:key@127.0.0.1:{sandbox.port}/mailgun/v3/mg.example.com/messages": {
                "from": "a@example.com", "to": "bob@example.org", "subject": "x", "text": "x"
            },
            queue.rpartition("/")[0] + "/" + message: {"x": "y"},
            f"http://127.0.0.1:{valkey.port}/": {"\r\nSET from-a-page 1\r\n": ""},
            f"http://localhost:{site}/collect": {"x": "y"},  # another site, too: what such a form sends does arrive
        }  # fmt: skip
        for action, fields in forms.items():
            browser.open(f"http://127.0.0.1:{site}/?{quote(json.dumps([action, fields]))}")
            browser.run("send()")

        assert reached.wait(20)
        assert faults(sandbox) == []
        assert sandbox.call("GET", "/_sandbox/health").json["shift"] == 0
        assert sandbox.call("GET", "/_sandbox/mail").json["total"] == 0
        attributes = sqs.call("GetQueueAttributes", QueueUrl=queue, AttributeNames=["All"])["Attributes"]
        assert attributes["ApproximateNumberOfMessages"] == "0"
        assert valkey.process is not None
        assert valkey.process.poll() is None


SITE = """
<body></body>
<script>
function send() {
  const [action, fields] = JSON.parse(decodeURIComponent(location.search.slice(1)));
  const attempts = [];
  for (const enctype of ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"]) {
    const frame = Object.assign(document.createElement("iframe"), {name: enctype});
    const form = Object.assign(document.createElement("form"), {action, enctype, method: "post", target: enctype});
    document.body.append(frame);
    for (const [name, value] of Object.entries(fields)) {
      form.append(Object.assign(document.createElement("input"), {name, value}));
    }
    document.body.append(form);
    form.submit();
    const plain = action.replace(/[^/]+@/, "");
    attempts.push(fetch(plain, {method: "POST", mode: "no-cors", body: new URLSearchParams(fields)}).catch(() => 0));
    attempts.push(fetch(plain, {mode: "no-cors"}).catch(() => 0));
    attempts.push(new Promise(done => frame.onload = done));
    attempts.push(new Promise(done => Object.assign(new Image(), {src: plain, onload: done, onerror: done})));
  }
  return Promise.race([Promise.all(attempts), new Promise(done => setTimeout(done, 1000))]).then(() => true);
}
</script>
"""


@contextmanager
def another_site() -> Iterator[tuple[int, threading.Event]]:
    """A site whose page sends what its address says; the event is set when something was posted to it."""
    reached = threading.Event()

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            reached.set()
            self._answer()

        def _answer(self) -> None:
            body = SITE.encode()
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        @override
        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port, reached
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
