"""What a run's screen says about how it ended."""

import pytest

from drumbeat.cli.run_screens import reached_no_one


@pytest.mark.parametrize(
    ("state", "refused", "accepted", "expected"),
    [
        ("finished", [3], [0], True),
        ("finished", [3, 3], [0, 0], True),
        ("finished", [3, 0], [0, 3], False),  # of two steps one worked
        ("finished", [1], [2], False),
        ("finished", [0], [0], False),  # capped, or left out: nothing is at fault
        ("running", [3], [0], False),
    ],
)
def test_a_run_of_which_every_mail_was_refused_reached_no_one(
    state: str, refused: list[int], accepted: list[int], expected: bool
) -> None:
    totals = [{"refused": no, "accepted": yes} for no, yes in zip(refused, accepted, strict=True)]

    assert reached_no_one({"state": state, "totals": totals}) is expected
