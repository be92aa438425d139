"""A link's token names one mail, for ever, and nothing else can be made of it."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from hmac import digest
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumbeat.people.tokens import LENGTH, Kind, Tokens

MAIL = UUID("3f9c0d0e-6d3a-4f0e-9a53-0f6c7a2c9a11")
TOKENS = Tokens("prod", [b"k" * 32])


def test_a_token_names_the_mail_that_it_was_issued_for() -> None:
    token = TOKENS.issue(Kind.UNSUBSCRIBE, MAIL)

    assert TOKENS.read(Kind.UNSUBSCRIBE, token) == MAIL
    assert (len(token), token) == (LENGTH, TOKENS.issue(Kind.UNSUBSCRIBE, MAIL))


def test_a_retired_key_still_verifies_and_signs_no_more() -> None:
    january = TOKENS.issue(Kind.UNSUBSCRIBE, MAIL)
    rotated = Tokens("prod", [b"n" * 32, b"k" * 32])

    assert rotated.read(Kind.UNSUBSCRIBE, january) == MAIL
    assert rotated.issue(Kind.UNSUBSCRIBE, MAIL) != january


@pytest.mark.parametrize(
    "others",
    [Tokens("dev", [b"k" * 32]), Tokens("prod", [b"x" * 32])],
    ids=["another stage", "another secret"],
)
def test_a_token_of_another_place_is_none(others: Tokens) -> None:
    assert others.read(Kind.UNSUBSCRIBE, TOKENS.issue(Kind.UNSUBSCRIBE, MAIL)) is None


def test_a_token_that_confirms_does_not_unsubscribe() -> None:
    token = TOKENS.issue(Kind.CONFIRM, MAIL)

    assert TOKENS.read(Kind.UNSUBSCRIBE, token) is None
    raw = urlsafe_b64decode(f"{token}==")
    assert TOKENS.read(Kind.UNSUBSCRIBE, urlsafe_b64encode(b"u" + raw[1:]).rstrip(b"=").decode()) is None


@given(st.integers(0, 37 * 8 - 1))
def test_a_token_with_any_bit_changed_is_none(bit: int) -> None:
    raw = bytearray(urlsafe_b64decode(f"{TOKENS.issue(Kind.UNSUBSCRIBE, MAIL)}=="))
    raw[bit // 8] ^= 1 << bit % 8

    assert TOKENS.read(Kind.UNSUBSCRIBE, urlsafe_b64encode(bytes(raw)).rstrip(b"=").decode()) is None


@given(st.text(max_size=80) | st.text(min_size=LENGTH, max_size=LENGTH))
def test_anything_else_is_none_and_never_an_error(text: str) -> None:
    assert TOKENS.read(Kind.UNSUBSCRIBE, text) is None


def test_a_token_has_one_spelling() -> None:
    token = TOKENS.issue(Kind.UNSUBSCRIBE, MAIL)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    twin = token[:-1] + alphabet[alphabet.index(token[-1]) ^ 1]  # the last character has bits that mean nothing

    assert [TOKENS.read(Kind.UNSUBSCRIBE, each) for each in (token[:-1], f"{token}=", f" {token}", twin)] == [None] * 4


def test_a_token_holds_the_ids_of_key_and_mail_and_a_signature_and_no_address() -> None:
    """To the byte as it was issued first: links never expire."""
    raw = urlsafe_b64decode(f"{TOKENS.issue(Kind.UNSUBSCRIBE, MAIL)}==")

    head = b"u" + sha256(b"k" * 32).digest()[:4] + MAIL.bytes
    assert raw == head + digest(b"k" * 32, b"prod\0" + head, "sha256")[:16]


def test_every_mail_has_another_token() -> None:
    tokens = {TOKENS.issue(Kind.UNSUBSCRIBE, UUID(int=number)) for number in range(1000)}

    assert len(tokens) == 1000
