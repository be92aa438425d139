"""Programs that open mails and follow links are told by how they show themselves."""

import pytest

from drumbeat.core.scanners import is_scanner, opened_by_machine

BROWSER = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari"
IMAGES = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"


@pytest.mark.parametrize(
    ("user_agent", "address"),
    [
        ("Mozilla/5.0", "104.28.30.1"),
        ("mozilla/5.0 ", ""),
        ("", "17.58.1.2"),
        ("Barracuda Sentinel (EE)", ""),
        ("Mozilla/5.0 HeadlessChrome/142.0", "192.0.2.1"),
    ],
)
def test_a_program_that_shows_itself_is_a_machine(user_agent: str, address: str) -> None:
    assert opened_by_machine(user_agent, address)


@pytest.mark.parametrize(
    ("user_agent", "address"),
    [(BROWSER, "17.58.1.2"), (BROWSER, ""), ("", "192.0.2.1"), ("", ""), ("", "no address"), ("", "2001:db8::1")],
)
def test_a_browser_or_silence_is_not_taken_for_a_machine(user_agent: str, address: str) -> None:
    assert not opened_by_machine(user_agent, address)


def test_an_image_proxy_opens_for_a_person_and_presses_for_no_one() -> None:
    assert not opened_by_machine(IMAGES, "66.249.84.1")
    assert is_scanner(IMAGES)
