"""The buttons of a mail in the inbox: they lead to the stack that the sandbox was started for, and nowhere else."""

import html
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import override

import pytest

from drumbeat.sandbox.front import Front
from tests.unit.sandbox.sandbox_process import SandboxProcess

TOKEN = "dQ-0_tokenOfAMail"


@dataclass
class FakeFront:
    """A stack's front that notes what is asked, and answers as it is set."""

    port: int = 0
    status: int = 200
    asked: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def front_server() -> Iterator[FakeFront]:
    front = FakeFront()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            front.asked.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(front.status)
            self.send_header("location", "/elsewhere")
            self.send_header("content-length", "0")
            self.end_headers()

        @override
        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    front.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield front
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def front() -> Iterator[FakeFront]:
    with front_server() as running:
        yield running


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory, front: FakeFront) -> Iterator[SandboxProcess]:
    with SandboxProcess(tmp_path_factory.mktemp("sandbox"), "--front", front.url) as running:
        yield running


@pytest.fixture(autouse=True)
def asked_nothing(front: FakeFront) -> None:
    front.asked.clear()
    front.status = 200


def test_unsubscribe_posts_as_a_mailbox_provider_does_and_shows_the_status(
    sandbox: SandboxProcess, front: FakeFront
) -> None:
    mail = opened(sandbox, **{"h:List-Unsubscribe": f"<mailto:leave@example.com>, <{front.url}/u/{TOKEN}>"})

    answer = sandbox.call("POST", action(mail), "", origin=f"http://127.0.0.1:{sandbox.port}")

    assert answer.status == 303
    [(method, path, headers, body)] = front.asked
    assert (method, path, body) == ("POST", f"/u/{TOKEN}", b"List-Unsubscribe=One-Click")
    assert headers["content-type"] == "application/x-www-form-urlencoded"
    assert not headers.keys() & {"cookie", "origin", "referer"}
    after = sandbox.call("GET", answer.headers["location"]).body.decode()
    assert "was answered with 200 OK" in after
    assert (button(mail), button(after)) == ("Unsubscribe", "Unsubscribe again")


def test_a_redirect_is_shown_and_not_followed(sandbox: SandboxProcess, front: FakeFront) -> None:
    front.status = 302
    mail = opened(sandbox, **{"h:List-Unsubscribe": f"<{front.url}/u/{TOKEN}>"})

    answer = sandbox.call("POST", action(mail), "")

    assert len(front.asked) == 1
    after = sandbox.call("GET", answer.headers["location"]).body.decode()
    assert "was answered with 302 Found" in after
    assert "Not unsubscribed." in after
    assert button(after) == "Unsubscribe"


def test_resend_mails_have_the_button_too(sandbox: SandboxProcess, front: FakeFront) -> None:
    sandbox.resend("r-unsubscribe", mail={"headers": {"list-unsubscribe": f"<{front.url}/u/{TOKEN}>"}})

    assert action(newest(sandbox))


@pytest.mark.parametrize("part", ["text", "html"])
def test_confirm_opens_the_page_that_the_mail_links_to(sandbox: SandboxProcess, front: FakeFront, part: str) -> None:
    link = f"{front.url}/c/{TOKEN}"

    mail = opened(sandbox, **{part: f'Is it you? <a href="{link}">Yes</a>.'})

    assert re.search(rf'<a class="button" href="{re.escape(link)}" target="_blank" rel="noopener noreferrer">', mail)
    assert front.asked == []


@pytest.mark.parametrize(
    "address",
    [
        "https://hooks.example.com/u/{token}",
        "http://127.0.0.1:1/u/{token}",
        "{front}@example.com/u/{token}",
        "{front}/v1/events",
        "{front}/u/{token}/../../v1/events",
        "{front}/u/{token}?to=elsewhere",
        "mailto:leave@example.com",
    ],
)
def test_a_mail_whose_link_leads_elsewhere_has_no_button(
    sandbox: SandboxProcess, front: FakeFront, address: str
) -> None:
    address = address.format(front=front.url, token=TOKEN)
    mail = opened(sandbox, text=address.replace("/u/", "/c/?"), **{"h:List-Unsubscribe": f"<{address}>"})
    place = re.search(r'aria-current="true"', mail)

    posted = sandbox.call("POST", f"{newest_path(sandbox)}/unsubscribe", "")

    assert place
    assert 'class="button"' not in mail
    assert "/unsubscribe" not in re.sub(r"<iframe.*?</iframe>", "", mail)
    assert posted.status == 404
    assert front.asked == []


def test_another_sites_page_cannot_press_the_button(sandbox: SandboxProcess, front: FakeFront) -> None:
    mail = opened(sandbox, **{"h:List-Unsubscribe": f"<{front.url}/u/{TOKEN}>"})

    assert sandbox.call("POST", action(mail), "", origin="https://evil.example").status == 403
    assert front.asked == []


def test_a_stack_that_is_down_is_said_and_providers_go_on_answering(tmp_path: Path) -> None:
    with front_server() as gone:
        pass
    with SandboxProcess(tmp_path / "home", "--front", gone.url) as sandbox:
        mail = opened(sandbox, **{"h:List-Unsubscribe": f"<{gone.url}/u/{TOKEN}>"})

        answer = sandbox.call("POST", action(mail), "")

        assert "press again once the stack is up" in sandbox.call("GET", answer.headers["location"]).body.decode()


def test_a_sandbox_without_a_stack_shows_no_button(tmp_path: Path) -> None:
    with SandboxProcess(tmp_path / "home") as sandbox:
        mail = opened(sandbox, **{"h:List-Unsubscribe": f"<http://127.0.0.1:8787/u/{TOKEN}>"})

        assert "/unsubscribe" not in mail
        assert sandbox.call("POST", f"{newest_path(sandbox)}/unsubscribe", "").status == 404


@pytest.mark.parametrize(
    "url", ["https://hooks.example.com", "http://hooks.example.com:80", "http://127.0.0.1", "ftp:"]
)
def test_only_a_front_of_this_machine_is_taken(url: str) -> None:
    with pytest.raises(ValueError, match="on this machine"):
        Front.at(url)


def test_a_mail_of_the_stack_leads_to_the_page_of_its_effect_and_any_other_nowhere(
    sandbox: SandboxProcess, front: FakeFront
) -> None:
    effect = "0c825492-f464-7558-9a6e-a42e50d93118"
    sandbox.mailgun(f"{effect}-2")

    assert f'href="{front.url}/effects/{effect}"' in newest(sandbox)
    assert "/effects/" not in opened(sandbox)


def opened(sandbox: SandboxProcess, **fields: str) -> str:
    """Return the page of a mail that has just arrived."""
    sandbox.mailgun("", **fields)
    return newest(sandbox)


def newest(sandbox: SandboxProcess) -> str:
    return sandbox.call("GET", newest_path(sandbox)).body.decode()


def newest_path(sandbox: SandboxProcess) -> str:
    found = re.search(r'href="(/mail/\d+)', sandbox.call("GET", "/").body.decode())
    assert found is not None
    return found[1]


def action(mail: str) -> str:
    """Return where the mail's button posts."""
    found = re.search(r'action="(/mail/\d+/unsubscribe)"', html.unescape(mail))
    assert found is not None
    return found[1]


def button(mail: str) -> str:
    """Return what the mail's button says."""
    found = re.search(r'/unsubscribe"><button[^>]*>([^<]+)<', mail)
    assert found is not None
    return found[1]
