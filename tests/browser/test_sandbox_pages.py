"""The sandbox's pages in Chromium: their forms work, and a page of another site reaches nothing on this machine."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser

from drumbeat.infrastructure.sqs.client import Sqs
from drumbeat.local.servers import MiniStack, Valkey
from drumbeat.local.stack import local_sqs
from tests.browser.chromium import new_tab
from tests.browser.looks import TELEPHONE
from tests.browser.site import Answer, site
from tests.browser.tab import Tab
from tests.unit.sandbox.sandbox_process import SandboxProcess, contact

EFFECT = "0b3e7f52-6a1d-4c0e-9d53-2f1a8c7b6e40"


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


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """A sandbox with one of everything."""
    with SandboxProcess(tmp_path_factory.mktemp("used")) as running:
        running.inject("accept_then_500", times=1)
        running.mailgun(EFFECT, html="<p>It <b>works</b>.</p>")
        running.inject("429", provider="resend", match=EFFECT)
        running.hubspot(contact("ada@example.com", "1", firstname="Ada"))
        yield running


@pytest.mark.parametrize("state", ["sandbox", "used"])
def test_every_page_is_sound(tab: Tab, state: str, request: pytest.FixtureRequest) -> None:
    running: SandboxProcess = request.getfixturevalue(state)
    for path in ("/", "/activity", "/lies"):
        tab.open(f"http://127.0.0.1:{running.port}{path}")

        tab.check()


@pytest.mark.parametrize("view", ["html", "dark", "text", "headers", "record"])
def test_every_view_of_a_mail_is_sound(tab: Tab, used: SandboxProcess, view: str) -> None:
    tab.open(f"http://127.0.0.1:{used.port}/mail/0?view={view}")

    tab.check()


def test_a_fault_is_injected_and_stopped_by_its_buttons(tab: Tab, sandbox: SandboxProcess) -> None:
    tab.open(f"http://127.0.0.1:{sandbox.port}/lies")

    tab.press("Inject")
    injected = faults(sandbox)
    shown = tab.page.get_by_role("table").first.inner_text()
    tab.press("Stop")

    assert len(injected) == 1
    assert injected[0] in shown
    assert faults(sandbox) == []


def test_the_clock_moves_by_its_buttons(tab: Tab, sandbox: SandboxProcess) -> None:
    tab.open(f"http://localhost:{sandbox.port}/lies")

    tab.press("+1 hour")
    moved = sandbox.call("GET", "/_sandbox/health").json["shift"]
    tab.press("Back to the machine's time")

    assert moved == 3600
    assert sandbox.call("GET", "/_sandbox/health").json["shift"] == 0


def test_a_view_that_is_chosen_moves_no_other(tab: Tab, tmp_path: Path) -> None:
    places = set()
    with SandboxProcess(tmp_path / "home") as sandbox:
        sandbox.mailgun("b-1")
        for view in ("html", "text", "record"):
            tab.open(f"http://127.0.0.1:{sandbox.port}/mail/0?view={view}")
            places.add(tab.page.evaluate("[...document.querySelectorAll('nav a')].map(each => each.offsetLeft).join()"))

    assert len(places) == 1


def test_a_narrow_page_shows_all_of_its_tables_and_breaks_no_option(browser: Browser, tmp_path: Path) -> None:
    with SandboxProcess(tmp_path / "home") as sandbox, new_tab(browser, TELEPHONE) as tab:
        tab.open(f"http://127.0.0.1:{sandbox.port}/")
        options = tab.page.locator("pre span").evaluate_all("all => all.map(each => each.getClientRects().length)")
        sandbox.inject("accept_then_500", times=1)
        sandbox.mailgun(EFFECT)
        sandbox.inject("429", provider="resend", match=EFFECT)
        wider = {path: hidden(tab, f"http://127.0.0.1:{sandbox.port}{path}") for path in NARROW}

    assert set(options) == {1}
    assert not any(wider.values()), wider


NARROW = ("/mail/0?view=record", "/activity", "/lies")


def hidden(tab: Tab, url: str) -> list[str]:
    """Open a page, and return what of its tables is out of sight, even if it could be scrolled."""
    tab.open(url)
    assert tab.page.locator("table").count() > 0, url
    found: list[str] = tab.page.locator(".scroll, table").evaluate_all(
        "all => all.filter(each => each.scrollWidth > each.clientWidth).map(each => each.outerHTML.slice(0, 80))"
    )
    return found


@pytest.mark.proof
def test_a_form_of_another_site_reaches_nothing(tab: Tab, sandbox: SandboxProcess, sqs: Sqs, tmp_path: Path) -> None:
    queue = sqs.call("GetQueueUrl", QueueName="events")["QueueUrl"]
    message = f"?Action=SendMessage&QueueUrl={quote(queue, safe='')}&MessageBody=from-a-page"
    ours = f"http://127.0.0.1:{sandbox.port}"
    reached = threading.Event()
    with site(lambda _path: Answer(SITE), reached.set) as another, Valkey(tmp_path / "valkey") as valkey:
        forms = {
            f"{ours}/lies": {"lie": "accept_then_500"},
            f"{ours}/_sandbox/lies": {"lie": "accept_then_500"},
            f"{ours}/_sandbox/clock": {"advance": "3600"},
            f"http://api:key@127.0.0.1:{sandbox.port}/mailgun/v3/mg.example.com/messages": {
                "from": "a@example.com", "to": "bob@example.org", "subject": "x", "text": "x"
            },
            queue.rpartition("/")[0] + "/" + message: {"x": "y"},
            f"http://127.0.0.1:{valkey.port}/": {"\r\nSET from-a-page 1\r\n": ""},
            f"{another.replace('127.0.0.1', 'localhost')}/collect": {"x": "y"},  # another site, too: it does arrive
        }  # fmt: skip
        for action, fields in forms.items():
            tab.open(f"{another}/?{quote(json.dumps([action, fields]))}")
            tab.page.evaluate("send()")

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
