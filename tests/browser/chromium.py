"""Debian's Chromium without a window, driven by Playwright."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from tests.browser.looks import DESKTOP, Look
from tests.browser.tab import Tab

PROGRAM = shutil.which("chromium")
# The sandbox of Chromium needs what root and containers do not have; /dev/shm may be small.
OPTIONS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")
WAIT_MILLISECONDS = 20_000


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Chromium, and end it.

    Playwright keeps the event loop of the thread that starts it: in between, nothing else may run one there.
    """
    assert PROGRAM is not None, "apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=OPTIONS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def new_tab(browser: Browser, look: Look = DESKTOP, *, scripts: bool = True) -> Iterator[Tab]:
    """Open a tab that shares nothing with another: no cookie, no cache, no storage. Without `scripts` it runs none."""
    context = browser.new_context(
        viewport={"width": look.width, "height": look.height},
        color_scheme=look.scheme,
        java_script_enabled=scripts,
        reduced_motion="reduce",
        locale="en-GB",
        timezone_id="Europe/Berlin",
    )
    context.set_default_timeout(WAIT_MILLISECONDS)
    try:
        yield Tab(context.new_page(), look)
    finally:
        context.close()
