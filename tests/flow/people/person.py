"""A person at a browser without scripts: reads pages, presses their buttons, and reads mail in the sandbox's inbox."""

import re
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urljoin

import httpx

from drumbeat.public.stamps import PERSON_SECONDS
from tests.flow.people.pages import PageForm, forms_of
from tests.flow.stacks import Stack, eventually

BROWSER = {"accept": "text/html,application/xhtml+xml", "user-agent": "Mozilla/5.0", "origin": "null"}


@dataclass
class OpenPage:
    """A page that is shown, and when it was opened."""

    url: str
    forms: list[PageForm]
    opened: float

    def read(self) -> None:
        """Take as long as a person does; a page takes what comes sooner for a program's."""
        time.sleep(max(0.0, self.opened + PERSON_SECONDS + 0.1 - time.monotonic()))


@dataclass
class Person:
    """One address. Each method fails when a page does not answer as it should."""

    stack: Stack
    address: str

    def open(self, url: str) -> OpenPage:
        """Open a page of the stack."""
        answer = httpx.get(url, headers=BROWSER, timeout=40)
        assert answer.status_code == 200, answer.text
        return OpenPage(url, forms_of(answer.text), time.monotonic())

    def open_form(self, source: str = "signup") -> OpenPage:
        """Open the hosted page of a form."""
        return self.open(f"{self.stack.ready['url']}/f/{source}")

    def press(self, page: OpenPage, **typed: str) -> str:
        """Press the first button of a page after reading it, and return the page that follows."""
        page.read()
        form = page.forms[0]
        fields = form.fields | typed | form.buttons[0]
        answer = httpx.post(urljoin(page.url, form.action or page.url), data=fields, headers=BROWSER, timeout=40)
        assert answer.status_code in (200, 202), answer.text
        return answer.text

    def signs_up(self, page: OpenPage | None = None) -> str:
        """Fill the hosted form and send it."""
        return self.press(page or self.open_form(), email=self.address, name="Ada")

    def mails(self, subject: str) -> list[dict[str, Any]]:
        """Return the mails of a subject that arrived, oldest first."""
        return [mail for mail in reversed(self.stack.mails(self.address)) if mail["subject"] == subject]

    def gets(self, subject: str, number: int = 1) -> dict[str, Any]:
        """Wait until so many mails of a subject have arrived, and return the newest."""
        eventually(lambda: len(self.mails(subject)) >= number)
        mails = self.mails(subject)
        assert len(mails) == number
        return mails[-1]

    def inbox_page(self, mail: dict[str, Any]) -> tuple[str, str]:
        """Return path and text of the page of a mail in the inbox."""
        url = self.stack.ready["sandbox_url"]
        listed = httpx.get(f"{url}/?q={quote(mail['marker'])}").text
        [path] = re.findall(r'href="(/mail/\d+)', listed)
        return path, httpx.get(f"{url}{path}").text

    def opens_confirmation(self, mail: dict[str, Any]) -> OpenPage:
        """Press "Confirm" in the inbox: it opens the page with the button that confirms."""
        _, page = self.inbox_page(mail)
        [link] = re.findall(r'<a class="button" href="([^"]+/c/[^"]+)"', page)
        return self.open(link)

    def confirms(self, mail: dict[str, Any]) -> str:
        """Open the page that a mail links to, and press its button."""
        return self.press(self.opens_confirmation(mail))

    def unsubscribes(self, mail: dict[str, Any]) -> str:
        """Press "Unsubscribe" in the inbox, and return the page that shows what was answered."""
        path, page = self.inbox_page(mail)
        assert f'action="{path}/unsubscribe"' in page
        return httpx.post(
            f"{self.stack.ready['sandbox_url']}{path}/unsubscribe", follow_redirects=True, timeout=60
        ).text


def unsubscribe_url(mail: dict[str, Any]) -> str:
    """Return what List-Unsubscribe names."""
    return str(mail["headers"]["List-Unsubscribe"]).strip("<>")


def links(mail: dict[str, Any]) -> set[str]:
    """Return every web address in both parts of a mail and in its headers."""
    texts = [mail["text"] or "", mail["html"] or "", *map(str, mail["headers"].values())]
    return {link for text in texts for link in re.findall(r"https?://[^\s\"'<>]+", text)}


def one_click(url: str, *, multipart: bool = False) -> httpx.Response:
    """Post as a mailbox provider does (RFC 8058): no cookie, no Origin, either encoding."""
    name, value = "List-Unsubscribe", "One-Click"
    if multipart:
        return httpx.post(url, files={name: (None, value)}, timeout=40)
    return httpx.post(url, data={name: value}, timeout=40)
