"""What all words share: times, keys, names and texts that the ledger may keep."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumbeat.core.masking import holds_address
from drumbeat.providers.words.base import instant, name_of, named, our_key, word, words
from tests.unit.providers.words.payloads import KEY

NEW_YORK = ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-03-01T12:00:00Z", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("2016-04-27T16:28:50.3963933-04:00", datetime(2016, 4, 27, 20, 28, 50, 396393, tzinfo=UTC)),
        (1_700_000_000, datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
        (1_700_000_000.5, datetime(2023, 11, 14, 22, 13, 20, 500_000, tzinfo=UTC)),
        ("2026-03-01T12:00:00", None),
        ("0001-01-01T00:00:00+23:00", None),
        ("yesterday", None),
        (True, None),
        (None, None),
        (1e300, None),
        (float("nan"), None),
    ],
)
def test_a_time_is_read_in_utc_or_not_at_all(written: object, read: datetime | None) -> None:
    assert instant(written) == read


def test_a_time_without_an_offset_is_that_of_its_zone() -> None:
    assert instant("2026-07-01T08:00:00", NEW_YORK) == datetime(2026, 7, 1, 12, tzinfo=UTC)
    assert instant("2026-07-01T08:00:00Z", NEW_YORK) == datetime(2026, 7, 1, 8, tzinfo=UTC)


@pytest.mark.parametrize("other", ["", KEY[:-2], f"{KEY[:-2]}-0", f"{KEY[:-2]}-2147483648", f" {KEY}", f"{KEY}\n", 7])
def test_what_is_no_key_of_ours_is_none(other: object) -> None:
    assert our_key(other) is None
    assert our_key(KEY) == KEY


@given(st.text(), st.text())
def test_no_text_that_is_kept_holds_an_address_or_cannot_be_printed(before: str, after: str) -> None:
    said = f"{before} ada@example.com {after} bob%2540example.org{after}"

    for kept in (words(said), word(said, after), named(said, before)):
        assert not holds_address(kept)
        assert kept.isprintable()


def test_an_address_at_the_end_of_a_long_text_is_left_out_whole() -> None:
    said = words(f"{'x ' * 245}ada.lovelace@example.com was not found")

    assert "lovelace" not in said


@pytest.mark.parametrize("unusable", [None, "", "a" * 256, "two\nlines", "ada@example.com", True, ["x"], 10**40])
def test_a_name_that_cannot_be_one_gives_way_to_the_content(unusable: object) -> None:
    assert named(unusable, "content") == name_of("content")


def test_a_name_that_can_be_one_is_the_providers_own() -> None:
    assert named("ncV2XwymRUKbPek_MIM-Gw", "content") == "ncV2XwymRUKbPek_MIM-Gw"
    assert named(42, "content") == "42"
