"""Frozen bytes stay the same bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumbeat.core.request import Request
from drumbeat.delivery.requests import freeze, thaw

TEXT = st.text(max_size=40)


@pytest.mark.point(45)
@given(url=TEXT, headers=st.dictionaries(TEXT, TEXT, max_size=4), body=st.binary(max_size=400))
def test_a_thawed_request_is_the_one_that_was_frozen(url: str, headers: dict[str, str], body: bytes) -> None:
    request = Request("POST", url, headers, body)

    assert thaw(*freeze(request)) == request


@pytest.mark.point(45)
def test_bytes_that_do_not_match_their_hash_are_never_sent() -> None:
    frozen, _ = freeze(Request("POST", "https://a.example", {}, b"one"))
    _, other = freeze(Request("POST", "https://a.example", {}, b"two"))

    with pytest.raises(ValueError, match="does not match"):
        thaw(frozen, other)
