"""What makes two bodies the same."""

import hashlib

import pytest

from drumbeat.core import fingerprint
from drumbeat.core.errors import Invalid


def test_it_is_the_hash_of_the_canonical_form() -> None:
    canonical = (
        b'{"payload":{"a":"\xc3\xa9","b":[1,0.5,null,true]},"scheduledAt":"2030-01-01T00:00:00Z","type":"FEEDBACK"}'
    )

    found = fingerprint.of_api("FEEDBACK", {"b": [1.0, 0.5, None, True], "a": "é"}, "2030-01-01T00:00:00Z")

    assert found == hashlib.sha256(canonical).digest()


def test_a_time_that_is_not_given_is_not_part_of_it() -> None:
    assert fingerprint.of_api("FEEDBACK", {}, None) == hashlib.sha256(b'{"payload":{},"type":"FEEDBACK"}').digest()


@pytest.mark.parametrize("value", [2**53, float("inf"), "\ud800", {"\ud800": 1}])
@pytest.mark.point(1)
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(Invalid):
        fingerprint.of_api("FEEDBACK", {"a": value}, None)
