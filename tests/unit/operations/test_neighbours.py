"""What the doctor says of other stages on the same Redis."""

from dataclasses import replace

import pytest

from drumbeat.observability.stages import Mark
from drumbeat.operations.neighbours import judge

OURS = Mark("prod", "drumbeat:aaa:", "address", "7/5")
STAGING = Mark("staging", "drumbeat:bbb:", "elsewhere", "8/5")


@pytest.mark.parametrize(
    ("other", "ok", "said"),
    [
        (STAGING, True, "meets the sum"),
        (replace(STAGING, stage="prod"), True, "disappears after two days"),
        (replace(STAGING, ledger="7/5"), True, "or a copy"),
        (replace(STAGING, ledger="", address="address"), True, "their keys are apart"),
        (replace(STAGING, ledger="7/5", address="address"), False, "a database of its own"),
        (replace(OURS, prefix="drumbeat:ccc:"), True, "disappears after two days"),
        (replace(OURS, ledger="9/5"), False, "a secret of its own"),
        (replace(OURS, stage="staging", ledger="9/5"), False, "remove this stage's keys"),
    ],
)
def test_a_neighbour_is_a_note_unless_a_ledger_or_keys_are_shared(other: Mark, ok: bool, said: str) -> None:
    [check] = judge(OURS, {other: 7200.0})

    assert (check.ok, "seen 2 h ago" in check.detail) == (ok, True)
    assert said in str(check.fix)


@pytest.mark.parametrize("others", [{}, {replace(OURS, ledger=""): 60.0}])
def test_a_stage_that_is_alone_is_told_so(others: dict[Mark, float]) -> None:
    [check] = judge(OURS, others)

    assert (check.ok, check.fix) == (True, None)
