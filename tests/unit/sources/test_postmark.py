"""Postmark's webhooks, which nothing signs: a user name and password, or the value of a header."""

from base64 import b64encode

import pytest

from drumbeat.sources.postmark import SCHEME
from drumbeat.sources.signature import Allowed, Delivery, Unverified, content_key

BODY = b'{"RecordType": "Delivery", "MessageID": "m-1", "DeliveredAt": "2026-03-01T12:00:00Z"}'
HEADER = {"header": "X-Webhook-Secret"}


def verify(headers: dict[str, str], *secrets: str, options: dict[str, str] | None = None) -> str:
    delivery = Delivery("POST", "https://a.example/x", {name.lower(): value for name, value in headers.items()}, BODY)
    return SCHEME.verify(delivery, Allowed(secrets, 0, 300, options or {}))


def basic(pair: str) -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}


@pytest.mark.parametrize("pair", ["hook:sesame", "hook:se:same", "hook:søsame", "hook:" + "x" * 200])
def test_credentials_prove_a_delivery_which_its_content_names(pair: str) -> None:
    assert verify(basic(pair), pair) == content_key(BODY)


def test_the_name_of_the_scheme_is_written_in_any_case() -> None:
    written = {"Authorization": basic("hook:sesame")["Authorization"].replace("Basic", "basic")}

    assert verify(written, "hook:sesame") == content_key(BODY)


def test_either_of_two_secrets_is_good() -> None:
    assert verify(basic("hook:old"), "hook:new", "hook:old") == content_key(BODY)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        basic("hook:Sesame"),
        basic("other:sesame"),
        basic("hook:sesame "),
        basic("hook"),
        basic(":"),
        basic(""),
        {"Authorization": "Basic"},
        {"Authorization": "Basic *"},
        {"Authorization": "Basic /w=="},
        {"Authorization": "Bearer hook:sesame"},
        {"Authorization": "hook:sesame"},
        {"X-Webhook-Secret": "hook:sesame"},
    ],
)
def test_anything_else_proves_nothing(headers: dict[str, str]) -> None:
    with pytest.raises(Unverified) as refused:
        verify(headers, "hook:sesame")

    assert "sesame" not in str(refused.value)


def test_a_secret_that_is_no_pair_is_named_and_is_never_a_password() -> None:
    for pair in ("sesame", "sesame:", ":sesame"):
        with pytest.raises(Unverified, match="user:password"):
            verify(basic(pair), "sesame")


def test_a_header_of_ones_own_proves_a_delivery() -> None:
    assert verify({"X-Webhook-Secret": "sesame"}, "sesame", options=HEADER) == content_key(BODY)


@pytest.mark.parametrize("headers", [{}, {"X-Webhook-Secret": "Sesame"}, {"X-Webhook-Secret": ""}, basic("sesame:")])
def test_another_value_of_that_header_proves_nothing(headers: dict[str, str]) -> None:
    with pytest.raises(Unverified):
        verify(headers, "sesame", options=HEADER)


def test_what_lacks_the_header_is_refused_unread() -> None:
    assert SCHEME.signature_headers({}) == ("Authorization",)
    assert SCHEME.signature_headers(HEADER) == ("X-Webhook-Secret",)


@pytest.mark.parametrize(
    ("name", "good"), [("X-Webhook-Secret", True), ("X Secret", False), ("X:", False), ("", False)]
)
def test_a_header_is_named_as_http_names_them(name: str, good: bool) -> None:
    problem = SCHEME.options["header"].problem

    assert problem is not None
    assert (problem(name) is None) is good
