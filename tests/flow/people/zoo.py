"""The programs that follow the links of a mail before its reader does, by what they do. Each is given one link."""

import time
from collections.abc import Callable, Mapping
from urllib.parse import urljoin

import httpx

from tests.browser.tab import Tab
from tests.flow.people.pages import forms_of

# As most of them do, they call themselves a browser.
BROWSER = {"user-agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64)", "accept": "text/html,*/*"}
SCRIPTS_SECONDS = 1.0  # for which a browser that runs scripts stays on a page


def asks_for_heads(link: str) -> None:
    """HEAD, as programs that check whether a link is alive."""
    _ask("HEAD", link, {})


def gets_everything(link: str) -> None:
    """GET of a link and whatever it redirects to, several times, as gateways that look for malware."""
    for _ in range(3):
        _ask("GET", link, {})


def prefetches(link: str) -> None:
    """GET before anyone asked, as browsers and mail programs do."""
    for headers in (
        {"purpose": "prefetch", "x-moz": "prefetch"},
        {"sec-purpose": "prefetch;prerender", "sec-fetch-mode": "navigate"},
    ):
        _ask("GET", link, headers)


def runs_scripts(link: str, tab: Tab) -> None:
    """A headless browser that opens a page, lets its scripts run, waits, and follows nothing."""
    tab.open(link)
    tab.page.wait_for_timeout(SCRIPTS_SECONDS * 1000)


def clicks_everything(link: str) -> list[int]:
    """A program that presses every button and sends every form of a page within a second; returns the statuses."""
    page = httpx.get(link, headers=BROWSER, timeout=40)
    opened = time.monotonic()
    statuses = [
        httpx.post(urljoin(link, form.action or link), data=form.fields | button, headers=BROWSER).status_code
        for form in forms_of(page.text)
        for button in form.buttons
    ]
    assert time.monotonic() - opened < 2, "this machine was too slow for a scanner: nothing is shown by it"
    return statuses


def clicks_in_a_browser(link: str, tab: Tab) -> None:
    """The same by a headless browser, with all that a browser sends."""
    tab.open(link)
    assert tab.page.locator("form").count() > 0
    tab.press(first_button(tab))


def first_button(tab: Tab) -> str:
    """Return what is written on the first button of the page."""
    return tab.page.get_by_role("button").first.inner_text().strip()


# What changes nothing, without a browser.
QUIET: Mapping[str, Callable[[str], None]] = {
    "asks for heads": asks_for_heads,
    "gets everything": gets_everything,
    "prefetches": prefetches,
}


def _ask(method: str, link: str, headers: Mapping[str, str]) -> None:
    answer = httpx.request(method, link, headers=BROWSER | dict(headers), follow_redirects=True, timeout=40)
    assert answer.status_code == 200, answer.text
