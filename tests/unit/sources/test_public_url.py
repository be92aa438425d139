import pytest

from drumbeat.sources import public_url
from drumbeat.sources.signature import Allowed, Delivery

ARRIVED = "http://10.0.0.7:8080/v1/webhooks/texts"


@pytest.mark.parametrize(
    ("options", "query", "expected"),
    [
        ({}, "?a=1", f"{ARRIVED}?a=1"),
        ({"public_url": "https://hooks.example.com/x"}, "", "https://hooks.example.com/x"),
        ({"public_url": "https://hooks.example.com/x"}, "?a=1&b=%20", "https://hooks.example.com/x?a=1&b=%20"),
        ({"public_url": "https://hooks.example.com/x?old=1"}, "?a=1", "https://hooks.example.com/x?a=1"),
    ],
)
def test_the_signed_address_is_the_senders_with_the_deliverys_query(
    options: dict[str, str], query: str, expected: str
) -> None:
    delivery = Delivery("POST", ARRIVED + query, {}, b"")

    assert public_url.signed_url(delivery, Allowed([], 0, 300, options)) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.example/x?b=%20", ["https://a.example/x?b=%20", "https://a.example:443/x?b=%20"]),
        ("https://a.example:8443/x", ["https://a.example:8443/x", "https://a.example/x"]),
        ("http://127.0.0.1:80/x", ["http://127.0.0.1:80/x", "http://127.0.0.1/x"]),
        ("http://[::1]/x", ["http://[::1]/x", "http://[::1]:80/x"]),
    ],
)
def test_an_address_is_signed_with_its_port_or_without(url: str, expected: list[str]) -> None:
    assert public_url.spellings(url) == expected
