"""The web inbox: what it shows, and that hostile mail stays harmless."""

import html
import re
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.unit.sandbox.sandbox_process import SandboxProcess, contact

HOSTILE = "\"'></iframe><script>alert(1)</script><img src=x onerror=alert(1)>{{ 1009*1009 }}"


def test_an_empty_inbox_says_what_to_do_next(home: Path) -> None:
    with SandboxProcess(home) as empty:
        page = empty.call("GET", "/").body.decode()

    assert "No mail has arrived yet" in page
    assert "sends through any mail provider arrives here" in page
    assert f"http://127.0.0.1:{empty.port}/mailgun/v3/" in page
    assert "drumbeat send LEAD_CAPTURE" in page
    assert "Without such a flow the event is recorded, and nothing follows from it." in page
    for command in ("list", "plan NAME", "approve NAME", "run NAME", "preview NAME"):
        assert f"drumbeat campaign {command}" in page


def test_every_page_has_one_heading_that_names_it(sandbox: SandboxProcess) -> None:
    sandbox.mailgun("v-0", html="")
    place = _newest(sandbox.call("GET", "/").body.decode())

    for path in ("/", "/activity", "/lies", f"/mail/{place}?view=record"):
        assert sandbox.call("GET", path).body.decode().count("<h1>") == 1, path


def test_received_mail_is_listed_and_opened(sandbox: SandboxProcess) -> None:
    sandbox.mailgun("v-1", subject="Welcome aboard", html="<h1>Hi</h1>")
    inbox = sandbox.call("GET", "/").body.decode()
    place = _newest(inbox)

    message = sandbox.call("GET", f"/mail/{place}").body.decode()
    text = sandbox.call("GET", f"/mail/{place}?view=text").body.decode()
    headers = sandbox.call("GET", f"/mail/{place}?view=headers").body.decode()
    trail = sandbox.call("GET", f"/mail/{place}?view=record").body.decode()

    assert "Welcome aboard" in inbox
    assert "<h1>Hi</h1>" in html.unescape(_srcdoc(message))
    assert "It works." in text
    assert "Message-Id" in headers
    assert "/v3/mg.example.com/messages" in trail


def test_a_mail_without_a_marker_shows_its_own_request(sandbox: SandboxProcess) -> None:
    sandbox.mailgun("", **{"h:Message-Id": "", "v:effect-id": ""})

    place = _newest(sandbox.call("GET", "/").body.decode())
    trail = sandbox.call("GET", f"/mail/{place}?view=record").body.decode()

    assert "<code>POST /v3/mg.example.com/messages</code>" in trail


def test_hostile_mail_is_escaped_everywhere(sandbox: SandboxProcess) -> None:
    hostile = {
        "subject": HOSTILE,
        "html": HOSTILE,
        "text": HOSTILE,
        "headers": {"X": HOSTILE},
        "tags": [{"name": HOSTILE}],
    }
    sandbox.resend("v-2", mail=hostile)
    sandbox.hubspot(contact("hostile@example.org", HOSTILE, firstname=HOSTILE))
    sandbox.call("POST", "/http/x/%3Cscript%3E", HOSTILE.encode(), webhook_id="<script>alert(1)</script>")
    place = _newest(sandbox.call("GET", "/").body.decode())
    search = urlencode({"q": HOSTILE})

    views = [f"/mail/{place}?view={view}&{search}" for view in ("html", "text", "headers", "record")]
    for path in ["/", f"/?{search}", "/activity", *views]:
        page = sandbox.call("GET", path).body.decode()
        assert "<script>alert" not in page, path
        assert "<img src=x" not in page, path
        assert "1018081" not in page, path


def test_a_mails_own_page_runs_nothing_and_loads_nothing(sandbox: SandboxProcess) -> None:
    sandbox.mailgun("v-3", html="<script>alert(1)</script>")
    place = _newest(sandbox.call("GET", "/").body.decode())

    reply = sandbox.call("GET", f"/mail/{place}")

    frame = re.search(r"<iframe[^>]*>", reply.body.decode())
    assert frame is not None
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in frame[0]
    assert "default-src 'none'" in html.unescape(_srcdoc(reply.body.decode()))
    policy = reply.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy


