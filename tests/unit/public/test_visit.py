"""What the head of a request says, and what of it is kept."""

import pytest

from drumbeat.public.visit import Visit


def visit(ip: str = "203.0.113.77", **headers: str) -> Visit:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Visit.of({"headers": named, "requestContext": {"http": {"method": "GET", "sourceIp": ip}}})


@pytest.mark.parametrize(
    ("asked", "locale"),
    [
        ("", None),
        ("fr, es;q=0.9", None),
        ("de", "de"),
        ("DE-at", "de"),
        ("fr, en-GB;q=0.8, de;q=0.9", "de"),
        ("de;q=0, en", "en"),
        ("de;q=x, *", None),
        (";;;,,", None),
        ("de-CH-1996", "de"),
    ],
)
def test_the_language_is_what_the_browser_asks_for_first(asked: str, locale: str | None) -> None:
    assert visit(accept_language=asked).locale == locale


@pytest.mark.parametrize(
    ("ip", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1::/48"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("unknown", ""),
    ],
)
def test_of_an_address_its_network_is_kept(ip: str, network: str) -> None:
    assert visit(ip).network == network


@pytest.mark.parametrize(
    ("headers", "page"),
    [
        ({"referer": "https://a.example/x?mail=ada@example.com#y"}, "https://a.example/x"),
        ({"referer": "https://ada:secret@a.example/x"}, "https://a.example/x"),
        ({"referer": "javascript:alert(1)", "origin": "https://a.example"}, "https://a.example"),
        ({"referer": "https://[bad", "origin": "null"}, ""),
        ({}, ""),
    ],
)
def test_of_a_page_its_address_is_kept_without_what_may_be_personal(headers: dict[str, str], page: str) -> None:
    assert visit(**headers).page == page
