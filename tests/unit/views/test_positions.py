"""The cursor of a person's history names one entry, and nothing is told twice or left out at an instant of many."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from drumbeat.core.errors import Invalid
from drumbeat.views.positions import CONSENT, EVENT, SUPPRESSION, Position, contact_of, following, read, seq_of

AT = datetime(2026, 11, 1, 9, 0, 0, 123456, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
ID = UUID("0123456789abcdef0123456789abcdef")
FIRST = UUID(int=0)


@pytest.mark.parametrize(
    "position",
    [
        Position(AT, EVENT, ID.hex),
        Position(AT, EVENT, ID.hex, UUID(int=7)),
        Position(AT, CONSENT, ID.hex),
        Position(AT, SUPPRESSION, f"0000000a{b'ada'.hex()}"),
    ],
)
def test_a_position_is_read_from_its_cursor(position: Position) -> None:
    assert read(str(position)) == position
    assert read(None) is None


@pytest.mark.parametrize(
    "cursor",
    [
        *("", "x", "1", "1-2", f"1-3-{ID.hex}", f"1-2-{ID}", f"1-1-{ID.hex}-x", f"-1-2-{ID.hex}", "1-0-0000000"),
        *(f"1-0-{'0' * 9}", f"{10**17}-2-{ID.hex}", f"\u0661-2-{ID.hex}", f"1-2-{ID.hex}\n"),
    ],
)
def test_any_other_text_is_refused(cursor: str) -> None:
    with pytest.raises(Invalid, match="cursor"):
        read(cursor)


def test_of_one_instant_what_was_told_is_left_out_and_what_was_not_is_told() -> None:
    after_consent = following(Position(AT, CONSENT, ID.hex))
    after_event = following(Position(AT, EVENT, ID.hex))
    after_suppression = following(Position(AT, SUPPRESSION, f"0000000a{b'ada'.hex()}"))

    assert (after_consent["consent_at"], after_consent["consent"]) == (AT, ID)
    assert (after_consent["event_at"], after_consent["event"]) == (AT + MICROSECOND, FIRST)  # those of AT too
    assert (after_consent["suppression_at"], after_consent["seq"], after_consent["contact"]) == (AT, 0, b"\0" * 12)
    assert (after_event["consent_at"], after_event["consent"]) == (AT, FIRST)  # none of AT
    assert (after_suppression["suppression_at"], after_suppression["seq"]) == (AT, 10)
    assert after_suppression["contact"] == b"ada"


def test_a_suppression_is_named_by_its_number_and_its_contact() -> None:
    assert (seq_of("0000000aff00"), contact_of("0000000aff00")) == (10, b"\xff\x00")
