import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumbeat.core.address import InvalidAddress, contact_key, normalise


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (" Ada@EXAMPLE.com\n", "Ada@example.com"),
        ("ada+news@mail.example.co.uk", "ada+news@mail.example.co.uk"),
        ("ada@BÜCHER.example", "ada@xn--bcher-kva.example"),
        ("o'neil@example.com", "o'neil@example.com"),
    ],
)
def test_an_address_has_one_spelling(given: str, expected: str) -> None:
    assert normalise(given) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ada",
        "@example.com",
        "ada@",
        "ada@example",
        "ada@-example.com",
        "ada@example..com",
        "ada@[127.0.0.1]",
        "Ada <ada@example.com>",
        "ada@example.com, eve@example.com",
        "ada@example.com;eve@example.com",
        "ada@example.com\nBcc: eve@example.com",
        "ada\r\nBcc:eve@example.com",
        "ada eve@example.com",
        '"ada"@example.com',
        "a..b@example.com",
        "ada\x00@example.com",
        "ada\ud800@example.com",
        f"{'a' * 65}@example.com",
        f"ada@{'a' * 64}.com",
        f"ada@{'a.' * 126}com",
    ],
)
def test_what_is_not_one_plain_address_is_refused_without_being_quoted(text: str) -> None:
    with pytest.raises(InvalidAddress) as refused:
        normalise(text)

    assert "ada" not in str(refused.value)


@given(st.text())
def test_normalising_is_stable_and_never_lets_a_line_break_through(text: str) -> None:
    try:
        once = normalise(text)
    except InvalidAddress:
        return
    assert normalise(once) == once
    assert once.isprintable()
    assert once.count("@") == 1


def test_letter_case_does_not_make_another_person() -> None:
    assert contact_key(b"secret", "ADA@Example.com ") == contact_key(b"secret", "ada@example.com")


def test_another_address_or_secret_gives_another_key() -> None:
    keys = {
        contact_key(b"one", "ada@example.com"),
        contact_key(b"two", "ada@example.com"),
        contact_key(b"one", "eve@x.y"),
    }

    assert len(keys) == 3
    assert all(len(key) == 32 for key in keys)


@given(st.binary(min_size=1), st.text())
def test_any_text_has_a_key(secret: bytes, text: str) -> None:
    assert len(contact_key(secret, text)) == 32
