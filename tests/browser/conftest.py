from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.chromium import PROGRAM, chromium, new_tab
from tests.browser.tab import Tab


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests of this folder."""
    if PROGRAM is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    with chromium() as started:
        yield started


@pytest.fixture
def tab(browser: Browser) -> Iterator[Tab]:
    """A tab as wide as a desktop's."""
    with new_tab(browser) as tab:
        yield tab


@pytest.fixture
def other(browser: Browser) -> Iterator[Tab]:
    """Another person's tab."""
    with new_tab(browser) as tab:
        yield tab
