"""How lists and lines fit a terminal."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import click
import pytest
from rich.cells import cell_len

from drumbeat.cli.instants import INSTANT
from drumbeat.cli.listing import age, as_csv, fitted, reason, shortener
from drumbeat.cli.watch import line

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
ITEM: dict[str, Any] = {
    "at": "2026-11-30T12:00:01.5Z",
    "effectId": "3f2a91c0-0000-0000-0000-000000000000",
    "fromStatus": "sending",
    "toStatus": "refused",
    "account": "mail",
    "recipient": "ada@example.com",
    "reasonCode": "refused_by_provider",
    "reasonDetail": "550 there is no such mailbox here at all",
    "reason": "the provider refused it",
    "flow": "welcome",
    "step": "hello",
}


def test_columns_keep_their_width_where_there_is_room() -> None:
    assert fitted([8, 9, 30], [None, None, 10], 80) == [8, 9, 30]


def test_the_last_column_is_cut_first_and_none_below_its_least() -> None:
    assert fitted([8, 20, 30], [None, 10, 10], 60) == [8, 20, 28]
    assert fitted([8, 20, 30], [None, 10, 10], 50) == [8, 20, 18]
    assert fitted([8, 25, 30], [None, 10, 10], 54) == [8, 22, 20]
    assert fitted([8, 25, 30], [None, 10, 10], 40) == [8, 18, 10]
    assert fitted([8, 20, 3], [None, 10, 10], 20) == [8, 10, 3]


def test_an_id_is_shortened_so_far_that_it_means_one_of_the_list() -> None:
    ids = ["3f2a91c0-aaaa", "3f2a91c0-aabb", "71c97503-0000"]

    assert [shortener(ids[1:])(id) for id in ids[1:]] == ["3f2a91c0", "71c97503"]
    assert [shortener(ids)(id) for id in ids] == ["3f2a91c0-aaa", "3f2a91c0-aab", "71c97503-000"]
    assert shortener([ids[0], ids[0]])(ids[0]) == "3f2a91c0"


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "now"), (-90, "now"), (45, "45 s"), (200, "3 min"), (7300, "2 h"), (200_000, "2 d")]
)
def test_an_age_is_said_in_its_largest_unit(seconds: int, said: str) -> None:
    assert age((NOW - timedelta(seconds=seconds)).isoformat(), NOW) == said


def test_a_reason_is_its_code_in_words_and_what_varies() -> None:
    assert reason(ITEM) == "refused by provider: 550 there is no such mailbox here at all"
    assert reason({**ITEM, "reasonCode": "legacy"}) == "the provider refused it"
    assert reason({**ITEM, "reasonCode": None, "reason": None}) == ""


def test_csv_has_each_field_and_no_formula() -> None:
    rows = list(csv.reader(io.StringIO(as_csv([{"a": "=1+1", "b": None}, {"a": 'x "y"\n', "b": 3}]))))

    assert rows == [["a", "b"], ["'=1+1", ""], ['x "y"\n', "3"]]
    assert as_csv([]) == ""


@pytest.mark.parametrize("width", [30, 80, 200])
@pytest.mark.parametrize("recipient", ["ada@example.com", None, "a" * 60, "\N{CJK UNIFIED IDEOGRAPH-4E00}" * 30])
def test_a_line_of_what_happens_fits_the_terminal(width: int, recipient: str | None) -> None:
    shown = line({**ITEM, "recipient": recipient}, NOW, width)

    assert cell_len(shown.plain) <= width
    assert shown.plain.startswith("12:00:00 3f2a91c0  refused")
    if width == 80:
        assert "refused by" in shown.plain


@pytest.mark.parametrize(
    ("before", "what"), [(None, "planned"), ("held", "resent"), ("refused", "redriven"), ("sending", "put back")]
)
def test_what_waits_says_where_it_comes_from(before: str | None, what: str) -> None:
    assert what in line({**ITEM, "fromStatus": before, "toStatus": "waiting"}, NOW, 80).plain


def test_what_others_wrote_cannot_command_the_terminal() -> None:
    assert "\x1b" not in line({**ITEM, "reasonDetail": "\x1b[2J", "account": "\x1b"}, NOW, 80).plain


def test_an_instant_is_how_long_ago_or_itself() -> None:
    read = datetime.fromisoformat(INSTANT.convert("2h", None, None))

    assert timedelta(hours=2) <= datetime.now(UTC) - read < timedelta(hours=2, minutes=1)
    assert INSTANT.convert("2026-11-30T12:00:00Z", None, None) == "2026-11-30T12:00:00Z"
    for text in ("", "2", "yesterday", "999999w"):
        with pytest.raises(click.BadParameter):
            INSTANT.convert(text, None, None)