def test_a_mail_is_looked_at(sandbox: SandboxProcess) -> None:
    right = '<meta name="color-scheme" content="light dark"><a href="https://a.example">a</a>'
    leave = {"h:List-Unsubscribe": "<https://h.example/u/t>", "h:List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    sandbox.mailgun("v-20", html=right, **leave)
    good = sandbox.call("GET", f"/mail/{_newest(sandbox.call('GET', '/').body.decode())}").body.decode()
    sandbox.mailgun("v-21", html='<a href="#">a</a><img src="http://a.example/x.png">', text=" ", **{"h:List-Id": "x"})
    bad = sandbox.call("GET", f"/mail/{_newest(sandbox.call('GET', '/').body.decode())}").body.decode()

    names = ["text part", "links", "headers", "images", "size", "dark mode"]
    assert re.findall(r'badge (?:good|warn)">[✓!] ([^<]+)<', good) == names
    assert re.findall(r'badge good">✓ ([^<]+)<', good) == names
    assert re.findall(r'badge warn">! ([^<]+)<', bad) == [name for name in names if name != "size"]
    assert "<dt>Links</dt><dd># leads nowhere</dd>" in bad
    assert "<dd>List-Unsubscribe holds no address to leave the list by</dd>" in bad


def test_a_mail_is_shown_in_the_dark(sandbox: SandboxProcess) -> None:
    sandbox.mailgun("v-22", html="<p>Hi</p>")
    place = _newest(sandbox.call("GET", "/").body.decode())

    dark = sandbox.call("GET", f"/mail/{place}?view=dark").body.decode()

    assert '<iframe class="paper dark"' in dark
    assert _srcdoc(dark) == _srcdoc(sandbox.call("GET", f"/mail/{place}").body.decode())


def test_a_mail_received_twice_has_a_badge(sandbox: SandboxProcess) -> None:
    sandbox.mailgun("v-4", to="twice@example.org")
    before = sandbox.call("GET", "/?q=twice@example.org").body.decode()
    sandbox.mailgun("v-4", to="twice@example.org")
    after = sandbox.call("GET", "/?q=twice@example.org").body.decode()

    assert "received twice" not in before
    assert after.count("received twice") == 2


def test_the_same_mail_under_two_markers_has_a_badge(sandbox: SandboxProcess) -> None:
    sandbox.mailgun("v-5", to="alike@example.org")
    sandbox.mailgun("v-6", to="alike@example.org")

    assert sandbox.call("GET", "/?q=alike@example.org").body.decode().count("same content") == 2


def test_each_cell_of_a_table_names_its_column_for_narrow_pages(sandbox: SandboxProcess) -> None:
    sandbox.mailgun("v-30")
    sandbox.hubspot(contact("ada@example.org", "v-31"))
    sandbox.call("POST", "/http/leads", b"{}", webhook_id="v-32")
    sandbox.inject("429", provider="resend")
    place = _newest(sandbox.call("GET", "/").body.decode())

    for path, tables in (("/activity", 3), ("/lies", 1), (f"/mail/{place}?view=record", 1)):
        found = re.findall(r"<table.*?</table>", sandbox.call("GET", path).body.decode(), re.DOTALL)
        assert len(found) == tables, path
        for table in found:
            heads = re.findall(r"<th\b[^>]*>([^<]+)</th>", table)
            first = table.partition("<tbody>")[2].partition("</tr>")[0]
            assert re.findall(r'<td data-name="([^"]+)"', first) == heads, path


def test_search_finds_a_recipient(sandbox: SandboxProcess) -> None:
    sandbox.mailgun("v-7", to="findme@example.org", subject="Found")
    sandbox.mailgun("v-8", to="other@example.org", subject="Not this")

    page = sandbox.call("GET", "/?q=FindMe").body.decode()

    assert "Found" in page
    assert "Not this" not in page
    assert "No mail matches" in sandbox.call("GET", "/?q=no-such-recipient").body.decode()


def test_the_mail_api_lists_what_the_inbox_shows(sandbox: SandboxProcess) -> None:
    sandbox.resend("v-9", mail={"to": ["api@example.org"], "subject": "As JSON", "html": "<p>x</p>"})

    items = sandbox.call("GET", "/_sandbox/mail?q=api@example.org").json["items"]

    assert [(one["subject"], one["html"], one["marker"], one["copies"]) for one in items] == [
        ("As JSON", "<p>x</p>", "v-9", 1)
    ]


def test_faults_are_set_and_stopped_by_forms(sandbox: SandboxProcess) -> None:
    common = {"provider": "mailgun", "rate": "1", "times": "", "match": "", "seed": "0", "account": ""}
    form = urlencode(common | {"lie": "accept_then_500", "accept_then_500.status": "502", "429.seconds": "2"})
    kind = {"content_type": "application/x-www-form-urlencoded"}

    answer = sandbox.call("POST", "/lies", form, **kind)
    failed = sandbox.mailgun("v-10").status
    page = sandbox.call("GET", "/lies").body.decode()
    sandbox.call("POST", "/lies/drop", "", **kind)

    assert (answer.status, answer.headers["location"]) == (303, "/lies")
    assert failed == 502
    assert "status=502" in page
    assert sandbox.mailgun("v-10").status == 200


def test_a_wrong_form_says_so_and_changes_nothing(sandbox: SandboxProcess) -> None:
    reply = sandbox.call("POST", "/lies", "lie=429&rate=7", content_type="application/x-www-form-urlencoded")

    assert reply.status == 400
    assert "rate is a share between 0 and 1" in reply.body.decode()
    assert sandbox.call("GET", "/_sandbox/lies").json["items"] == []


@pytest.mark.parametrize(
    "headers",
    [{"host": "evil.example"}, {"origin": "https://evil.example"}, {"host": "evil.example:80"}, {"origin": "null"}],
)
def test_other_sites_cannot_send_commands(sandbox: SandboxProcess, headers: dict[str, str]) -> None:
    reply = sandbox.call("POST", "/_sandbox/lies", {"lie": "accept_then_500"}, **headers)

    assert reply.status == 403
    assert sandbox.call("GET", "/_sandbox/lies").json["items"] == []


@pytest.mark.parametrize(
    "path", ["/pages/../sandbox.py", "/pages/%2e%2e/x.css", "/pages/base.html", "/mail/999999", "/nowhere"]
)
def test_nothing_else_is_served(sandbox: SandboxProcess, path: str) -> None:
    assert sandbox.call("GET", path).status == 404


def test_the_pages_bring_everything_with_them(sandbox: SandboxProcess) -> None:
    for path in ("/", "/activity", "/lies"):
        page = sandbox.call("GET", path).body.decode()
        assets = re.findall(r'(?:src|href)="(/pages/[^"]+)"', page)
        assert not re.findall(r'(?:src|href)="https?://', page)
        assert assets
        assert {sandbox.call("GET", asset).status for asset in assets} == {200}


def _newest(inbox: str) -> str:
    found = re.search(r'href="/mail/(\d+)', inbox)
    assert found is not None
    return found[1]


def _srcdoc(page: str) -> str:
    found = re.search(r'srcdoc="([^"]*)"', page)
    assert found is not None
    return found[1]
