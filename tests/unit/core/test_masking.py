"""Addresses are left out of texts, however they are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumbeat.core.masking import addresses, holds_address, plain, without_addresses


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("ask ada@example.com, she knows", "ask [address], she knows"),
        ("<ada@example.com>", "<[address]>"),
        ("ada%40example.com", "[address]"),
        ("ada＠example.com", "[address]"),
        ("ada%2540example.com ada%EF%BC%A0example.com", "[address] [address]"),
        ("mailto:ada@example.com and bob@example.org", "mailto:[address] and [address]"),
        ('"ada lovelace"@example.com', "[address]"),
        ("ada@[192.0.2.1]", "[address]"),
        ("müller@bücher.example", "[address]"),
        ("HTTP 422: 5 % of ½ @ noon", "HTTP 422: 5 % of ½ @ noon"),
    ],
)
def test_what_looks_like_an_address_is_left_out_and_nothing_else(text: str, left: str) -> None:
    assert without_addresses(text) == left


@given(st.text().filter(lambda text: "%" not in plain(text)))
def test_nothing_that_looks_like_an_address_is_left(text: str) -> None:
    assert not holds_address(without_addresses(f"{text} ada@example.com {text}").replace("[address]", ""))


def test_a_long_text_costs_no_more_than_its_length() -> None:
    long = "a" * 200_000

    assert without_addresses(f"{long}@{long}") == "[address]"
    assert without_addresses(f"@{long} {long}") == f"@{long} {long}"
    assert without_addresses('"' * 200_000) == '"' * 200_000


def test_what_looks_like_an_address_is_found_as_it_is_meant() -> None:
    assert list(addresses('from "Ada" <ada@x.co>, or bob%40y.example; no @ here')) == ["ada@x.co", "bob@y.example"]
